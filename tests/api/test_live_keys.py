"""A test key tries everything out and neither calls anybody nor moves money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.models import CreditLot, Payment
from calls.models import Call, VoiceNode
from calls.services.trunks import add_trunk
from campaigns.models import Campaign, Lead
from portal.models import APIKey
from portal.scope import all_organizations, organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.world import House

LEAD = {"phone_number": "+31612345678"}


def key_of(house: House) -> ApiClient:
    with organization_scope(house.organization):
        _row, text = issue_key(
            organization=house.organization, name="Trying", actor=None, mode="test"
        )
    assert text.startswith("fl_test_")
    return ApiClient(house, text)


@pytest.fixture
def trying(bakery: House) -> ApiClient:
    return key_of(bakery)


def refused(answer: Any) -> bool:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "test_key")
    assert error["type"] == "permission_error"
    return True


def campaign_of(api: ApiClient) -> str:
    made = api.post(
        "/campaigns",
        {"name": "Spring", "agent_id": str(api.house.assistant.pk), "leads": [LEAD]},
    )
    return f"/campaigns/{made.json()['campaign']['id']}"


def test_it_prepares_a_campaign_and_does_not_start_it(
    bakery: House, trying: ApiClient
) -> None:
    path = campaign_of(trying)
    assert trying.patch(path, {"name": "Summer"}).status_code == 200
    assert refused(trying.patch(path, {"status": "scheduled", "name": "Autumn"}))
    with organization_scope(bakery.organization):
        campaign = Campaign.objects.get()
    assert (campaign.status, campaign.name) == ("draft", "Summer")


def test_it_adds_nobody_to_a_campaign_that_is_calling(
    bakery: House, bakery_api: ApiClient, trying: ApiClient
) -> None:
    path = campaign_of(bakery_api)
    bakery_api.patch(path, {"status": "scheduled"})
    [lead] = bakery_api.get(f"{path}/leads").json()["leads"]
    more = {"phone_number": "+31612345679"}
    assert refused(trying.post(f"{path}/leads", more))
    assert refused(trying.patch(f"{path}/leads/{lead['id']}", {"status": "pending"}))
    assert refused(trying.patch(path, {"name": "Autumn"}))
    with organization_scope(bakery.organization):
        assert Lead.objects.count() == 1
    assert trying.patch(path, {"status": "paused"}).status_code == 200


def test_its_call_is_carried_by_the_simulator_whatever_the_trunk(
    bakery: House, trying: ApiClient, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        trunk = add_trunk(
            organization=bakery.organization,
            values={"name": "Office", "host": "sip.example.com"},
            actor=None,
        )
        bakery.number.trunk = trunk
        bakery.number.carrier = "sip"
        bakery.number.save(update_fields=["trunk", "carrier"])
    body = {
        "destination": "+31612345678",
        "assistant_id": str(bakery.assistant.pk),
        "number_id": str(bakery.number.pk),
    }
    before = trying.get("/billing/balance").json()
    made = trying.post("/calls/outbound", body)
    assert made.status_code == 201, made.content
    with organization_scope(bakery.organization):
        call = Call.objects.get(pk=made.json()["call_id"])
    assert (call.carrier, call.trunk_id, call.is_test) == ("simulator", None, True)
    assert call.price_microcredits_per_minute == 0
    assert call.pool_price_microcredits_per_minute == 0
    after = trying.get("/billing/balance").json()
    assert Decimal(after["held_credits"]) == Decimal(before["held_credits"]) == 0
    assert after["available_credits"] == before["available_credits"]


def test_it_steers_its_own_calls_only(
    bakery: House, bakery_api: ApiClient, trying: ApiClient, node: VoiceNode
) -> None:
    say = {"type": "transfer", "destination": "+31201234567"}
    body = {"assistant_id": str(bakery.assistant.pk)}
    real = bakery_api.post("/web-calls", body).json()["call_id"]
    own = trying.post("/web-calls", body).json()["call_id"]
    with organization_scope(bakery.organization):
        Call.objects.update(status=Call.Status.IN_PROGRESS)
    assert refused(trying.post(f"/calls/{real}/control", say))
    say = {"type": "say", "content": "Hello."}
    assert trying.post(f"/calls/{own}/control", say).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/billing/payments", {"credits": 1000, "email": "dora@bakery.example"}),
        ("/billing/coupons", {"code": "SPRING"}),
    ],
)
def test_it_buys_nothing(
    bakery: House, trying: ApiClient, path: str, body: Any
) -> None:
    assert refused(trying.post(path, body))
    with all_organizations("the test counts them all"):
        assert not Payment.objects.exists()


def test_it_gives_no_credits(acme: House, bakery: House) -> None:
    with all_organizations("the test counts them all"):
        before = CreditLot.objects.count()
    path = f"/organizations/{bakery.organization.pk}/credits"
    assert refused(key_of(acme).post(path, {"credits": "10", "memo": "Fair"}))
    with all_organizations("the test counts them all"):
        assert CreditLot.objects.count() == before


def test_it_never_turns_into_a_live_key(acme: House) -> None:
    trying = key_of(acme)
    made = trying.post("/organizations", {"name": "Florist"}).json()
    assert made["api_key"].startswith("fl_test_")
    assert trying.post("/api-keys", {"name": "Live"}).status_code == 403
    with all_organizations("the test looks at the client's keys"):
        modes = APIKey.objects.filter(organization=made["id"]).values_list("mode")
        assert list(modes) == [("test",)]
