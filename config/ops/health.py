"""How the installation does, in a fixed number of queries however large it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.models import Account, Hold
from calls.models import Call, CallAnalysis, VoiceNode
from calls.services.nodes import NODE_FRESH
from campaigns.models import Campaign, Lead
from portal.models import OutgoingMail, WebhookDelivery

LATE_S: Final = 120  # longer than any tick: nobody works it off
LOW_MINUTES: Final = 100
_WINDOW: Final = timedelta(hours=1)
# A call's id is made up to this long before its row: a worker may die between the two.
_ID_SLACK: Final = timedelta(minutes=15)
_WENT_WRONG: Final = (Call.Status.FAILED, Call.Status.ENDED_WITH_ERROR)


@dataclass(frozen=True)
class Backlog:
    """Rows of one kind that wait to be worked off, and for how long the oldest has."""

    label: str | Promise
    count: int
    oldest_s: int

    @property
    def is_late(self) -> bool:
        return self.oldest_s > LATE_S


@dataclass(frozen=True)
class Health:
    """The installation now, and the calls of the last hour."""

    fresh_node_count: int
    silent_node_count: int
    capacity: int
    live_count: int
    by_status: list[tuple[str, int]]
    dialing_lag_s: int
    stale_hold_count: int
    unsettled_count: int
    low_wallets: list[Account]
    backlogs: list[Backlog]

    @property
    def finished_count(self) -> int:
        return sum(n for status, n in self.by_status if status not in Call.LIVE)

    @property
    def failed_count(self) -> int:
        return sum(n for status, n in self.by_status if status in _WENT_WRONG)

    @property
    def failed_percent(self) -> float | None:
        """The share of finished calls that went wrong; None when none finished."""
        if not self.finished_count:
            return None
        return 100 * self.failed_count / self.finished_count

    @property
    def used_percent(self) -> float | None:
        return 100 * self.live_count / self.capacity if self.capacity else None


def read_health(now: datetime | None = None) -> Health:
    """Look at everything once. Needs the scope of all organizations."""
    now = now or timezone.now()
    fresh = Q(heartbeat_at__gt=now - NODE_FRESH)
    nodes = VoiceNode.objects.aggregate(
        fresh=Count("pk", filter=fresh),
        silent=Count("pk", filter=~fresh),
        capacity=Sum("capacity", filter=fresh & Q(is_draining=False), default=0),
    )
    return Health(
        fresh_node_count=nodes["fresh"],
        silent_node_count=nodes["silent"],
        capacity=nodes["capacity"],
        live_count=Call.objects.live().count(),
        by_status=_calls_by_status(now - _WINDOW),
        dialing_lag_s=_dialing_lag_s(now),
        stale_hold_count=Hold.objects.filter(
            state=Hold.State.ACTIVE, expires_at__lt=now
        ).count(),
        unsettled_count=Call.objects.filter(
            settled_at=None, ended_at__isnull=False
        ).count(),
        low_wallets=_low_wallets(),
        backlogs=_backlogs(now),
    )


def _backlogs(now: datetime) -> list[Backlog]:
    """Count what the workers have yet to do: the tables are the queues.

    A message of the broker only wakes a worker up, so that its number says nothing.
    """
    mails = OutgoingMail.objects.filter(
        status=OutgoingMail.Status.QUEUED, due_at__lte=now
    )
    deliveries = WebhookDelivery.objects.filter(
        status=WebhookDelivery.Status.PENDING, next_at__lte=now
    )
    analyses = CallAnalysis.objects.filter(
        status=CallAnalysis.Status.PENDING, due_at__lte=now
    )
    return [
        _backlog(_("Mails"), mails, "due_at", now),
        _backlog(_("Webhook deliveries"), deliveries, "next_at", now),
        _backlog(_("Analyses of calls"), analyses, "due_at", now),
    ]


def _backlog(
    label: str | Promise, rows: QuerySet[Any], since: str, now: datetime
) -> Backlog:
    found = rows.order_by().aggregate(count=Count("pk"), oldest=Min(since))
    oldest: datetime | None = found["oldest"]
    waited_s = round((now - oldest).total_seconds()) if oldest else 0
    return Backlog(label, found["count"], max(0, waited_s))


def _calls_by_status(since: datetime) -> list[tuple[str, int]]:
    """Count the calls made since then, most frequent first.

    By the id as well: it begins with its time, so its index finds the hour.
    """
    rows = (
        Call.objects.filter(pk__gte=_first_id(since - _ID_SLACK), created_at__gte=since)
        .order_by()
        .values_list("status")
        .annotate(calls=Count("pk"))
    )
    return sorted(rows, key=lambda row: -row[1])


def _first_id(moment: datetime) -> uuid.UUID:
    """Return the smallest id that can have been made at this moment."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def _dialing_lag_s(now: datetime) -> int:
    """Return for how long the lead that is due longest has been waiting.

    A campaign at its own limit of calls makes leads wait as well, so a lag is a hint
    to look, not a fault.
    """
    running = Campaign.objects.running()
    oldest: datetime | None = (
        Lead.objects.due(now)
        .filter(campaign__in=running)
        .aggregate(oldest=Min("due_at"))["oldest"]
    )
    return max(0, round((now - oldest).total_seconds())) if oldest else 0


def _low_wallets() -> list[Account]:
    """Return agencies' pools that pay for few minutes, the emptiest first."""
    price = settings.PLATFORM_PRICE_MICROCREDITS_PER_MINUTE
    return list(
        Account.objects.filter(
            kind=Account.Kind.WALLET,
            organization__parent=None,
            balance_microcredits__lt=LOW_MINUTES * price,
        )
        .select_related("organization")
        .order_by("balance_microcredits")[:10]
    )
