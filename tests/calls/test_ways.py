"""A rule about regions holds for carriers and for whom a caller is handed to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from assistants.services import save_assistant
from assistants.sovereignty import OutsideRegion, violations
from calls.errors import RegionRefused
from calls.models import Call, PhoneNumber, Transfer, Trunk, VoiceNode
from calls.services.inbound import Caller, Taken, TurnedAway, take_call
from calls.services.numbers import change_number
from calls.services.outbound import place_call
from calls.services.running import CallOrder, pick_up
from calls.services.transfers import Failure, TransferNotPossible, plan_transfer
from calls.services.trunks import add_trunk, change_trunk
from calls.telephony.protocol import TrunkConfig
from calls.telephony.telnyx.carrier import client_of as telnyx_client
from calls.telephony.twilio.carrier import client_of as twilio_client
from portal.policy import Policy, RegionRule
from portal.scope import all_organizations, organization_scope
from portal.services.api_keys import issue_key
from portal.services.privacy import save_privacy
from tests.assistants.test_sovereignty import spec_with
from tests.calls.node.held import order_for
from tests.world import House, browser

CALLEE = "+31205550001"
SIP = {"name": "Own", "carrier": "sip", "host": "sip.example.com"}
PROXY = SIP | {"outbound_host": "proxy.example.com:5080"}
TWILIO = {"name": "T", "carrier": "twilio", "auth_username": "AC1"}
TELNYX = {"name": "X", "carrier": "telnyx", "auth_username": "1"}
DECLARED = ["sip.example.com"]


def choose(house: House, **choices: Any) -> None:
    with organization_scope(house.organization):
        save_privacy(organization=house.organization, actor=None, **choices)


def connect(house: House, **values: Any) -> Trunk:
    """A trunk of the house, and its number on it."""
    with organization_scope(house.organization):
        trunk = add_trunk(organization=house.organization, values=values, actor=None)
        number = PhoneNumber.objects.get(pk=house.number.pk)
        change_number(number=number, changes={"trunk": trunk}, actor=None)
        house.number.refresh_from_db()
        return trunk


def hand_on_to(*numbers: str) -> list[dict[str, Any]]:
    return [{"type": "transfer_call", "destinations": [{"number": n} for n in numbers]}]


# --- carriers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "rule", "hosts", "params"),
    [
        (TWILIO, "eu", [], ["data_region"]),
        (TWILIO | {"data_region": "eu"}, "eu", [], []),
        (TWILIO | {"data_region": "eu"}, "own", [], ["data_region"]),
        (TELNYX, "eu", [], ["data_region"]),
        (TELNYX | {"data_region": "eu"}, "eu", [], []),
        (SIP, "eu", [], ["host"]),
        (SIP, "eu", DECLARED, []),
        (SIP, "own", DECLARED, []),
        (SIP | {"host": "203.0.113.7"}, "eu", ["203.0.113.7"], []),
        (PROXY, "eu", DECLARED, ["outbound_address"]),
        (PROXY, "eu", [*DECLARED, "proxy.example.com"], []),
        (SIP, "anywhere", [], []),
    ],
)
def test_a_trunk_is_saved_only_where_calls_may_go(
    bakery: House,
    values: dict[str, Any],
    rule: str,
    hosts: list[str],
    params: list[str],
) -> None:
    choose(bakery, regions=rule, trusted_hosts=hosts)
    with organization_scope(bakery.organization):
        found: list[str] = []
        try:
            add_trunk(organization=bakery.organization, values=values, actor=None)
        except OutsideRegion as refusal:
            found = [fault.param for fault in refusal.faults]
        assert found == params
        assert Trunk.objects.exists() is not bool(params)


def test_a_trunk_cannot_be_moved_outside_nor_taken_by_a_number(bakery: House) -> None:
    old = connect(bakery, **TWILIO)
    choose(bakery, regions="eu", trusted_hosts=DECLARED)
    inside = connect(bakery, **SIP)
    with organization_scope(bakery.organization):
        with pytest.raises(OutsideRegion):
            change_trunk(
                trunk=inside, changes={"host": "elsewhere.example"}, actor=None
            )
        for field in ("trunk", "transfer_trunk"):
            with pytest.raises(OutsideRegion) as refused:
                change_number(number=bakery.number, changes={field: old}, actor=None)
            assert [fault.param for fault in refused.value.faults] == [f"{field}_id"]
        change_trunk(trunk=old, changes={"name": "Old", "is_active": False}, actor=None)
        assert Trunk.objects.get(pk=inside.pk).host == "sip.example.com"
        number = PhoneNumber.objects.get(pk=bakery.number.pk)
        assert (number.trunk_id, number.transfer_trunk_id) == (inside.pk, None)


def test_a_call_does_not_go_out_by_a_trunk_from_before(
    bakery: House, node: VoiceNode
) -> None:
    connect(bakery, **TWILIO)

    def place() -> Call:
        with organization_scope(bakery.organization):
            return place_call(
                organization=bakery.organization,
                assistant=bakery.assistant,
                destination=CALLEE,
                call_id=uuid4(),
                actor=None,
                number=bakery.number,
            )

    waiting = place()
    choose(bakery, regions="eu")
    with pytest.raises(RegionRefused, match="Twilio"):
        place()
    order = pick_up(call_id=waiting.pk, node_id=node.pk)
    assert order is not None
    assert "Twilio" in order.refusal
    with all_organizations("test"):
        assert Call.objects.get() == waiting


def test_a_call_does_not_come_in_by_another_trunk_of_the_house(
    bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        other = add_trunk(
            organization=bakery.organization,
            values=SIP | {"host": "elsewhere.example"},
            actor=None,
        )
    choose(bakery, regions="eu", trusted_hosts=DECLARED)
    own = connect(bakery, **SIP)

    def caller(trunk: Trunk) -> Caller:
        return Caller("sip", trunk.pk, str(trunk.pk), CALLEE, bakery.number.number)

    assert isinstance(take_call(caller=caller(other), node_id=node.pk), TurnedAway)
    taken = take_call(caller=caller(own), node_id=node.pk)
    assert isinstance(taken, Taken)
    assert taken.order.refusal == ""


def test_a_simulated_call_goes_on_under_every_rule(
    bakery: House, node: VoiceNode
) -> None:
    connect(bakery, **TWILIO)
    choose(bakery, regions="own")
    with organization_scope(bakery.organization):
        call = place_call(
            organization=bakery.organization,
            assistant=bakery.assistant,
            destination=CALLEE,
            call_id=uuid4(),
            actor=None,
            number=bakery.number,
            is_test=True,
        )
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert order.refusal == ""


def test_a_region_decides_which_server_is_asked() -> None:
    def trunk(carrier: str, data_region: str) -> TrunkConfig:
        settings = {"username": "AC1", "data_region": data_region}
        return TrunkConfig(
            uuid4(), carrier, settings=settings, secrets={"password": "x"}
        )

    url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json"
    for region, host in (("us", "api.twilio.com"), ("eu", "api.dublin.ie1.twilio.com")):
        asked = twilio_client(trunk("twilio", region)).get_hostname(url)
        assert asked == url.replace("api.twilio.com", host)
    for region, host in (("us", "api.telnyx.com"), ("eu", "api.telnyx.eu")):
        assert telnyx_client(trunk("telnyx", region)).base_url.host == host


def test_the_api_and_the_form_name_the_field(bakery: House) -> None:
    choose(bakery, regions="eu", trusted_hosts=DECLARED)
    with organization_scope(bakery.organization):
        _row, key = issue_key(organization=bakery.organization, name="Test", actor=None)
    client = Client(SERVER_NAME=bakery.host, headers={"authorization": f"Bearer {key}"})

    def post(**body: Any) -> Any:
        return client.post(
            "/api/v1/sip-trunks", json.dumps(body), content_type="application/json"
        )

    refused = post(name="Out", address="elsewhere.example")
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == ("region_not_allowed", "host")
    assert "elsewhere.example" in error["message"]
    made = post(name="T", carrier="twilio", username="AC1", data_region="eu")
    assert made.status_code == 201
    assert made.json()["trunk"]["data_region"] == "eu"
    page = browser(bakery, bakery.people["dora"]).post(
        reverse("trunk_new"),
        {
            "name": "Out",
            "provider": "other",
            "address": "elsewhere.example",
            "transport": "udp",
            "caller_id": "number",
            "number_format": "plus",
            "max_channels": 10,
            "calls_per_second": 1,
            "register_expires_s": 600,
            "options_every_s": 60,
        },
    )
    assert page.status_code == 422
    assert "elsewhere.example" in str(page.context["form"].errors["address"])
    with all_organizations("test"):
        assert Trunk.objects.get().carrier == "twilio"


# --- people -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "policy", "is_allowed"),
    [
        ("sip:desk@pbx.example.com", Policy(regions=RegionRule.EU), False),
        ("sip:desk@sip.example.com", Policy(regions=RegionRule.EU), True),
        (
            "sip:desk@sip.example.com;maddr=203.0.113.9",
            Policy(regions=RegionRule.EU),
            False,
        ),
        ("sip:desk@pbx.example.com", Policy(), True),
        ("+12125551234", Policy(regions=RegionRule.EU), True),
        (
            "+12125551234",
            Policy(regions=RegionRule.EU, keeps_callers_inside=True),
            False,
        ),
        ("+12125551234", Policy(keeps_callers_inside=True), True),
        (
            "+31201234567",
            Policy(regions=RegionRule.OWN, keeps_callers_inside=True),
            True,
        ),
    ],
)
def test_whom_a_caller_is_handed_to_is_looked_at(
    bakery: House,
    node: VoiceNode,
    number: str,
    policy: Policy,
    is_allowed: bool,
) -> None:
    if policy.regions is not RegionRule.ANYWHERE:
        policy = replace(policy, trusted_hosts=frozenset(DECLARED))
    spec = spec_with(llm_config={"tools": hand_on_to("+31201234567", number)})
    field = "llm_config.tools[0].destinations[1].number"
    faults = violations(spec, policy)
    assert [fault.param for fault in faults] == ([] if is_allowed else [field])
    # Nor in a call, where anybody with the right may name somebody else.
    order = replace(order_for(bakery, node), carrier="simulator", policy=policy)
    assert asked(order, number) is (None if is_allowed else Failure.REGION)


def asked(order: CallOrder, destination: str) -> Failure | None:
    try:
        plan_transfer(order=order, destination=destination, brief="", asked_by="api")
    except TransferNotPossible as error:
        return error.failure
    with all_organizations("test"):
        assert Transfer.objects.get().destination == destination
    return None


def test_a_caller_is_not_handed_on_by_a_carrier_outside(
    bakery: House, node: VoiceNode
) -> None:
    trunk = connect(bakery, **TWILIO)
    order = replace(
        order_for(bakery, node),
        transfer_trunk_id=trunk.pk,
        policy=Policy(regions=RegionRule.EU),
    )
    assert asked(order, "+31201234567") is Failure.REGION


# --- shown ------------------------------------------------------------------------------


def test_carriers_and_people_are_drawn(bakery: House) -> None:
    connect(bakery, **TWILIO)
    with organization_scope(bakery.organization):
        tools = hand_on_to("+31201234567", "+12125551234", "sip:d@pbx.example.com")
        save_assistant(
            assistant=bakery.assistant,
            spec=spec_with(llm_config={"tools": tools}),
            actor=None,
        )
    choose(bakery, regions="eu")
    client = browser(bakery, bakery.people["bob"])
    page = client.get(reverse("assistant_data", args=[bakery.assistant.pk]))
    drawn = {
        label: [(flow.receiver, flow.is_allowed, flow.is_outside) for flow in flows]
        for label, flows in named(page.context["places"]).items()
        if label != "Own servers"
    }
    assert drawn == {
        "European Union": [("+31201234567", True, False)],
        "Outside the European Union": [
            ("+12125551234", True, True),
            ("Twilio (API and media streams)", False, False),
        ],
        "Addresses of your own": [("pbx.example.com", False, False)],
    }
    text = client.get(
        reverse("assistant_data_record", args=[bakery.assistant.pk])
    ).content.decode()
    assert "* Twilio (API and media streams): Carrying telephone calls" in text
    assert "* +12125551234: Taking over the call (The call itself; outside" in text


def named(places: list[Any]) -> dict[str, list[Any]]:
    return {str(place.label): place.flows for place in places}
