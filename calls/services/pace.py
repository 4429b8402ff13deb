"""Giving out the moments at which calls start on a trunk.

The row that keeps the next moment is locked while moments are taken, so that any number
of workers and voice processes together keep the trunk's rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from calls.models import Call, PhoneNumber, Trunk, TrunkPace
from calls.services.trunks import TrunkFull
from calls.telephony import pace
from portal.scope import all_organizations

SIMULATED: Final = "simulator"
SIMULATED_STARTS_PER_S: Final = 50.0
STARTS_PER_S: Final = 1.0  # what carriers allow unless they say otherwise
# Behind what campaigns have taken in advance.
PATIENCE_S: Final = 2 * pace.HORIZON_S
_REASON: Final = "organizations share a carrier's trunk"
_NODE: Final = "a node starts calls of many organizations"


@dataclass(frozen=True)
class Line:
    """A way out with its limits; `trunk_id` is set where it has a row of its own."""

    trunk: str
    trunk_id: UUID | None
    rate: pace.Rate
    max_calls: int | None
    reserved_percent: int = 0
    next_start_at: datetime | None = None

    def moments_left(self, earliest: datetime) -> int | None:
        """Return how many moments are left from `earliest` on; `None` is no limit.

        As far as was known when the line was read: `take_moments` has the last word.
        """
        return pace.starts_left(
            self.rate,
            next_s=self.next_start_at.timestamp() if self.next_start_at else 0.0,
            now_s=earliest.timestamp(),
        )


def name_of_line(number: PhoneNumber) -> str:
    """Return the name of the trunk that carries a number's calls."""
    return str(number.trunk_id) if number.trunk_id else number.carrier


def line_of(number: PhoneNumber) -> Line:
    """Return the way out of a number's calls; the operator's limits go before."""
    return line_on(number.carrier, number.trunk)


def line_on(carrier: str, trunk: Trunk | None) -> Line:
    """Return the way out over a trunk, or over a carrier that needs none."""
    name = str(trunk.pk) if trunk else carrier
    per_s = SIMULATED_STARTS_PER_S if carrier == SIMULATED else STARTS_PER_S
    max_calls = None
    row = TrunkPace.objects.filter(pk=name).first() or TrunkPace(trunk=name)
    next_start_at = row.next_start_at
    if trunk is not None:
        per_s = float(trunk.calls_per_second)
        max_calls = trunk.max_channels
        next_start_at = trunk.next_start_at
    return Line(
        name,
        trunk.pk if trunk else None,
        pace.Rate(row.starts_per_s or per_s, row.starts_per_5s),
        row.max_calls or max_calls,
        row.reserved_percent,
        next_start_at,
    )


def save_pace(
    *,
    trunk: str,
    starts_per_s: float | None,
    starts_per_5s: float | None,
    max_calls: int | None,
    reserved_percent: int,
) -> None:
    """Set what the operator allows a way out; it holds from the next moment given on."""
    TrunkPace.objects.update_or_create(
        trunk=trunk,
        defaults={
            "starts_per_s": starts_per_s,
            "starts_per_5s": starts_per_5s,
            "max_calls": max_calls,
            "reserved_percent": reserved_percent,
        },
    )


def take_moments(
    line: Line,
    wanted: int,
    earliest: datetime,
    *,
    horizon_s: float = pace.HORIZON_S,
) -> list[datetime]:
    """Give out up to `wanted` moments from `earliest` on. Needs a transaction.

    Locks the row that keeps the trunk's next moment.
    """
    with all_organizations(_REASON):
        rows, row = _locked(line)
        from_s = earliest.timestamp()
        next_s = row.next_start_at.timestamp() if row.next_start_at else from_s
        given = pace.give_starts(
            line.rate, next_s=next_s, now_s=from_s, wanted=wanted, horizon_s=horizon_s
        )
        if given.at_s:
            rows.update(next_start_at=datetime.fromtimestamp(given.next_s, UTC))
    return [datetime.fromtimestamp(at_s, UTC) for at_s in given.at_s]


def _locked(line: Line) -> tuple[models.QuerySet[Any], Any]:
    rows: models.QuerySet[Any]
    if line.trunk_id is not None:
        rows = Trunk.objects.filter(pk=line.trunk_id)
    else:
        TrunkPace.objects.bulk_create(
            [TrunkPace(trunk=line.trunk)], ignore_conflicts=True
        )
        rows = TrunkPace.objects.filter(pk=line.trunk)
    return rows, rows.select_for_update(of=("self",), no_key=True).get()


def another_moment(*, call_id: UUID) -> datetime | None:
    """Give a call that has no moment, or missed it, one; `None` when it is not wanted.

    Campaigns take moments in advance: whoever comes now waits behind those. Raises
    `TrunkFull` when that is too long. The call's lease lasts beyond its moment.
    """
    with all_organizations(_NODE):
        call = _wanted(call_id).select_related("number__trunk").first()
        if call is None:
            return None
        now = timezone.now()
        moments = [now]
        with transaction.atomic():
            if call.number is not None:
                line = line_of(call.number)
                moments = take_moments(line, 1, now, horizon_s=PATIENCE_S)
            if not moments:
                raise TrunkFull("The trunk starts no more calls in this second.")
            _wanted(call_id).update(
                dial_at=moments[0], lease_until=moments[0] + _lease()
            )
    return moments[0]


def is_wanted(*, call_id: UUID) -> bool:
    """Whether a call whose moment comes is still to be made; its lease begins anew."""
    with all_organizations(_NODE):
        return bool(_wanted(call_id).update(lease_until=timezone.now() + _lease()))


def _wanted(call_id: UUID) -> models.QuerySet[Call]:
    return Call.objects.filter(pk=call_id, status__in=Call.LIVE, stop_reason="")


def _lease() -> timedelta:
    return timedelta(seconds=settings.CALL_LEASE_S)
