"""Campaigns side by side, templates and test calls over REST, as on their pages."""

from __future__ import annotations

from assistants.services import create_assistant
from calls.models import Call, PhoneNumber, VoiceNode
from campaigns.models import Campaign, CampaignTemplate, Lead
from campaigns.services.templates import copy_campaigns
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import make_campaign, rows
from tests.campaigns.test_comparing import done
from tests.world import House, desk_spec


def test_a_difference_that_is_no_chance_is_called_one(
    bakery: House, bakery_api: ApiClient
) -> None:
    first = make_campaign(bakery, leads=rows(1), name="March")
    second = make_campaign(bakery, leads=rows(1), name="April")
    with organization_scope(bakery.organization):
        done(first, reached=2, not_reached=38)
        done(second, reached=30, not_reached=10)
    path = f"/campaigns/compare?campaign_ids={second.pk}&campaign_ids={first.pk}"
    found = bakery_api.get(path).json()
    march, april = found["campaigns"]
    assert (march["name"], march["people"], march["hits"]) == ("March", 40, 2)
    assert (april["percent"], march["percent"]) == (75.0, 5.0)
    assert april["low_percent"] < 75 < april["high_percent"]
    [finding] = found["findings"]
    assert finding["campaign_id"] == str(second.pk)
    assert finding["against_campaign_id"] == str(first.pk)
    assert (finding["finding"], finding["better"]) == ("different", "April")
    assert finding["p_value"] < 0.001
    assert found["goals"] == [{"goal": "reached", "label": "Reached"}]
    assert found["variants"] == []


def test_two_assistants_of_one_campaign_with_too_few_people(
    bakery: House, bakery_api: ApiClient
) -> None:
    with organization_scope(bakery.organization):
        other = create_assistant(
            organization=bakery.organization, spec=desk_spec(name="Short"), actor=None
        )
        campaign = make_campaign(
            bakery, leads=1, more={"variant_assistant": other, "variant_percent": 50}
        )
        done(campaign, reached=1, not_reached=1)
    found = bakery_api.get(f"/campaigns/compare?campaign_ids={campaign.pk}").json()
    [variants] = found["variants"]
    assert [side["name"] for side in variants["sides"]] == ["Front desk", "Short"]
    assert variants["sides"][1]["percent"] is None
    assert (variants["finding"], variants["p_value"]) == ("too_few", None)


def test_what_cannot_be_compared_is_named(
    bakery: House, garage: House, bakery_api: ApiClient
) -> None:
    begun = make_campaign(bakery, leads=1)
    draft = make_campaign(bakery, leads=1, launched=False)
    foreign = make_campaign(garage, leads=1)
    for other in (draft, foreign):
        path = f"/campaigns/compare?campaign_ids={begun.pk}&campaign_ids={other.pk}"
        answer = bakery_api.get(path)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "campaign_ids[1]"
    for query, param in (
        (f"campaign_ids={begun.pk}&goal=sold", "goal"),
        ("", "campaign_ids"),
        ("&".join(f"campaign_ids={begun.pk}" for _ in range(7)), "campaign_ids"),
    ):
        answer = bakery_api.get(f"/campaigns/compare?{query}")
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def template_for(house: House) -> CampaignTemplate:
    """What the house's agency has put there, of a campaign of its own."""
    agency = house.organization.parent
    assert agency is not None
    with organization_scope(agency):
        campaign = Campaign.objects.latest("created_at")
    copy_campaigns(
        agency=agency,
        client=house.organization,
        ids=[campaign.pk],
        assistants={campaign.assistant_id: house.assistant},
        actor=None,
    )
    with organization_scope(house.organization):
        return CampaignTemplate.objects.select_related("assistant").get()


def test_a_campaign_starts_from_a_template(
    acme: House, bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    make_campaign(
        acme,
        leads=1,
        launched=False,
        max_attempts=5,
        more={"days_off": ["2026-12-25"], "opt_out_digit": "9"},
    )
    template = template_for(bakery)
    [shown] = bakery_api.get("/campaign-templates").json()["campaign_templates"]
    one = f"/campaign-templates/{template.pk}"
    assert bakery_api.get(one).json() == {"campaign_template": shown}
    assert (shown["max_attempts"], shown["agent_name"]) == (5, "Front desk")
    body = {"name": "May", "template_id": str(template.pk), "opt_out_digit": "7"}
    made = bakery_api.post("/campaigns", body).json()["campaign"]
    assert made["assistant_id"] == str(bakery.assistant.pk)
    assert (made["max_attempts"], made["days_off"]) == (5, ["2026-12-25"])
    assert (made["opt_out_digit"], made["total_leads"]) == ("7", 0)
    foreign = garage_api.post("/campaigns", body)
    assert foreign.json()["error"]["param"] == "template_id"
    assert garage_api.get(one).status_code == 404
    assert garage_api.delete(one).status_code == 404
    assert bakery_api.delete(one).json() == {"success": True}
    assert bakery_api.get(one).status_code == 404
    assert bakery_api.get(f"/campaigns/{made['id']}").status_code == 200


def test_a_test_call_rings_one_number_once(
    bakery: House, node: VoiceNode, bakery_api: ApiClient
) -> None:
    campaign = make_campaign(bakery, leads=1, launched=False)
    path = f"/campaigns/{campaign.pk}/test-call"
    body = {"phone_number": "0612345601"}
    first, again = (bakery_api.post(path, body, idempotency_key="t") for _ in range(2))
    assert first.status_code == 201, first.content
    assert first.json() == again.json()
    with organization_scope(bakery.organization):
        call = Call.objects.get()
        assert str(call.pk) == first.json()["call_id"]
        assert call.callee_number == "+31612345601"
        assert call.variables["name"] == "Lead 0"
        assert Lead.objects.get().attempt_count == 0
    refused = bakery_api.post(path, {"phone_number": "12"})
    assert refused.json()["error"]["param"] == "phone_number"
    made = bakery_api.post("/api-keys", {"name": "T", "mode": "test"}).json()["key"]
    tried = ApiClient(bakery, made).post(path, {"phone_number": "+31612345602"})
    assert tried.status_code == 201, tried.content
    with organization_scope(bakery.organization):
        assert Call.objects.get(pk=tried.json()["call_id"]).is_test


def test_a_simulated_person_calls_a_number_without_a_trunk(
    bakery: House, node: VoiceNode, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    path = f"/numbers/{bakery.number.pk}/simulate"
    begun = bakery_api.post(path)
    assert begun.status_code == 202, begun.content
    assert garage_api.post(path).status_code == 404
    VoiceNode.objects.update(is_draining=True)
    full = bakery_api.post(path)
    assert (full.status_code, full.json()["error"]["code"]) == (503, "no_capacity")
    with organization_scope(bakery.organization):
        PhoneNumber.objects.filter(pk=bakery.number.pk).update(carrier="sip")
    refused = bakery_api.post(path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
