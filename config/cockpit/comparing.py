"""The agency's figures over a period, beside the one before; and what needs a hand.

Read models over every client at once: the number of queries does not grow with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from calls.models import Call
from portal.models import (
    APIKey,
    MailSender,
    Organization,
    OutgoingMail,
    PortalDomain,
    WebhookEndpoint,
)
from portal.scope import agency_scope

PERIODS: Final = {"7": 7, "30": 30, "90": 90}


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both counted."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """The period of the same length that ended the day before this one began."""
        last = self.first - timedelta(days=1)
        return Period(last - timedelta(days=self.days - 1), last)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        start = datetime(self.first.year, self.first.month, self.first.day, tzinfo=zone)
        after = self.last + timedelta(days=1)
        return start, datetime(after.year, after.month, after.day, tzinfo=zone)


@dataclass(frozen=True)
class Figures:
    """What calls of a period came to; money in microcredits."""

    calls: int = 0
    seconds: int = 0
    paid: int = 0
    cost: int = 0

    @property
    def minutes(self) -> int:
        return -(-self.seconds // 60)

    @property
    def margin(self) -> int:
        return self.paid - self.cost


@dataclass(frozen=True)
class Compared:
    """A figure now and before; `change_percent` is `None` where there was nothing."""

    now: int
    before: int

    @property
    def change_percent(self) -> int | None:
        if not self.before:
            return None
        return round((self.now - self.before) * 100 / self.before)


@dataclass(frozen=True)
class Trouble:
    """Something that does not work, and where it is mended."""

    what: str | Promise
    name: str
    organization_id: UUID | None
    detail: str = ""


def period_of(days: int, zone: ZoneInfo) -> Period:
    """Return the last `days` days up to today."""
    today = timezone.localdate(timezone=zone)
    return Period(today - timedelta(days=days - 1), today)


def figures_by_client(agency: Organization, period: Period) -> dict[UUID, Figures]:
    """Return each organization's figures of a period; one query."""
    start, end = period.bounds(ZoneInfo(agency.time_zone))
    with agency_scope(agency.pk):
        rows = (
            Call.objects.filter(created_at__gte=start, created_at__lt=end)
            .values("organization_id")
            .annotate(
                calls=Count("pk"),
                seconds=Sum("billed_seconds", default=0),
                paid=Sum("cost_microcredits", default=0),
                cost=Sum("pool_cost_microcredits", default=0),
            )
            .order_by()
        )
        return {
            row["organization_id"]: Figures(
                row["calls"], row["seconds"], row["paid"], row["cost"]
            )
            for row in rows
        }


def total(figures: dict[UUID, Figures]) -> Figures:
    """Add up what every organization came to."""
    return Figures(
        sum(one.calls for one in figures.values()),
        sum(one.seconds for one in figures.values()),
        sum(one.paid for one in figures.values()),
        sum(one.cost for one in figures.values()),
    )


def days_by_client(agency: Organization, period: Period) -> dict[UUID, list[int]]:
    """Return each organization's calls by day, days without calls included; one query."""
    zone = ZoneInfo(agency.time_zone)
    start, end = period.bounds(zone)
    found: dict[UUID, list[int]] = {}
    with agency_scope(agency.pk):
        rows = (
            Call.objects.filter(created_at__gte=start, created_at__lt=end)
            .annotate(day=TruncDate("created_at", tzinfo=zone))
            .values_list("organization_id", "day")
            .annotate(calls=Count("pk"))
            .order_by()
        )
        for organization_id, day, calls in rows:
            line = found.setdefault(organization_id, [0] * period.days)
            line[(day - period.first).days] = calls
    return found


def calls_by_day(days: dict[UUID, list[int]], period: Period) -> list[dict[str, Any]]:
    """Return the calls of all organizations for each day, for a chart."""
    sums = [sum(line[at] for line in days.values()) for at in range(period.days)]
    return [
        {"label": date_format(period.first + timedelta(days=at), "j M"), "value": value}
        for at, value in enumerate(sums)
    ]


def troubles(agency: Organization) -> list[Trouble]:
    """Return what does not work for the agency or a client; six queries for any number."""
    now = timezone.now()
    found: list[Trouble] = []
    with agency_scope(agency.pk):
        domains = PortalDomain.objects.filter(
            portal__agency=agency,
            status__in=[PortalDomain.Status.BROKEN, PortalDomain.Status.EXPIRING],
        )
        found += [
            Trouble(_("Domain"), row.name, None, str(row.get_status_display()))
            for row in domains
        ]
        found += [
            Trouble(_("Mail server"), str(row), None, row.last_error)
            for row in MailSender.objects.filter(failing_since__isnull=False)
        ]
        failed = OutgoingMail.objects.filter(
            status=OutgoingMail.Status.FAILED, created_at__gte=now - timedelta(days=7)
        ).count()
        if failed:
            found.append(Trouble(_("Mails not delivered"), str(failed), None))
        found += [
            Trouble(_("Webhook"), row.url, row.organization_id)
            for row in failing_webhooks()
        ]
        found += [
            Trouble(
                _("API key ends soon"),
                row.name,
                row.organization_id,
                f"{row.expires_at:%Y-%m-%d}",
            )
            for row in APIKey.objects.filter(
                revoked_at__isnull=True,
                expires_at__gt=now,
                expires_at__lt=now + timedelta(days=7),
            )
        ]
    return found


def failing_webhooks() -> Any:
    """Return the endpoints of the scope that fail, or were switched off for it."""
    return WebhookEndpoint.objects.filter(
        Q(failing_since__isnull=False)
        | Q(disabled_reason__in=["gone", "failing"], status="disabled")
    )
