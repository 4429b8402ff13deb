"""An agency hears of calls that look like fraud, once, and a person decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.models import Call, CallAlert
from calls.services.watching import PEACE, dismiss_alert, watch
from portal.models import AuditRecord, OutgoingMail
from portal.scope import all_organizations, organization_scope
from tests.world import House, browser


def called(house: House, numbers: list[str], **values: Any) -> None:
    values = {"direction": Call.Direction.OUTBOUND, "carrier": "sip"} | values
    created_at = values.pop("created_at", timezone.now())
    with organization_scope(house.organization):
        calls = [
            Call.objects.create(
                organization=house.organization,
                assistant=house.assistant,
                status=Call.Status.ENDED,
                callee_number=number,
                **values,
            )
            for number in numbers
        ]
        Call.objects.filter(pk__in=[call.pk for call in calls]).update(
            created_at=created_at
        )


def block(count: int = 20) -> list[str]:
    return [f"+316123456{n:02d}" for n in range(count)]


def alerts() -> list[CallAlert]:
    with all_organizations("test"):
        return list(CallAlert.objects.order_by("pk"))


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_the_agency_is_told_once(
    acme: House, bakery: House, globex: House, now: datetime
) -> None:
    called(bakery, block())
    assert watch(now + timedelta(seconds=5)) == 1
    assert watch(now + timedelta(seconds=65)) == 0
    (alert,) = alerts()
    assert alert.organization_id == bakery.organization.pk
    assert (alert.kind, alert.subject, alert.count) == (
        "number_block",
        "+316123456",
        20,
    )
    assert alert.last_seen_at - alert.first_seen_at == timedelta(seconds=60)
    with all_organizations("test"):
        (mail,) = OutgoingMail.objects.filter(template="suspicious_calls")
    assert mail.recipient == acme.people["alice"].email


def test_quiet_and_old_and_test_calls_are_not_looked_at(
    bakery: House, now: datetime
) -> None:
    called(bakery, block(9))
    called(bakery, block(), created_at=now - timedelta(minutes=61))
    called(bakery, block(), is_test=True)
    assert watch(now + timedelta(seconds=5)) == 0


def test_a_new_country_is_one_not_called_in_a_month(
    bakery: House, now: datetime
) -> None:
    latvia = [f"+3712{n:03d}0000" for n in range(12)]
    called(bakery, ["+31612345678"], created_at=now - timedelta(days=3))
    called(bakery, latvia)
    assert watch(now + timedelta(seconds=5)) == 1
    assert alerts()[0].subject == "LV"
    called(bakery, latvia[:1], created_at=now - timedelta(days=3))
    with all_organizations("test"):
        CallAlert.objects.all().delete()
    assert watch(now + timedelta(seconds=5)) == 0


def test_countries_of_one_calling_code_are_told_apart(
    bakery: House, now: datetime
) -> None:
    called(bakery, ["+12125550123"], created_at=now - timedelta(days=3))
    called(bakery, [f"+1876{n:03d}0000" for n in range(200, 212)])
    assert watch(now + timedelta(seconds=5)) == 1
    assert alerts()[0].subject == "JM"


def test_no_country_is_new_to_who_never_called(bakery: House, now: datetime) -> None:
    called(bakery, [f"+3712{n:03d}0000" for n in range(12)])
    assert watch(now + timedelta(seconds=5)) == 0


def test_what_was_dismissed_keeps_quiet_for_a_day(
    acme: House, bakery: House, now: datetime
) -> None:
    called(bakery, block())
    watch(now + timedelta(seconds=5))
    (alert,) = alerts()
    page = reverse("client_guard", args=[bakery.organization.pk])
    alice = browser(acme, acme.people["alice"])
    assert "+316123456" in alice.get(page).content.decode()
    away = reverse("client_alert_dismiss", args=[bakery.organization.pk, alert.pk])
    assert alice.post(away).status_code == 302
    assert "+316123456" not in alice.get(page).content.decode()
    with organization_scope(bakery.organization):
        assert AuditRecord.objects.filter(action="call_alert.dismissed").count() == 1
        assert not dismiss_alert(alert=alert, actor=acme.people["alice"])
    assert watch(now + timedelta(seconds=65)) == 0
    later = now + PEACE + timedelta(minutes=5)
    called(bakery, block(), created_at=later)
    assert watch(later + timedelta(seconds=5)) == 1


def test_an_alert_of_another_client_is_not_there(
    acme: House, bakery: House, garage: House, now: datetime
) -> None:
    called(garage, block())
    watch(now + timedelta(seconds=5))
    (alert,) = alerts()
    away = reverse("client_alert_dismiss", args=[bakery.organization.pk, alert.pk])
    assert browser(acme, acme.people["alice"]).post(away).status_code == 404
    assert alerts()[0].dismissed_at is None
