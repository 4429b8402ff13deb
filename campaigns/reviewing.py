"""What a launch would come to: who is called, who is not and why, what it costs, how long.

Counted by the database and by place, so that a million leads take seconds. The reasons
are those the dialer gives; what changes until a lead's turn is asked again then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Avg, Count, Min, Q, Sum
from django.db.models.functions import Left
from django.utils import timezone

from calls.destinations import DestinationRules
from calls.models import Call
from calls.services.pace import line_of
from campaigns.asking import count_unasked
from campaigns.evaluating import Desk
from campaigns.models import (
    Campaign,
    Lead,
    LeadImport,
    Register,
    RegisterAnswer,
    SuppressionEntry,
)
from campaigns.places import locality_ids, place_of, places_by_id
from campaigns.room import expected_cost
from campaigns.schedule import Place
from portal.scope import all_organizations

MANY_ENTRIES: Final = 50_000
DEFAULT_CALL_S: Final = 60.0
_LOOKAHEAD: Final = 366
_HEAD: Final = 7  # of "+31612345678"; kinds of numbers differ before that
Skip = Lead.SkipReason


@dataclass(frozen=True)
class Review:
    """Exact counts of a campaign's waiting leads, and two estimates."""

    waiting: int = 0
    callable_now: int = 0
    callable_later: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    unasked: int = 0  # people whom some register has not been asked about yet
    invalid_rows: int = 0
    duplicate_rows: int = 0
    opens_at: datetime | None = None
    call_s: float = DEFAULT_CALL_S
    cost_microcredits: int = 0
    ends_at: datetime | None = None

    @property
    def to_call(self) -> int:
        return self.callable_now + self.callable_later

    @property
    def not_called(self) -> int:
        return sum(self.skipped.values())

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why people are not called, the most frequent first."""
        labels = {reason: str(Skip(reason).label) for reason in self.skipped}
        rows = [(labels[reason], count) for reason, count in self.skipped.items()]
        return sorted(rows, key=lambda row: -row[1])


def review_campaign(campaign: Campaign) -> Review:
    """Count what launching a campaign now would come to; reads only."""
    now = timezone.now()
    desk = Desk.open(campaign, now)
    waiting = Lead.objects.filter(campaign=campaign, status=Lead.Status.PENDING)
    total = waiting.count()
    listed = _suppressed(campaign, waiting)
    left = waiting.exclude(pk__in=listed.values("pk"))
    skipped = {Skip.SUPPRESSED.value: listed.count()}
    registered = _registered(desk.registers, left)
    skipped[Skip.REGISTERED.value] = registered.count()
    left = left.exclude(pk__in=registered.values("pk"))
    if campaign.consent_rule == Campaign.ConsentRule.LEAD:
        without = left.filter(consent_basis="")
        skipped[Skip.NO_CONSENT.value] = without.count()
        left = left.exclude(consent_basis="")
    refused = _refused(desk.destinations, left).values("pk")
    allowed = dict(by_place(desk, left.exclude(pk__in=refused)))
    open_now = later = 0
    opens: list[datetime] = []
    places: list[Place] = []
    for place, everybody in by_place(desk, left):
        count = allowed.get(place, 0)
        if not place.zones:
            _add(skipped, Skip.NO_TIME_ZONE, everybody)
            continue
        _add(skipped, Skip.DESTINATION, everybody - count)
        if not count:
            continue
        if place.never_opens(now):
            _add(skipped, Skip.NO_COMMON_HOURS, count)
        else:
            places.append(place)
            found = place.opens(now)
            is_open = place.is_open(now)
            open_now += count if is_open else 0
            later += 0 if is_open else count
            if found is not None:
                opens.append(found[0])
    imports = LeadImport.objects.filter(campaign=campaign).aggregate(
        invalid=Sum("error_count"), doubles=Sum("duplicates")
    )
    call_s = _usual_call_s(campaign)
    to_call = open_now + later
    price = expected_cost(campaign, campaign.organization, now)
    return Review(
        waiting=total,
        callable_now=open_now,
        callable_later=later,
        skipped={reason: count for reason, count in skipped.items() if count},
        unasked=count_unasked(campaign, desk.registers),
        invalid_rows=imports["invalid"] or 0,
        duplicate_rows=imports["doubles"] or 0,
        opens_at=min(opens, default=None),
        call_s=call_s,
        cost_microcredits=round(to_call * price * call_s / 60),
        ends_at=_ends_at(campaign, desk, places, to_call, call_s, now),
    )


def _add(skipped: dict[str, int], reason: Lead.SkipReason, count: int) -> None:
    skipped[reason.value] = skipped.get(reason.value, 0) + count


def _suppressed(campaign: Campaign, waiting: Any) -> Any:
    organization = campaign.organization
    with all_organizations("a client's calls obey its agency's and operator's lists"):
        entries = SuppressionEntry.objects.filter(
            Q(organization=organization.pk)
            | Q(organization=organization.agency_id)
            | Q(organization=None)
        ).values_list("phone_number", flat=True)
        # Read here: inside the organization's scope the lists above are not seen.
        if entries.count() <= MANY_ENTRIES:
            return waiting.filter(phone_number__in=list(entries))
        numbers = waiting.values_list("phone_number", flat=True)
        found = entries.filter(phone_number__in=list(numbers))
        return waiting.filter(phone_number__in=list(found))


def _registered(registers: list[Register], leads: Any) -> Any:
    """Return the leads whose numbers some register listed when it was asked."""
    if not registers:
        return leads.none()
    numbers = leads.values_list("phone_number", flat=True)
    with all_organizations(
        "a client's calls obey its agency's and operator's registers"
    ):
        found = RegisterAnswer.objects.filter(
            reduce(or_, (_still_holds(register) for register in registers)),
            is_listed=True,
        )
        if found.count() > MANY_ENTRIES:
            found = found.filter(phone_number__in=list(numbers))
        # A register that covers some countries was asked about no others.
        return leads.filter(
            phone_number__in=list(found.values_list("phone_number", flat=True))
        )


def _still_holds(register: Register) -> Q:
    return Q(register=register, asked_at__gt=timezone.now() - register.fresh_for)


def _refused(rules: DestinationRules, leads: Any) -> Any:
    """Return the leads whose numbers the organization may not call.

    Rules go by what a number begins with, so that one number of each beginning tells
    for all of them; a prefix that is blocked may be longer than that.
    """
    heads = leads.annotate(head=Left("phone_number", _HEAD)).order_by("head")
    sample = heads.values_list("head").annotate(one=Min("phone_number"))
    plain = replace(rules, blocked_prefixes=frozenset())
    found = [head for head, number in sample if plain.refusal(number)]
    matches = Q(head__in=found)
    for prefix in rules.blocked_prefixes:
        matches |= Q(phone_number__startswith=prefix)
    return heads.filter(matches).order_by()


def by_place(desk: Desk, leads: Any) -> list[tuple[Place, int]]:
    """Return how many of these leads are at each place."""
    for lead in leads.filter(locality__isnull=True)[:1_000]:
        place = place_of(lead.phone_number)
        Lead.objects.filter(pk=lead.pk).update(locality=locality_ids([place])[place])
    counts = dict(
        leads.order_by("locality").values_list("locality").annotate(count=Count("pk"))
    )
    known = places_by_id(row_id for row_id in counts if row_id is not None)
    return [
        (desk.place_at(known[row_id]), count)
        for row_id, count in counts.items()
        if row_id in known
    ]


def _usual_call_s(campaign: Campaign) -> float:
    """Return how long the assistant's last calls took on average, in seconds."""
    recent = Call.objects.filter(
        assistant=campaign.assistant_id,
        direction=Call.Direction.OUTBOUND,
        started_at__isnull=False,
        ended_at__isnull=False,
    ).order_by("-created_at")[:200]
    found = Call.objects.filter(pk__in=recent.values("pk")).aggregate(
        mean=Avg("duration_ms")
    )["mean"]
    return float(found) / 1000 if found else DEFAULT_CALL_S


def _ends_at(
    campaign: Campaign,
    desk: Desk,
    places: list[Place],
    calls: int,
    call_s: float,
    now: datetime,
) -> datetime | None:
    """Return when the first round of calls ends, walking through the open hours."""
    if not calls or not places or not desk.pool:
        return None
    at_once = min(
        campaign.max_concurrent_calls, campaign.organization.max_concurrent_calls
    )
    per_s = at_once / (call_s + 15)  # ringing, and the moment between two calls
    spacings = [line_of(number).rate.spacing_s for number in desk.pool]
    rate = sum(1 / spacing for spacing in spacings if spacing) or per_s
    left_s = calls / min(per_s, rate)
    at = now
    # By the place that opens last of those there are: the others fit in between.
    place = max(places, key=lambda one: (one.opens(now) or (now, now))[0])
    for _ in range(_LOOKAHEAD):
        found = place.opens(at)
        if found is None:
            return None
        length_s = (found[1] - found[0]).total_seconds()
        if left_s <= length_s:
            return found[0] + timedelta(seconds=left_s)
        left_s -= length_s
        at = found[1]
    return None
