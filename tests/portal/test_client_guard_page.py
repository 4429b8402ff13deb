"""An agency bounds what a client calls, and stops its calls at once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from calls.errors import CallsHalted, DestinationRefused
from calls.models import CallGuard, VoiceNode
from calls.services.guarding import check_destination, guard_of
from calls.services.halting import is_halted
from calls.services.web import start_web_call
from portal.models import User
from portal.scope import organization_scope
from tests.world import House, browser

LIMITS = {
    "countries": "nl, BE",
    "blocked_prefixes": "+3197 +3290",
    "hourly_credits": "12.5",
    "daily_credits": "",
    "first_day_calls": "20",
}


def test_limits_are_saved_and_hold(acme: House, bakery: House) -> None:
    page = reverse("client_guard", args=[bakery.organization.pk])
    alice = browser(acme, acme.people["alice"])
    assert alice.post(page, LIMITS).status_code == 302
    with organization_scope(bakery.organization):
        guard = guard_of(bakery.organization)
        assert guard.rules.countries == {"NL", "BE"}
        assert guard.rules.blocked_prefixes == {"+3197", "+3290"}
        assert guard.hourly_microcredits == 12_500_000
        assert guard.daily_microcredits is None
        assert guard.first_day_calls == 20
        with pytest.raises(DestinationRefused):
            check_destination(bakery.organization, "+4930123456")
    shown = alice.get(page).content.decode()
    assert "BE, NL" in shown
    assert "12.50" in shown


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("countries", "NL, Holland"),
        ("blocked_prefixes", "0900"),
        ("hourly_credits", "0"),
        ("daily_credits", "lots"),
        ("first_day_calls", "-1"),
    ],
)
def test_nonsense_is_refused_beside_its_field(
    acme: House, bakery: House, field: str, value: str
) -> None:
    page = reverse("client_guard", args=[bakery.organization.pk])
    answer = browser(acme, acme.people["alice"]).post(page, LIMITS | {field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    with organization_scope(bakery.organization):
        assert not CallGuard.objects.exists()


def test_an_agency_stops_a_clients_calls_and_lets_them_start_again(
    acme: House, bakery: House, node: VoiceNode
) -> None:
    alice = browser(acme, acme.people["alice"])
    client_id = bakery.organization.pk
    assert alice.post(reverse("client_halt", args=[client_id])).status_code == 422
    assert not is_halted(bakery.organization)
    stop = {"reason": "Stolen key"}
    assert alice.post(reverse("client_halt", args=[client_id]), stop).status_code == 302
    with organization_scope(bakery.organization), pytest.raises(CallsHalted):
        start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )
    page = alice.get(reverse("client_guard", args=[client_id])).content.decode()
    assert "Stolen key" in page
    alice.post(reverse("client_halt_lift", args=[client_id]))
    assert not is_halted(bakery.organization)


def test_the_operator_stops_and_starts_everybodys_calls(
    bakery: House, garage: House, olga: User
) -> None:
    console = Client(SERVER_NAME="localhost")
    console.force_login(olga, backend="portal.auth.PortalBackend")
    page = reverse("admin:halt", urlconf="config.operator_urls")
    assert console.get(page).status_code == 200
    assert console.post(page, {"reason": ""}).status_code == 422
    assert console.post(page, {"reason": "Incident"}).status_code == 302
    assert is_halted(bakery.organization)
    assert is_halted(garage.organization)
    assert "Incident" in console.get(page).content.decode()
    console.post(reverse("admin:halt_lift", urlconf="config.operator_urls"))
    assert not is_halted(bakery.organization)
