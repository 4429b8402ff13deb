"""What is switched off is not there: for a client by its agency, for both by the operator."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.dialing import dial_campaign
from campaigns.errors import CampaignNotReady
from campaigns.models import Campaign
from campaigns.services.running import launch_campaign, resume_campaign
from portal.features import OF_AGENCIES, OF_CLIENTS, Feature
from portal.models import AuditRecord, Organization, User, WebhookEvent
from portal.scope import all_organizations, organization_scope
from portal.webhooks import record_event
from portal.webhooks.endpoints import create_endpoint
from portal.webhooks.recording import wanting
from tests.api.conftest import ApiClient
from tests.campaigns.builders import make_campaign
from tests.config.test_operator_console import address, visitor
from tests.world import PASSWORD, House, browser

# A page and an operation of the API that each of them takes away.
DOORS: dict[Feature, tuple[str, tuple[Any, ...] | None]] = {
    Feature.CAMPAIGNS: ("campaign_list", ("GET", "/campaigns")),
    Feature.API: ("api_key_list", ("GET", "/assistants")),
    Feature.WEBHOOKS: ("webhook_list", ("GET", "/webhook-endpoints")),
    Feature.BUILDING: ("assistant_new", ("POST", "/assistants")),
    Feature.TEAM: (
        "member_add",
        ("POST", "/invitations", {"email": "new@bakery.example"}),
    ),
    Feature.LISTENING: ("call_listen", None),
    Feature.BUYING: (
        "billing_recharge",
        ("POST", "/billing/coupons", {"code": "NONE"}),
    ),
    Feature.SELLING: ("selling_prices", None),
    Feature.DOMAINS: ("domain_list", None),
    Feature.MAIL: ("mail_edit", ("GET", "/domains")),
}


def switch_off(organization: Organization, *features: Feature) -> None:
    with all_organizations("the test switches features"):
        row = Organization.objects.get(pk=organization.pk)
        row.features_off = [str(one) for one in features]
        row.save(update_fields=["features_off"])
    organization.features_off = row.features_off


def test_every_feature_has_its_doors() -> None:
    assert set(DOORS) == set(Feature)


@pytest.mark.parametrize("feature", OF_CLIENTS, ids=str)
@pytest.mark.parametrize("by_operator", [False, True], ids=["by agency", "by operator"])
def test_what_is_off_is_neither_on_a_page_nor_in_the_api(
    acme: House, bakery: House, feature: Feature, by_operator: bool
):
    page, operation = DOORS[feature]
    posts = page in ("member_add", "call_listen")
    values = [bakery.assistant.pk] if page == "call_listen" else []
    dora = browser(bakery, bakery.people["dora"])
    api = ApiClient(bakery)

    def statuses() -> tuple[int, int | None]:
        path = reverse(page, args=values)
        answer = dora.post(path) if posts else dora.get(path)
        of_api = api.send(*operation).status_code if operation else None
        return answer.status_code, of_api

    assert 403 not in statuses()
    switch_off((acme if by_operator else bakery).organization, feature)
    assert statuses() == (403, 403 if operation else None)
    nav = dora.get(reverse("member_list")).content.decode()
    assert f'href="{reverse(page, args=values)}"' not in nav


@pytest.mark.parametrize("feature", sorted(OF_AGENCIES), ids=str)
def test_the_operator_switches_off_what_only_agencies_have(
    acme: House, feature: Feature
):
    page, operation = DOORS[feature]
    alice = browser(acme, acme.people["alice"])
    api = ApiClient(acme)
    assert alice.get(reverse(page)).status_code == 200
    switch_off(acme.organization, feature)
    assert alice.get(reverse(page)).status_code == 403
    assert f'href="{reverse(page)}"' not in alice.get("/").content.decode()
    if operation:
        assert api.send(*operation).status_code == 403


def test_a_client_buys_nothing_where_its_agency_may_not_sell(
    acme: House, bakery: House
):
    dora = browser(bakery, bakery.people["dora"])
    assert dora.get(reverse("billing_recharge")).status_code == 200
    switch_off(acme.organization, Feature.SELLING)
    assert dora.get(reverse("billing_recharge")).status_code == 403


def test_an_agency_builds_for_a_client_that_may_not(acme: House, bakery: House):
    switch_off(bakery.organization, Feature.BUILDING, Feature.CAMPAIGNS)
    edit = reverse("assistant_edit", args=[bakery.assistant.pk])
    assert browser(bakery, bakery.people["dora"]).get(edit).status_code == 403
    alice = browser(bakery, acme.people["alice"])
    assert alice.get(edit).status_code == 200
    assert alice.get(reverse("campaign_list")).status_code == 403


# --- what goes on without anybody -----------------------------------------------------
@pytest.mark.parametrize("by_operator", [False, True], ids=["by agency", "by operator"])
def test_a_running_campaign_stops_and_none_is_launched(
    acme: House, bakery: House, node: Any, by_operator: bool
):
    running = make_campaign(bakery, leads=2)
    draft = make_campaign(bakery, leads=1, launched=False)
    switch_off((acme if by_operator else bakery).organization, Feature.CAMPAIGNS)
    with organization_scope(bakery.organization):
        placed = dial_campaign(campaign_id=running.pk, organization=bakery.organization)
        assert placed == 0
        running = Campaign.objects.get(pk=running.pk)
        assert running.status == Campaign.Status.PAUSED
        assert "switched off for Bakery" in running.halt_text
        for campaign, start in ((draft, launch_campaign), (running, resume_campaign)):
            again = Campaign.objects.get(pk=campaign.pk)
            with pytest.raises(CampaignNotReady, match="switched off"):
                start(campaign=again, actor=None)


@pytest.mark.parametrize("by_operator", [False, True], ids=["by agency", "by operator"])
def test_nothing_is_sent_where_webhooks_are_off(
    acme: House, bakery: House, by_operator: bool
):
    with organization_scope(bakery.organization):
        create_endpoint(
            organization=bakery.organization,
            url="https://example.com/hook",
            events=["*"],
            actor=None,
        )

    def told() -> tuple[bool, int]:
        house = Organization.objects.get(pk=bakery.organization.pk)
        event = record_event(organization=house, kind="credits.low", data={})
        return event is not None, len(wanting(house, "tool-calls", None))

    with organization_scope(bakery.organization):
        assert told() == (True, 1)
        switch_off((acme if by_operator else bakery).organization, Feature.WEBHOOKS)
        assert told() == (False, 0)
        assert WebhookEvent.objects.count() == 1


# --- who switches ---------------------------------------------------------------------
def limits(house: House, *, on: tuple[Feature, ...]) -> dict[str, Any]:
    return {
        "name": house.organization.name,
        "max_concurrent_calls": "10",
        "features": [str(one) for one in on],
    }


def stored(house: House) -> list[str]:
    with all_organizations("the test looks"):
        return Organization.objects.get(pk=house.organization.pk).features_off


def test_staff_switches_an_agencys_features_and_it_is_written_down(
    acme: House, olga: User
):
    page = address("admin:limit_organization", acme.organization.pk)
    staff = visitor(olga)
    kept = tuple(one for one in Feature if one != Feature.SELLING)
    asked = staff.post(page, limits(acme, on=kept))
    assert asked.status_code == 403
    assert b'name="sudo"' in asked.content
    assert stored(acme) == []
    done = staff.post(page, limits(acme, on=kept) | {"sudo": PASSWORD})
    assert done.status_code == 302
    assert stored(acme) == ["selling"]
    row = address("admin:portal_organization_change", acme.organization.pk)
    assert "Selling credits" in staff.get(row).content.decode()
    with organization_scope(acme.organization):
        record = AuditRecord.objects.get(action="agency.limited")
    assert (record.actor, record.changes) == (olga, {"features_off": [[], ["selling"]]})


def test_an_agency_keeps_what_the_operator_took(acme: House, bakery: House):
    """A client's form knows nothing of features that only agencies have."""
    switch_off(bakery.organization, Feature.SELLING)
    alice = browser(acme, acme.people["alice"])
    page = reverse("client_limits", args=[bakery.organization.pk])
    assert b'value="selling"' not in alice.get(page).content
    forged = alice.post(page, limits(bakery, on=(*OF_CLIENTS, Feature.SELLING)))
    assert forged.status_code == 422
    alice.post(page, limits(bakery, on=OF_CLIENTS))
    assert stored(bakery) == ["selling"]
    path = f"/organizations/{bakery.organization.pk}"
    refused = ApiClient(acme).patch(path, {"features_off": ["selling"]})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "features_off[0]"


def test_an_agency_cannot_switch_on_for_itself(acme: House):
    switch_off(acme.organization, Feature.SELLING)
    alice = browser(acme, acme.people["alice"])
    page = reverse("client_limits", args=[acme.organization.pk])
    assert alice.post(page, limits(acme, on=tuple(Feature))).status_code == 404
    assert stored(acme) == ["selling"]


def test_a_member_finds_no_switch(acme: House):
    page = address("admin:limit_organization", acme.organization.pk)
    client: Client = visitor(acme.people["alice"])
    assert client.post(page, limits(acme, on=())).status_code == 404
    assert stored(acme) == []
