"""How many calls a campaign may start now: every limit, and its fair share of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Q

from billing.pricing import price_for_call
from calls.models import Call
from calls.services.pace import Line
from campaigns import pacing
from campaigns.lines import calls_on
from campaigns.models import Attempt, CallingLimits, Campaign
from campaigns.rivals import Rival, rivals_on
from portal.models import Organization
from portal.scope import agency_scope, all_organizations

RECENT: Final = timedelta(minutes=1)
LEAD: Final = timedelta(seconds=1)  # to reserve everything before a call's moment


def limits_of(organization: Organization) -> CallingLimits:
    """Return an organization's limits, or the defaults where it has set none."""
    found = CallingLimits.objects.filter(organization=organization).first()
    return found or CallingLimits(organization=organization)


@dataclass(frozen=True)
class Room:
    """How many calls may be added, in all and on each trunk by its name."""

    calls: int
    on_trunk: dict[str, int]


def room_for(
    campaign: Campaign,
    organization: Organization,
    limits: CallingLimits,
    lines: list[Line],
    now: datetime,
) -> Room:
    """Return how many calls may be added. The organization's row is locked.

    A trunk has room for what it may carry at once, and for the campaign's share of the
    moments that are left on it.
    """
    open_by_campaign = _open_by_campaign(organization)
    open_here = open_by_campaign.get(campaign.pk, 0)
    own = pacing.Limit(campaign.max_concurrent_calls, open_here, open_here)
    whole = _organization_limit(organization, limits, open_by_campaign)
    wanted = _within_budget(campaign, organization, open_here, own.free, now)
    places = {line.trunk: _places_on(line) for line in lines}
    free = min(
        sum(places.values()),
        pacing.calls_to_start(whole, *_agency_limits(organization)),
    )
    share = _share(campaign, open_by_campaign, wanted, free, now)
    on_trunk = {
        line.trunk: min(places[line.trunk], _rate_share(campaign, limits, line, now))
        for line in lines
    }
    return Room(min(share, sum(on_trunk.values())), on_trunk)


def _places_on(line: Line) -> int:
    limit = calls_on(line)
    return pacing.MAX_BATCH if limit is None else limit.free


def _open_by_campaign(organization: Organization) -> dict[UUID, int]:
    return dict(
        Attempt.objects.open()
        .filter(organization=organization)
        .order_by("lead__campaign")
        .values_list("lead__campaign")
        .annotate(count=Count("pk"))
    )


def _organization_limit(
    organization: Organization, limits: CallingLimits, open_by_campaign: dict[UUID, int]
) -> pacing.Limit:
    claimed = Attempt.objects.filter(
        organization=organization, status=Attempt.Status.CLAIMED
    ).count()
    live = Call.objects.live().filter(organization=organization).count()
    return pacing.Limit(
        organization.max_concurrent_calls,
        in_use=claimed + live,
        by_campaigns=sum(open_by_campaign.values()),
        reserved_percent=limits.reserved_percent,
    )


def _agency_limits(organization: Organization) -> list[pacing.Limit]:
    """Return the limit over all clients of the agency, which its row's lock makes exact."""
    if organization.is_agency:
        return []
    with agency_scope(organization.agency_id):
        row = (
            CallingLimits.objects.select_for_update(of=("self",), no_key=True)
            .filter(
                organization=organization.agency_id, max_calls_of_clients__isnull=False
            )
            .first()
        )
        if row is None or row.max_calls_of_clients is None:
            return []
        claimed = Attempt.objects.filter(status=Attempt.Status.CLAIMED)
        by_campaigns = Attempt.objects.open()
        below = ~Q(organization=organization.agency_id)
        in_use = (
            claimed.filter(below).count() + Call.objects.live().filter(below).count()
        )
        return [
            pacing.Limit(
                row.max_calls_of_clients,
                in_use=in_use,
                by_campaigns=by_campaigns.filter(below).count(),
                reserved_percent=row.reserved_percent,
            )
        ]


def _within_budget(
    campaign: Campaign,
    organization: Organization,
    open_calls: int,
    wanted: int,
    now: datetime,
) -> int:
    if campaign.budget_microcredits is None:
        return wanted
    return pacing.within_budget(
        budget=campaign.budget_microcredits,
        spent=campaign.spent_microcredits,
        open_calls=open_calls,
        each=expected_cost(campaign, organization, now),
        wanted=wanted,
    )


def is_budget_spent(
    campaign: Campaign, organization: Organization, now: datetime
) -> bool:
    """Whether what is left of a budget pays for no call, and none goes on that may
    come cheaper than expected."""
    if Attempt.objects.open().filter(lead__campaign=campaign).exists():
        return False
    return not _within_budget(campaign, organization, 0, 1, now)


def budget_evidence(campaign: Campaign) -> dict[str, int | None]:
    """Return what a campaign that spent its budget is stopped by."""
    return {
        "budget": campaign.budget_microcredits,
        "spent": campaign.spent_microcredits,
    }


def expected_cost(campaign: Campaign, organization: Organization, now: datetime) -> int:
    """Return what one more call is expected to cost, in microcredits.

    A started minute at least: that is what is held before it is dialled.
    """
    price = price_for_call(organization, now, Call.Direction.OUTBOUND)
    return price.client_microcredits_per_minute


def _share(
    campaign: Campaign,
    open_by_campaign: dict[UUID, int],
    wanted: int,
    free: int,
    now: datetime,
) -> int:
    """Return the campaign's part of what is free to the organization, by weight."""
    claims = {
        campaign.pk: pacing.Claim(
            campaign.weight, open_by_campaign.get(campaign.pk, 0), wanted
        )
    }
    for other in _others(campaign, now):
        in_use = open_by_campaign.get(other.pk, 0)
        room = max(0, other.max_concurrent_calls - in_use)
        claims[other.pk] = pacing.Claim(other.weight, in_use, room)
    if len(claims) == 1:
        return min(wanted, free)
    return pacing.fair_shares(free, claims)[campaign.pk]


def _others(campaign: Campaign, now: datetime) -> list[Campaign]:
    """Return the organization's other campaigns that call right now."""
    return list(
        Campaign.objects.running()
        .filter(organization=campaign.organization_id)
        .filter(Q(idle_until__isnull=True) | Q(idle_until__lt=now))
        .exclude(pk=campaign.pk)
        .with_due_leads(now)
        .only("pk", "weight", "max_concurrent_calls")
    )


def _rate_share(
    campaign: Campaign, limits: CallingLimits, line: Line, now: datetime
) -> int:
    """Return the campaign's part of a trunk's next moments, by weight.

    Who has started fewer calls for their weight within the last minute goes first. The
    weights are the client's and the campaign's together.
    """
    moments = line.moments_left(now + LEAD)
    if moments is None:
        return pacing.MAX_BATCH
    if moments == 0:
        return 0
    with all_organizations("organizations share a carrier's trunk"):
        others = rivals_on(line, campaign, now)
        if not others:
            return moments
        started = dict(
            Attempt.objects.filter(trunk=line.trunk, created_at__gt=now - RECENT)
            .order_by("lead__campaign")
            .values_list("lead__campaign")
            .annotate(count=Count("pk"))
        )
    own = Rival(campaign.pk, campaign.weight * limits.weight, moments)
    claims = {
        one.campaign_id: pacing.Claim(
            one.weight, started.get(one.campaign_id, 0), min(moments, one.wanted)
        )
        for one in (own, *others)
    }
    return pacing.fair_shares(moments, claims)[campaign.pk]
