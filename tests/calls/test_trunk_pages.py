"""The pages of trunks and numbers: connecting one, testing it, and what is left to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.models import PhoneNumber, Trunk
from calls.services import trunk_checks
from calls.services.trunks import add_trunk
from calls.telephony.forwarding import PROVIDERS
from calls.telephony.protocol import CarrierSetup, CarrierSpec, ProbeStep, TrunkConfig
from calls.telephony.registry import register
from calls.telephony.simulator.carrier import SimulatorCarrier
from calls.telephony.sip.trunk import trunk_from
from calls.trunk_rules import parse_address
from portal.models import AuditRecord
from portal.scope import organization_scope
from tests.world import House, browser

SEEN: list[TrunkConfig] = []


async def _probe(config: TrunkConfig) -> tuple[ProbeStep, ...]:
    SEEN.append(config)
    is_right = config.secrets["password"] == "right"
    return (
        ProbeStep("dns", True, "sip.example.com is 203.0.113.7."),
        ProbeStep("auth", is_right, "The carrier took the password." * is_right),
    )


def _factory(setup: CarrierSetup) -> Any:
    return SimulatorCarrier()


register(CarrierSpec("probed", "Probed", _factory, probe=_probe))

FILLED = {
    "name": "Main trunk",
    "provider": "telnyx",
    "address": "sip.telnyx.eu:5061",
    "transport": "tls",
    "auth_username": "acme",
    "auth_password": "wrong",
    "registers": "on",
    "inbound_addresses": "185.246.41.0/24, 185.246.41.9/24",
    "caller_id": "number",
    "number_format": "plus",
    "max_channels": "20",
    "calls_per_second": "2",
    "codecs": "pcma, OPUS",
    "srtp": "on",
    "domain": "acme.telnyx.eu",
    "register_expires_s": "300",
    "options_every_s": "0",
    "is_active": "on",
}


def make_trunk(house: House, **values: Any) -> Trunk:
    with organization_scope(house.organization):
        return add_trunk(
            organization=house.organization,
            values={"name": "Main trunk", "host": "sip.example.com"} | values,
            actor=None,
        )


def row(house: House) -> Trunk:
    with organization_scope(house.organization):
        return Trunk.objects.get()


def test_a_trunk_is_connected_and_changed_without_typing_its_password_again(
    bakery: House,
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    made = dora.post(reverse("trunk_new"), FILLED)
    assert made.status_code == 302
    trunk = row(bakery)
    assert (trunk.host, trunk.port, trunk.transport) == ("sip.telnyx.eu", 5061, "tls")
    assert trunk.inbound_addresses == ["185.246.41.0/24"]
    assert (trunk.codecs, trunk.srtp) == (["PCMA", "opus"], True)
    assert (trunk.register_expires_s, trunk.options_every_s) == (300, 0)
    carried = trunk_from(trunk_checks.trunk_config(trunk))  # all of it reaches calls
    assert [codec.name for codec in carried.codecs] == ["PCMA", "opus"]
    assert (carried.encrypts, carried.domain) == (True, "acme.telnyx.eu")
    assert (carried.expires_s, carried.options_every_s) == (300, 0)
    changed = FILLED | {"name": "Second", "auth_password": ""}
    edit = reverse("trunk_edit", args=[trunk.pk])
    assert "wrong" not in dora.get(edit).content.decode()
    assert dora.post(edit, changed).status_code == 302
    with organization_scope(bakery.organization):
        assert row(bakery).name == "Second"
        assert row(bakery).auth_password == "wrong"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"address": "sip..example"}, "address"),
        ({"inbound_addresses": "0.0.0.0/0"}, "inbound_addresses"),
        ({"outbound_number": "12"}, "outbound_number"),
        ({"caller_id": "outbound"}, "outbound_number"),
        ({"auth_username": ""}, "auth_username"),
        ({"max_channels": "0"}, "max_channels"),
        ({"codecs": "GSM"}, "codecs"),
        ({"transport": "udp"}, "srtp"),
        ({"domain": "no domain"}, "domain"),
        ({"register_expires_s": "5"}, "register_expires_s"),
        ({"options_every_s": "1"}, "options_every_s"),
        ({"provider": "pigeon"}, "provider"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(
    bakery: House, change: dict[str, str], field: str
) -> None:
    answer = browser(bakery, bakery.people["dora"]).post(
        reverse("trunk_new"), FILLED | change
    )
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    with organization_scope(bakery.organization):
        assert not Trunk.objects.exists()


@pytest.mark.parametrize(
    "address", ["10.0.0.5", "sip:192.168.1.7:5080", "[fd00::5]:5060", "169.254.1.1"]
)
def test_an_address_that_is_closed_to_trunks_is_refused_by_the_setting_that_opens_it(
    bakery: House, address: str, settings: Any
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    filled = FILLED | {"address": address}
    answer = dora.post(reverse("trunk_new"), filled)
    assert answer.status_code == 422
    (told,) = answer.context["form"].errors["address"]
    assert parse_address(address).host in told
    assert "SIP_ALLOWED_NETWORKS" in told
    with organization_scope(bakery.organization):
        assert not Trunk.objects.exists()
    private = ["10.0.0.0/8", "192.168.0.0/16", "fd00::/8", "169.254.0.0/16"]
    settings.SIP_ALLOWED_NETWORKS = private
    assert dora.post(reverse("trunk_new"), filled).status_code == 302


def test_a_trunk_in_a_network_that_was_closed_can_still_be_switched_off(
    bakery: House,
) -> None:
    trunk = make_trunk(bakery, host="10.0.0.5", auth_username="acme")
    dora = browser(bakery, bakery.people["dora"])
    edit = reverse("trunk_edit", args=[trunk.pk])
    filled = FILLED | {"address": "10.0.0.5"}
    del filled["is_active"]
    assert dora.post(edit, filled).status_code == 302
    assert not row(bakery).is_active
    moved = dora.post(edit, filled | {"address": "10.0.0.6"})
    assert list(moved.context["form"].errors) == ["address"]


@pytest.mark.parametrize("provider", [one.name for one in PROVIDERS])
def test_every_carriers_instructions_name_the_number(
    bakery: House, provider: str
) -> None:
    trunk = make_trunk(bakery, provider=provider, auth_username="acme")
    with organization_scope(bakery.organization):
        PhoneNumber.objects.filter(pk=bakery.number.pk).update(trunk=trunk)
    bob = browser(bakery, bakery.people["bob"])
    page = bob.get(reverse("number_detail", args=[bakery.number.pk])).content.decode()
    own = bob.get(reverse("trunk_detail", args=[trunk.pk])).content.decode()
    digits = bakery.number.number.removeprefix("+")
    assert digits in page
    assert digits in own
    assert "{" not in page.partition("<main")[2].partition("</main")[0]


@pytest.mark.parametrize(("password", "is_ok"), [("wrong", False), ("right", True)])
def test_a_test_keeps_what_it_saw(bakery: House, password: str, is_ok: bool) -> None:
    trunk = make_trunk(bakery, carrier="probed", auth_password=password)
    trunk_checks.run_check(trunk_id=trunk.pk)
    seen = row(bakery)
    assert seen.is_tested is is_ok
    assert seen.check_result["state"] == "done"
    assert [step["name"] for step in seen.check_result["steps"]] == ["dns", "auth"]
    assert SEEN[-1].settings["host"] == "sip.example.com"
    page = browser(bakery, bakery.people["bob"]).get(
        reverse("trunk_detail", args=[trunk.pk])
    )
    assert b"sip.example.com is 203.0.113.7." in page.content


@pytest.mark.django_db(transaction=True)
def test_asking_for_a_test_shows_that_it_goes_on_and_is_written_down(
    bakery: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "calls.tasks.check_trunk.delay", lambda trunk_id: asked.append(trunk_id)
    )
    trunk = make_trunk(bakery, carrier="probed")
    dora = browser(bakery, bakery.people["dora"])
    for _twice in range(2):
        assert dora.post(reverse("trunk_test", args=[trunk.pk])).status_code == 302
    assert asked == [str(trunk.pk)]
    check = reverse("trunk_check", args=[trunk.pk])
    assert dora.get(check).status_code == 200
    trunk_checks.run_check(trunk_id=trunk.pk)
    over = dora.get(check)
    assert over.status_code == 286
    assert b'id="ready" hx-swap-oob="true"' in over.content  # a step of it is done
    with organization_scope(bakery.organization):
        tested = AuditRecord.objects.filter(action="trunk.tested")
        assert tested.count() == 1


def test_a_test_that_never_reported_can_be_asked_for_again(bakery: House) -> None:
    trunk = make_trunk(bakery, carrier="probed")
    with organization_scope(bakery.organization):
        Trunk.objects.update(
            check_result={"state": "running"},
            check_asked_at=timezone.now() - timedelta(minutes=2),
        )
    page = browser(bakery, bakery.people["dora"]).get(
        reverse("trunk_check", args=[trunk.pk])
    )
    assert page.status_code == 286
    assert b"No answer came" in page.content


def test_a_trunk_in_use_is_not_removed(bakery: House) -> None:
    trunk = make_trunk(bakery)
    with organization_scope(bakery.organization):
        PhoneNumber.objects.filter(pk=bakery.number.pk).update(trunk=trunk)
    dora = browser(bakery, bakery.people["dora"])
    answer = dora.post(reverse("trunk_delete", args=[trunk.pk]), follow=True)
    assert bakery.number.number.encode() in answer.content
    assert row(bakery) == trunk


def test_a_number_is_added_as_at_home_and_told_what_callers_hear(
    bakery: House,
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    added = dora.post(reverse("number_add"), {"number": "020 123 4999"})
    assert added.status_code == 422
    added = dora.post(
        reverse("number_add"), {"number": "020 123 4999", "country": "NL"}
    )
    assert added.status_code == 302
    with organization_scope(bakery.organization):
        number = PhoneNumber.objects.get(number="+31201234999")
    edit = reverse("number_edit", args=[number.pk])
    told = {"name": "Shop", "closed_message": "We are closed.", "is_active": "on"}
    assert dora.post(edit, told).status_code == 302
    with organization_scope(bakery.organization):
        number.refresh_from_db()
    assert (number.name, number.closed_message) == ("Shop", "We are closed.")
    assert number.is_active
    assert number.assistant_id is None


def test_a_number_without_a_trunk_says_that_its_callers_are_simulated(
    bakery: House,
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    page = dora.get(reverse("number_detail", args=[bakery.number.pk])).content.decode()
    assert "A number to try things with" in page
    assert reverse("trunk_new") in page
    assert "Ask your carrier to send calls" not in page


def test_a_carrier_that_streams_needs_no_sip_address(
    bakery: House, settings: Any
) -> None:
    settings.SIP_HOST, settings.SIP_PUBLIC_ADDRESS = "0.0.0.0", ""
    dora = browser(bakery, bakery.people["dora"])
    for provider, warns in (("other", True), ("twilio-api", False)):
        trunk = make_trunk(bakery, provider=provider, carrier="sip")
        page = dora.get(reverse("trunk_detail", args=[trunk.pk])).content.decode()
        assert ("takes no SIP calls yet" in page) is warns
        assert ("Setting up your carrier" in page) is warns
