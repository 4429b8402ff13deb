"""Telling before credits are gone, once for each state."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.alerts import Outlook, outlook_of, watch_credits
from billing.holds import settle_call
from billing.models import CreditWatch
from billing.selling import save_watch
from billing.signals import credits_arrived, credits_exhausted
from portal.models import Organization, OutgoingMail
from portal.scope import organization_scope
from tests.billing.books import CREDIT, give, hold

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("available", "used", "state"),
    [
        (100 * CREDIT, 0, ""),
        (100 * CREDIT, 700 * CREDIT, "days"),
        (19 * CREDIT, 0, "level"),
        (0, 0, "gone"),
        (-5 * CREDIT, 0, "gone"),
    ],
)
def test_the_worst_state_counts(available: int, used: int, state: str) -> None:
    assert Outlook(available, used).state(20 * CREDIT, 3) == state


def wish(client: Organization) -> None:
    with organization_scope(client):
        save_watch(
            organization=client,
            values={
                "level_microcredits": 8 * CREDIT,
                "days_left": 3,
                "mail_to": "a@x.test, b@x.test",
            },
            actor=None,
        )


def spend(client: Organization, credits: int) -> None:
    call_id = uuid4()
    hold(client, call_id, client_price=credits * CREDIT)
    with organization_scope(client):
        settle_call(call_id=call_id, seconds=60)


def mails(client: Organization) -> int:
    with organization_scope(client):
        return OutgoingMail.objects.filter(template="credits_low").count()


def told(client: Organization) -> str:
    with organization_scope(client):
        return CreditWatch.objects.get().told


def test_each_worse_state_is_told_once_and_again_after_it_was_better(
    bakery: Organization,
) -> None:
    wish(bakery)
    now = timezone.now()
    watch_credits(now)
    assert (told(bakery), mails(bakery)) == ("", 0)
    spend(bakery, 6)
    for _ in range(3):
        watch_credits(now)
    assert (told(bakery), mails(bakery)) == ("level", 2)
    spend(bakery, 4)
    watch_credits(now + DAY)
    assert (told(bakery), mails(bakery)) == ("gone", 4)
    give(bakery, 1000)
    watch_credits(now + DAY)
    assert (told(bakery), mails(bakery)) == ("", 4)
    spend(bakery, 995)
    watch_credits(now + 2 * DAY)
    assert (told(bakery), mails(bakery)) == ("level", 6)


def test_the_pace_of_a_week_tells_the_days_left(bakery: Organization) -> None:
    spend(bakery, 7)
    found = outlook_of(bakery, timezone.now())
    assert found == Outlook(3 * CREDIT, 7 * CREDIT)
    assert found.days_left == 3
    assert outlook_of(bakery, timezone.now() + 8 * DAY).days_left is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_other_rooms_hear_when_credits_go_and_come(bakery: Organization) -> None:
    heard: list[tuple[str, object]] = []

    def gone(organization_id: object, **kwargs: object) -> None:
        heard.append(("gone", organization_id))

    def back(organization_id: object, **kwargs: object) -> None:
        heard.append(("back", organization_id))

    credits_exhausted.connect(gone)
    credits_arrived.connect(back)
    spend(bakery, 10)
    watch_credits(timezone.now())
    give(bakery, 100)
    watch_credits(timezone.now())
    assert [one for one in heard if one[1] == bakery.pk] == [
        ("gone", bakery.pk),
        ("back", bakery.pk),
    ]
