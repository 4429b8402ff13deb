"""When a campaign may call at a place: its own hours and the law's together. Pure.

Every zone a number may be in must be inside. Where the zone is not known the answer is
"not at all", unless the campaign says which one to take.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from campaigns.legal import LegalLimits, LegalTable
from campaigns.locality import Locality
from common.windows import Hours, Week, is_open, next_open


@dataclass(frozen=True)
class CampaignHours:
    """When a campaign calls, as its owner set it."""

    week: Week
    days_off: frozenset[date] = frozenset()
    is_closed_on_holidays: bool = False
    first_day: date | None = None
    last_day: date | None = None
    zone: str = ""  # the campaign's own
    uses_own_zone: bool = False
    covers_unknown_zone: bool = False


@dataclass(frozen=True)
class Place:
    """A locality with everything that says when it may be called.

    `zones` is empty when nobody may be called there at all.
    """

    locality: Locality
    zones: tuple[str, ...]
    zone_source: str
    own: tuple[tuple[Hours, ZoneInfo], ...]
    legal: tuple[tuple[Hours, ZoneInfo], ...]
    limits: LegalLimits

    def is_open(self, at: datetime) -> bool:
        return bool(self.zones) and all(
            is_open(hours, zone, at) for hours, zone in (*self.own, *self.legal)
        )

    def opens(self, at: datetime) -> tuple[datetime, datetime] | None:
        """Return from when until when it is open next; `None`: never within a year."""
        return next_open((*self.own, *self.legal), at) if self.zones else None

    def never_opens(self, at: datetime) -> bool:
        """Whether nobody may be called there, whatever the campaign's first and last day."""
        if not self.zones:
            return True
        own = tuple(
            (replace(hours, first_day=None, last_day=None), zone)
            for hours, zone in self.own
        )
        return _never((*own, *self.legal), at.date())

    def why_closed(self, at: datetime) -> str:
        """Return what stands in the way: `legal_hours`, `campaign_hours` or ""."""
        if not all(is_open(hours, zone, at) for hours, zone in self.legal):
            return "legal_hours"
        if not all(is_open(hours, zone, at) for hours, zone in self.own):
            return "campaign_hours"
        return ""

    def local_times(self, at: datetime) -> str:
        """Return what the clocks there show: Thu 13:05."""
        shown = [f"{at.astimezone(ZoneInfo(name)):%a %H:%M}" for name in self.zones]
        return " / ".join(dict.fromkeys(shown))


def place_for(locality: Locality, hours: CampaignHours, table: LegalTable) -> Place:
    """Return when a campaign may call at a locality."""
    limits = table.limits_at(locality.country, locality.state)
    zones, source = locality.zones, str(locality.source)
    if not zones and hours.covers_unknown_zone and hours.zone:
        zones, source = (hours.zone,), "campaign"
    infos = [ZoneInfo(name) for name in zones]
    own = Hours(
        week=hours.week,
        days_off=hours.days_off,
        holidays=_holidays(hours, locality),
        first_day=hours.first_day,
        last_day=hours.last_day,
    )
    own_zones = [ZoneInfo(hours.zone)] if hours.uses_own_zone and hours.zone else infos
    return Place(
        locality=locality,
        zones=zones,
        zone_source=source,
        own=tuple((own, zone) for zone in own_zones),
        legal=tuple((limits.hours, zone) for zone in infos),
        limits=limits,
    )


@lru_cache(maxsize=4_096)
def _never(everywhere: tuple[tuple[Hours, ZoneInfo], ...], day: date) -> bool:
    return next_open(everywhere, datetime.combine(day, time.min, UTC)) is None


def _holidays(hours: CampaignHours, locality: Locality) -> frozenset[str]:
    if hours.is_closed_on_holidays and locality.region:
        return frozenset({locality.region})
    return frozenset()
