"""What an agency allows its clients holds on pages, in the API and for calls alike."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls.errors import MinutesUsedUp, OrganizationSuspended
from calls.models import Call, VoiceNode
from calls.services.web import start_web_call
from config.clients import managing
from portal.features import OF_CLIENTS, Feature
from portal.models import ClientNote, Membership, Organization, Portal
from portal.scope import agency_scope, all_organizations, organization_scope
from portal.services.api_keys import issue_key
from tests.world import House, browser, desk_spec


def limit(house: House, **values: object) -> None:
    with all_organizations("the test sets limits"):
        Organization.objects.filter(pk=house.organization.pk).update(**values)
    house.organization.refresh_from_db()


def form(acme: House, bakery: House, **changes: object):
    values = {
        "name": "Bakery",
        "max_concurrent_calls": "10",
        "features": ["campaigns", "api", "webhooks", "building", "team"],
    }
    address = reverse("client_limits", args=[bakery.organization.pk])
    return browser(acme, acme.people["alice"]).post(address, values | changes)


@pytest.fixture(autouse=True)
def scope_for_refresh():
    with all_organizations("the test looks at every organization"):
        yield


def test_an_agency_sets_limits_and_they_are_written_down(acme: House, bakery: House):
    assert form(acme, bakery, max_assistants="3", features=["api"]).status_code == 302
    row = Organization.objects.get(pk=bakery.organization.pk)
    assert row.max_assistants == 3
    assert row.features_off == [str(one) for one in OF_CLIENTS if one != Feature.API]
    again = form(acme, bakery, max_concurrent_calls="-1")
    assert again.status_code == 422


def test_a_feature_that_is_off_is_not_there(acme: House, bakery: House):
    dora = browser(bakery, bakery.people["dora"])
    assert dora.get(reverse("campaign_list")).status_code == 200
    form(acme, bakery, features=["building", "team", "webhooks"])
    assert dora.get(reverse("campaign_list")).status_code == 403
    assert reverse("campaign_list") not in dora.get("/").content.decode()
    with organization_scope(bakery.organization):
        _row, key = issue_key(organization=bakery.organization, name="K", actor=None)
    answer = Client(SERVER_NAME=bakery.host).get(
        "/api/v1/assistants", headers={"authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 403


def test_one_assistant_too_many_is_refused_everywhere(bakery: House):
    limit(bakery, max_assistants=1)
    with organization_scope(bakery.organization):
        _row, key = issue_key(organization=bakery.organization, name="K", actor=None)
    answer = Client(SERVER_NAME=bakery.host).post(
        "/api/v1/assistants",
        data=desk_spec(name="Second").model_dump_json(),
        content_type="application/json",
        headers={"authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 403
    assert "room for 1" in answer.json()["error"]["message"]


def test_a_clients_own_rate_is_lower_than_everybodys(bakery: House):
    limit(bakery, api_rate_per_minute=2)
    with organization_scope(bakery.organization):
        _row, key = issue_key(organization=bakery.organization, name="K", actor=None)
    client = Client(SERVER_NAME=bakery.host)
    headers = {"authorization": f"Bearer {key}"}
    codes = [
        client.get("/api/v1/assistants", headers=headers).status_code for _n in range(3)
    ]
    assert codes == [200, 200, 429]


def test_a_month_has_as_many_minutes_as_the_plan(bakery: House, node: VoiceNode):
    limit(bakery, max_minutes_per_month=1)
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
        Call.objects.filter(pk=call.pk).update(billed_seconds=60)
        with pytest.raises(MinutesUsedUp):
            start_web_call(
                organization=bakery.organization, assistant=bakery.assistant, actor=None
            )
        Call.objects.filter(pk=call.pk).update(
            created_at=timezone.now() - timedelta(days=40)
        )
        start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )


def test_notes_are_read_by_the_agency_only(acme: House, bakery: House):
    alice = browser(acme, acme.people["alice"])
    address = reverse("client_note", args=[bakery.organization.pk])
    alice.post(address, {"text": "Pays late"})
    detail = reverse("client_detail", args=[bakery.organization.pk])
    assert "Pays late" in alice.get(detail).content.decode()
    with organization_scope(bakery.organization):
        assert not ClientNote.objects.exists()
    with agency_scope(acme.organization.pk):
        assert ClientNote.objects.count() == 1


def move(acme: House, bakery: House, name: str) -> str:
    alice = browser(acme, acme.people["alice"])
    address = reverse("client_move", args=[bakery.organization.pk, name])
    alice.post(address)
    return Organization.objects.get(pk=bakery.organization.pk).status


def test_a_client_is_suspended_and_taken_up_again(
    acme: House, bakery: House, node: VoiceNode
):
    assert move(acme, bakery, "suspend") == "suspended"
    with organization_scope(bakery.organization), pytest.raises(OrganizationSuspended):
        start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )
    assert move(acme, bakery, "resume") == "active"


def test_an_archived_client_is_closed_to_people_and_keys(acme: House, bakery: House):
    with organization_scope(bakery.organization):
        _row, key = issue_key(organization=bakery.organization, name="K", actor=None)
    headers = {"authorization": f"Bearer {key}"}
    dora = browser(bakery, bakery.people["dora"])

    def statuses() -> tuple[int, int]:
        api = Client(SERVER_NAME=bakery.host).get("/api/v1/assistants", headers=headers)
        return dora.get("/").status_code, api.status_code

    assert statuses() == (200, 200)
    assert move(acme, bakery, "archive") == "archived"
    assert statuses() == (404, 403)
    assert move(acme, bakery, "resume") == "active"
    assert statuses() == (200, 200)


def test_a_deletion_can_be_called_off_until_it_happens(acme: House, bakery: House):
    assert move(acme, bakery, "delete") == "archived"
    assert managing.erase_due_clients() == 0
    assert move(acme, bakery, "keep") == "suspended"
    move(acme, bakery, "delete")
    Organization.objects.filter(pk=bakery.organization.pk).update(
        delete_at=timezone.now() - timedelta(seconds=1)
    )
    assert managing.erase_due_clients() == 1
    assert not Membership.objects.filter(organization=bakery.organization).exists()
    assert Organization.objects.get(pk=bakery.organization.pk).name.startswith(
        "Deleted"
    )
    assert managing.erase_due_clients() == 0


def test_a_client_that_was_reopened_is_not_erased_when_it_is_archived_again(
    acme: House, bakery: House
):
    move(acme, bakery, "delete")
    assert move(acme, bakery, "resume") == "active"
    move(acme, bakery, "archive")
    assert Organization.objects.get(pk=bakery.organization.pk).delete_at is None


def switch_off(acme: House) -> None:
    portal = Portal.objects.get(pk=acme.portal.pk)
    portal.is_enabled, portal.disabled_notice = False, "Back on Monday."
    portal.save()


def test_a_portal_that_is_off_shows_its_notice_in_its_brand(
    acme: House, bakery: House, node: VoiceNode
):
    switch_off(acme)
    for client in (browser(acme), browser(bakery, bakery.people["dora"])):
        answer = client.get("/")
        assert answer.status_code == 503
        assert "Back on Monday." in answer.content.decode()
        assert acme.portal.name in answer.content.decode()
    alice = browser(acme, acme.people["alice"])
    assert alice.get(reverse("client_set_up")).status_code == 200
    with organization_scope(bakery.organization), pytest.raises(OrganizationSuspended):
        start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )


def test_a_second_factor_can_be_asked_of_everybody(bakery: House):
    limit(bakery, requires_second_factor=True)
    dora = browser(bakery, bakery.people["dora"])
    answer = dora.get("/")
    assert answer.status_code == 302
    assert answer.url == reverse("mfa_index")
    assert dora.get(reverse("assistant_list")).status_code == 302
    limit(bakery, requires_second_factor=False)
    assert dora.get("/").status_code == 200


def test_the_cockpit_compares_and_exports(acme: House, bakery: House, node: VoiceNode):
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
        Call.objects.filter(pk=call.pk).update(
            billed_seconds=90,
            cost_microcredits=3_000_000,
            pool_cost_microcredits=1_500_000,
        )
    alice = browser(acme, acme.people["alice"])
    html = alice.get(reverse("cockpit"), {"days": "7"}).content.decode()
    assert "Bakery" in html
    table = alice.get(reverse("cockpit_csv")).content.decode().splitlines()
    assert table[1].startswith("Bakery,active,")
    assert ",1,2,3.00,1.50,1.50," in table[1]


def test_the_cockpits_queries_do_not_grow_with_clients(
    acme: House, bakery: House, django_assert_max_num_queries
):
    from tests.world import open_client_house

    for n in range(8):
        open_client_house(acme, f"Client {n}", f"+3120123470{n}")
    alice = browser(acme, acme.people["alice"])
    alice.get(reverse("cockpit"))
    with django_assert_max_num_queries(30):
        alice.get(reverse("cockpit"))
