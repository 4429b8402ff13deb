"""Taking the leads that may be called now, each with a moment at which its call starts.

    due leads of places that are open ──▶ judged one by one ──▶ skipped, held, or claimed

A claim is one transaction that holds the organization's row and, last, the row of each
trunk. What is held or skipped is written down with its reason; what is claimed carries
what was checked, for the record of its call.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Random
from django.db.models.lookups import LessThan
from django.utils import timezone

from calls.services.halting import is_halted
from calls.services.pace import Line, line_of, name_of_line, take_moments
from campaigns.checks import checked
from campaigns.evaluating import Desk, Verdict
from campaigns.models import Attempt, Campaign, Decision, Lead
from campaigns.pacing import MAX_BATCH
from campaigns.places import locality_ids, place_of, places_by_id
from campaigns.recording import decision
from campaigns.room import (
    LEAD,
    Room,
    budget_evidence,
    is_budget_spent,
    room_for,
)
from campaigns.schedule import Place
from campaigns.services.legal import remember_rules
from campaigns.services.running import CAMPAIGNS_OFF, halt_campaign
from portal.features import Feature, is_on
from portal.models import Organization

LEASE: Final = timedelta(seconds=10)
# For how long others leave no share for a campaign that found nobody to call. It looks
# again at every tick; what it might start meanwhile is not kept from it.
IDLE: Final = timedelta(seconds=30)
MAX_ROUNDS: Final = 5  # of leads that turn out not to be called, in one claim
_UNPLACED_BATCH: Final = 1_000

# The places of a campaign's waiting leads: one index probe for each, however many leads.
_PLACES: Final = """
with recursive place as (
  (select locality_id as id from campaigns_lead
   where campaign_id = %(campaign)s and status = 'pending' and locality_id is not null
   order by locality_id limit 1)
  union all
  select (select lead.locality_id from campaigns_lead lead
          where lead.campaign_id = %(campaign)s and lead.status = 'pending'
            and lead.locality_id > place.id
          order by lead.locality_id limit 1)
  from place where place.id is not null
)
select id from place where id is not null
"""

# The first leads of each open place, then the first of those; priority goes before.
_DUE: Final = """
select due.id from unnest(%(places)s::bigint[]) as place (id)
cross join lateral (
  (select id, is_priority, due_at from campaigns_lead
   where campaign_id = %(campaign)s and locality_id = place.id and status = 'pending'
     and is_priority and due_at <= %(now)s
   order by due_at limit %(limit)s)
  union all
  (select id, is_priority, due_at from campaigns_lead
   where campaign_id = %(campaign)s and locality_id = place.id and status = 'pending'
     and not is_priority and due_at <= %(now)s
   order by due_at limit %(limit)s)
) due
order by due.is_priority desc, due.due_at, due.id limit %(limit)s
"""


def claim_leads(*, campaign_id: UUID, organization: Organization) -> list[UUID]:
    """Take the leads that may be called now; return the attempts made for them.

    Locks the organization's row, so that two workers never pass its limits together.
    """
    now = timezone.now()
    with transaction.atomic():
        locked = (
            Organization.objects.select_for_update(of=("self",), no_key=True)
            .select_related("parent")
            .get(pk=organization.pk)
        )
        campaign = (
            Campaign.objects.running()
            .select_related("number", "organization")
            .filter(pk=campaign_id)
            .first()
        )
        if campaign is None:
            return []
        if not is_on(locked, Feature.CAMPAIGNS):
            off = CAMPAIGNS_OFF % {"name": locked.name}
            halt_campaign(
                campaign=campaign,
                reason=Campaign.HaltReason.CALL_REFUSED,
                detail=off,
            )
            return []
        if is_halted(locked):
            return []  # people wait as they are, and are called once it is lifted
        _place_new_leads(campaign)
        desk = Desk.open(campaign, now)
        remember_rules(desk.table)
        lines = {line.trunk: line for line in map(line_of, desk.pool)}
        room = room_for(campaign, locked, desk.limits, list(lines.values()), now)
        if room.calls <= 0:
            if is_budget_spent(campaign, locked, now):
                halt_campaign(
                    campaign=campaign,
                    reason=Campaign.HaltReason.BUDGET_SPENT,
                    evidence=budget_evidence(campaign),
                )
            return []
        chosen = _choose(desk, room)
        claimed = _claim(desk, chosen, lines)
        if len(chosen) < room.calls:
            # Nobody else to call for now: others need leave no share.
            Campaign.objects.filter(pk=campaign.pk).update(idle_until=now + IDLE)
        elif campaign.idle_until is not None:
            Campaign.objects.filter(pk=campaign.pk).update(idle_until=None)
        return claimed


def waiting_places(campaign: Campaign) -> list[int]:
    """Return the localities of a campaign's waiting leads."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {"campaign": campaign.pk})
        return [row[0] for row in cursor.fetchall()]


def _place_new_leads(campaign: Campaign) -> None:
    """Find out where leads are that were stored without a place."""
    unplaced = list(
        Lead.objects.filter(
            campaign=campaign, status=Lead.Status.PENDING, locality__isnull=True
        )[:_UNPLACED_BATCH]
    )
    if not unplaced:
        return
    places = {lead.pk: place_of(lead.phone_number) for lead in unplaced}
    ids = locality_ids(places.values())
    for lead in unplaced:
        lead.locality_id = ids[places[lead.pk]]
    Lead.objects.bulk_update(unplaced, ["locality"])


def _choose(desk: Desk, room: Room) -> list[tuple[Lead, Verdict]]:
    """Return leads that may be called, as many as there is room; settle the others."""
    chosen: list[tuple[Lead, Verdict]] = []
    left, numbers = dict(room.on_trunk), len(desk.pool)
    _rest_full_lines(desk, left)
    for _ in range(MAX_ROUNDS):
        wanted = room.calls - len(chosen)
        leads = _due_leads(desk, wanted, {lead.pk for lead, _v in chosen})
        if not leads:
            break
        desk.read(leads)
        refused: list[tuple[Lead, Verdict]] = []
        for lead in leads:
            verdict = desk.judge(lead)
            if verdict.caller is not None:
                desk.note_call(lead, verdict.caller)
                chosen.append((lead, verdict))
                left[name_of_line(verdict.caller)] -= 1
                _rest_full_lines(desk, left)
            elif verdict.hold != "number_cap" or len(desk.pool) == numbers:
                refused.append((lead, verdict))  # else a number's trunk is only full
        _settle(desk, refused)
        if not refused or len(chosen) >= room.calls:
            break
    return chosen


def _rest_full_lines(desk: Desk, left: dict[str, int]) -> None:
    """Let nobody be called from the numbers of a trunk that has no room any more."""
    if any(left[name_of_line(number)] <= 0 for number in desk.pool):
        desk.pool = [n for n in desk.pool if left[name_of_line(n)] > 0]


def next_numbers(desk: Desk, limit: int = 2 * MAX_BATCH) -> list[str]:
    """Return whom a claim would look at first, without claiming anybody."""
    ids = _due_ids(desk, limit)
    leads = Lead.objects.filter(pk__in=ids).order_by()
    return list(leads.values_list("phone_number", flat=True))


def _due_leads(desk: Desk, limit: int, taken: set[UUID]) -> list[Lead]:
    if limit <= 0:
        return []
    due = _due_ids(desk, limit + len(taken))
    ids = [lead_id for lead_id in due if lead_id not in taken][:limit]
    found = {
        lead.pk: lead
        for lead in Lead.objects.filter(
            pk__in=ids, status=Lead.Status.PENDING
        ).select_for_update(of=("self",), skip_locked=True, no_key=True)
    }
    return [found[lead_id] for lead_id in ids if lead_id in found]


def _due_ids(desk: Desk, limit: int) -> list[UUID]:
    open_places = [
        row_id
        for row_id, place in _places(desk)
        # Where nobody may ever be called, leads are settled rather than left to wait.
        if (place.is_open(desk.now) or place.never_opens(desk.now))
        and not desk.is_closed_by_register(place)
    ]
    if not open_places:
        return []
    wanted: dict[str, Any] = {
        "campaign": desk.campaign.pk,
        "places": open_places,
        "now": desk.now,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DUE, wanted)
        return [row[0] for row in cursor.fetchall()]


def _places(desk: Desk) -> Iterator[tuple[int, Place]]:
    ids = waiting_places(desk.campaign)
    missing = set(ids) - set(desk.localities)
    desk.localities |= places_by_id(missing)
    for row_id in ids:
        yield row_id, desk.place_at(desk.localities[row_id])


def _settle(desk: Desk, refused: list[tuple[Lead, Verdict]]) -> None:
    """Skip or hold leads that may not be called, each with its record."""
    if not refused:
        return
    records = []
    for lead, verdict in refused:
        if verdict.skip is not None:
            lead.status, lead.skip_reason = Lead.Status.SKIPPED, verdict.skip
        elif verdict.until is not None:
            lead.due_at = verdict.until
        records.append(
            decision(
                lead,
                answer=Decision.Answer.REFUSED
                if verdict.skip
                else Decision.Answer.HELD,
                reason=verdict.skip or verdict.hold,
                place=verdict.place,
                checks=verdict.checks,
                rules_version=desk.rules_version,
                now=desk.now,
                held_until=verdict.until,
            )
        )
    Lead.objects.bulk_update(
        [lead for lead, _verdict in refused], ["status", "skip_reason", "due_at"]
    )
    Decision.objects.bulk_create(records)


def _claim(
    desk: Desk, chosen: list[tuple[Lead, Verdict]], lines: dict[str, Line]
) -> list[UUID]:
    """Make attempts for leads, as many as their trunks have moments for."""
    by_line: dict[str, list[tuple[Lead, Verdict]]] = {}
    for lead, verdict in chosen:
        assert verdict.caller is not None
        by_line.setdefault(name_of_line(verdict.caller), []).append((lead, verdict))
    attempts = []
    for trunk, wanted in sorted(by_line.items()):
        moments = take_moments(lines[trunk], len(wanted), desk.now + LEAD)
        attempts += [
            _attempt(desk, lead, verdict, trunk, start_at)
            for (lead, verdict), start_at in zip(wanted, moments, strict=False)
        ]
    Lead.objects.filter(pk__in=[attempt.lead_id for attempt in attempts]).update(
        status=Lead.Status.CALLING, **_divided(desk.campaign)
    )
    Attempt.objects.bulk_create(attempts)
    attempts.sort(key=lambda attempt: attempt.start_at or desk.now)
    return [attempt.pk for attempt in attempts]


def _divided(campaign: Campaign) -> dict[str, Any]:
    """Return what decides, by chance at somebody's first call, which assistant calls.

    Not before: people are added before the second assistant is chosen, and who is left
    over from one campaign must not keep in the next the assistant that did not reach them.
    """
    if campaign.variant_assistant_id is None:
        return {}
    is_drawn = LessThan(Random() * 100.0, float(campaign.variant_percent))
    return {
        "is_variant": Case(
            When(attempt_count__gt=0, then=F("is_variant")),
            When(is_drawn, then=Value(True)),
            default=Value(False),
        )
    }


def _shown(verdict: Verdict, trunk: str) -> str:
    """Return a trunk's name for people."""
    own = verdict.caller.trunk if verdict.caller else None
    return own.name if own else trunk


def _attempt(
    desk: Desk, lead: Lead, verdict: Verdict, trunk: str, start_at: datetime
) -> Attempt:
    place = verdict.place
    number, limit = lead.attempt_count + 1, desk.campaign.max_attempts
    checks = [
        *verdict.checks,
        checked("attempts", True, number=number, of=limit),
        checked("pace", True, at=start_at.isoformat(), trunk=_shown(verdict, trunk)),
    ]
    return Attempt(
        organization_id=lead.organization_id,
        agency_id=lead.agency_id,
        lead=lead,
        number=number,
        phone_number=lead.phone_number,
        caller=verdict.caller,
        trunk=trunk,
        start_at=start_at,
        lease_until=max(start_at, desk.now) + LEASE,
        decided={
            "rules": desk.rules_version,
            "zone": ", ".join(place.zones)[:64],
            "source": place.zone_source,
            "local": place.local_times(desk.now)[:20],
            "checks": checks,
        },
    )
