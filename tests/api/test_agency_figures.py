"""The agency's cockpit, its visits and its voices by key."""

from __future__ import annotations

import pytest
from django.utils import timezone

from calls.models import Call, VoiceNode
from calls.services.web import start_web_call
from portal.scope import all_organizations, organization_scope
from tests.api.conftest import ApiClient
from tests.config.test_cockpit_troubles import break_things
from tests.world import House, visit


def test_figures_are_those_of_the_cockpit(
    acme: House,
    bakery: House,
    node: VoiceNode,
    acme_api: ApiClient,
    bakery_api: ApiClient,
) -> None:
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
        Call.objects.filter(pk=call.pk).update(
            billed_seconds=90,
            cost_microcredits=3_000_000,
            pool_cost_microcredits=1_250_000,
        )
    found = acme_api.get("/organizations/figures?days=7").json()
    assert found["last_day"] == str(timezone.localdate())
    figures = {
        "calls": 1,
        "minutes": 2,
        "paid_credits": "3.00",
        "cost_credits": "1.25",
        "margin_credits": "1.75",
    }
    assert found["total"] == figures
    assert found["total_before"]["calls"] == 0
    [row] = [one for one in found["organizations"] if one["name"] == "Bakery"]
    assert {name: row[name] for name in figures} == figures
    assert row["calls_by_day"] == [0, 0, 0, 0, 0, 0, 1]
    assert row["organization_id"] == str(bakery.organization.pk)
    answer = acme_api.get("/organizations/figures?days=91")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "days")
    assert bakery_api.get("/organizations/figures").status_code == 403


def test_what_needs_a_hand_is_listed(
    acme: House, bakery: House, globex: House, acme_api: ApiClient
) -> None:
    assert acme_api.get("/organizations/troubles").json() == {"troubles": []}
    with all_organizations("the test breaks things"):
        break_things(acme, bakery)
    found = acme_api.get("/organizations/troubles").json()["troubles"]
    named = {(one["what"], one["organization_id"]) for one in found}
    client = str(bakery.organization.pk)
    assert {("Domain", None), ("Webhook", client)} <= named
    assert ApiClient(globex).get("/organizations/troubles").json() == {"troubles": []}


def test_a_client_reads_who_looked_in(
    acme: House, bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    visit(bakery, acme.people["alice"])
    [row] = bakery_api.get("/visits").json()["visits"]
    assert (row["kind"], row["visitor_name"]) == ("agency", "Alice")
    assert (row["reason"], row["may_write"]) == ("Test of a page", True)
    assert garage_api.get("/visits").json()["visits"] == []


def test_data_flows_are_those_of_the_drawing(
    bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    at = f"/assistants/{bakery.assistant.pk}/data-flows"
    found = bakery_api.get(at).json()["data_flows"]
    assert {one["region"] for one in found} == {"own"}
    assert all(one["is_allowed"] for one in found)
    assert "llm_config" in {one["param"].split(".")[0] for one in found}
    assert garage_api.get(at).status_code == 404


@pytest.mark.slow
def test_a_voice_is_heard_before_it_is_chosen(bakery_api: ApiClient) -> None:
    heard = bakery_api.get("/voices/sample?provider=offline&voice_id=flite-rms")
    assert (heard.status_code, heard["Content-Type"]) == (200, "audio/wav")
    assert heard.content[:4] == b"RIFF"
    nobody = bakery_api.get("/voices/sample?provider=offline&voice_id=nobody")
    assert nobody.status_code == 404
    answer = bakery_api.get("/voices/sample?provider=offline")
    assert answer.json()["error"]["param"] == "voice_id"
