"""Who waits for hours in which they may be called, and when the first of them come.

The dialer passes over places where it is night without a word, so that a million people
asleep cost nothing; there is no record of it to count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from campaigns.evaluating import Desk
from campaigns.models import Campaign, Lead
from campaigns.reviewing import by_place


@dataclass(frozen=True)
class Sleeping:
    """How many of those who wait are outside hours, and how many are not."""

    people: int = 0
    awake: int = 0
    opens_at: datetime | None = None

    @property
    def is_everybody(self) -> bool:
        return bool(self.people) and not self.awake


def sleeping_of(campaign: Campaign, now: datetime) -> Sleeping:
    """Count who waits in a running campaign by whether they may be called at this hour."""
    if campaign.status != Campaign.Status.SCHEDULED:
        return Sleeping()
    desk = Desk.open(campaign, now)
    waiting = Lead.objects.filter(campaign=campaign, status=Lead.Status.PENDING)
    people = awake = 0
    opens: list[datetime] = []
    for place, count in by_place(desk, waiting):
        # Where it never opens the dialer has something to say, so it is not sleep.
        if place.is_open(now) or not place.zones or place.never_opens(now):
            awake += count
            continue
        people += count
        if (found := place.opens(now)) is not None:
            opens.append(found[0])
    return Sleeping(people, awake, min(opens, default=None))
