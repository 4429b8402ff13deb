"""How many calls a campaign may start right now. Pure."""

from __future__ import annotations

from typing import Final

MAX_BATCH: Final = 25  # what one worker claims at once; more would outlive its lease


def calls_to_start(
    *,
    campaign_limit: int,
    campaign_open: int,
    organization_limit: int,
    organization_open: int,
) -> int:
    """Return how many calls may be added without passing either limit."""
    free = min(campaign_limit - campaign_open, organization_limit - organization_open)
    return max(0, min(free, MAX_BATCH))
