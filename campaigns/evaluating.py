"""Whether a person may be called now, and every reason that was looked at.

One function answers for the dialer, for the review before a launch and for the question
why somebody was not called, so the three cannot disagree. It reads; it writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count

from calls.destinations import DestinationRules, country_of
from calls.models import Call, PhoneNumber
from calls.services.guarding import guard_of
from calls.services.retention import hashed_number
from campaigns.asking import Answers, answers_of, is_fresh, registers_of
from campaigns.callers import PoolNumber, choose_number
from campaigns.checks import Check, checked
from campaigns.legal import LegalTable
from campaigns.locality import Locality
from campaigns.models import (
    Attempt,
    CallingLimits,
    Campaign,
    CampaignNumber,
    Lead,
    Register,
)
from campaigns.persons import DAY, PersonLimits, may_call
from campaigns.places import legal_table, place_of, places_by_id
from campaigns.room import limits_of
from campaigns.schedule import CampaignHours, Place, place_for
from campaigns.suppressing import Suppressed, suppressed_among
from portal.models import Organization

Skip = Lead.SkipReason
_NAMED: Final = 3  # of many zones or regions
_ASKED_WITHIN: Final = timedelta(seconds=5)
_REST: Final = timedelta(hours=1)  # until an exhausted pool is looked at again
RULES: Final = "2026-11"  # of the checks below; with the legal table's version


@dataclass(frozen=True)
class Verdict:
    """The answer for one lead: `skip` for good, `hold` until a time, or neither: call."""

    place: Place
    checks: tuple[Check, ...]
    skip: Skip | None = None
    hold: str = ""
    until: datetime | None = None
    caller: PhoneNumber | None = None

    @property
    def may_call(self) -> bool:
        return self.skip is None and not self.hold


@dataclass(frozen=True)
class Step:
    """What one check found; with `skip` or `hold` the others are not made any more."""

    checks: list[Check] = field(default_factory=list)
    skip: Skip | None = None
    hold: str = ""
    until: datetime | None = None
    caller: PhoneNumber | None = None


@dataclass
class Desk:
    """Everything a campaign's leads are judged by, read once for a batch of them."""

    campaign: Campaign
    now: datetime
    table: LegalTable
    limits: CallingLimits
    pool: list[PhoneNumber]
    calls_today: dict[UUID, int]
    destinations: DestinationRules = field(default_factory=DestinationRules)
    registers: list[Register] = field(default_factory=list)
    suppressed: dict[str, Suppressed] = field(default_factory=dict)
    answers: Answers = field(default_factory=dict)
    called_at: dict[str, list[datetime]] = field(default_factory=dict)
    localities: dict[int, Locality] = field(default_factory=dict)
    _places: dict[Locality, Place] = field(default_factory=dict)

    @classmethod
    def open(cls, campaign: Campaign, now: datetime) -> Desk:
        """Read what all leads of a campaign have in common."""
        pool = pool_of(campaign)
        return cls(
            campaign=campaign,
            now=now,
            table=legal_table(),
            limits=limits_of(campaign.organization),
            pool=pool,
            calls_today=_calls_today(pool, campaign, now),
            destinations=guard_of(campaign.organization).rules,
            registers=registers_of(campaign.organization),
        )

    @property
    def rules_version(self) -> str:
        return f"{RULES}/{self.table.version}"

    def read(self, leads: Sequence[Lead]) -> None:
        """Read what these leads need: lists, their last calls, their places."""
        numbers = [lead.phone_number for lead in leads]
        organization = self.campaign.organization
        self.suppressed = suppressed_among(numbers, organization=organization)
        self.answers = answers_of(self.registers, numbers)
        self.called_at = _called_at(numbers, organization, self._looks_back, self.now)
        missing = {lead.locality_id for lead in leads} - set(self.localities)
        self.localities |= places_by_id(i for i in missing if i is not None)

    @property
    def _looks_back(self) -> timedelta:
        return max(DAY, timedelta(seconds=self.limits.person_gap_s))

    def place(self, lead: Lead) -> Place:
        known = self.localities.get(lead.locality_id or 0)
        return self.place_at(known or place_of(lead.phone_number))

    def place_at(self, locality: Locality) -> Place:
        """Return when this campaign may call at a locality."""
        if locality not in self._places:
            hours = hours_of(self.campaign)
            self._places[locality] = place_for(locality, hours, self.table)
        return self._places[locality]

    def judge(self, lead: Lead) -> Verdict:
        """Say whether a lead may be called at `now`; `read` has been told of it."""
        place = self.place(lead)
        checks: list[Check] = []
        found = Step()
        for look in (
            self._lists,
            self._registers,
            self._consent,
            self._time_zone,
            self._destination,
            self._hours,
            self._person,
            self._number,
        ):
            found = look(lead, place)
            checks += found.checks
            if found.skip or found.hold:
                break
        return Verdict(
            place, tuple(checks), found.skip, found.hold, found.until, found.caller
        )

    def _lists(self, lead: Lead, place: Place) -> Step:
        listed = self.suppressed.get(lead.phone_number)
        if listed is None:
            return Step([checked("lists", True)])
        return Step([checked("lists", False, **listed.found)], skip=Skip.SUPPRESSED)

    def _registers(self, lead: Lead, place: Place) -> Step:
        number = lead.phone_number
        country = country_of(number) if self.registers else ""
        asked: list[dict[str, str]] = []
        for register in self.registers:
            if not register.covers(country):
                continue
            answer = self.answers.get((register.pk, number))
            found = {"name": register.name, "level": register.level}
            if answer is not None:
                found["at"] = answer.asked_at.isoformat(timespec="seconds")
            is_known = is_fresh(answer, self.now - register.fresh_for)
            if is_known and answer is not None and answer.is_listed:
                check = checked("registers", False, asked=[found], answer="listed")
                return Step([check], skip=Skip.REGISTERED)
            if register.is_silent(self.now):
                check = checked("registers", False, asked=[found], answer="silent")
                return Step([check], hold="register_silent", until=register.retry_at)
            if not is_known:
                check = checked("registers", False, asked=[found], answer="unasked")
                until = self.now + _ASKED_WITHIN
                return Step([check], hold="register_unasked", until=until)
            asked.append(found)
        return Step([checked("registers", True, asked=asked)] if asked else [])

    def is_closed_by_register(self, place: Place) -> bool:
        """Whether a register that covers a place cannot be asked right now."""
        return any(
            register.is_silent(self.now) and register.covers(place.locality.country)
            for register in self.registers
        )

    def _consent(self, lead: Lead, place: Place) -> Step:
        check = _consent_check(self.campaign, lead, place)
        return Step([check], skip=None if check["ok"] else Skip.NO_CONSENT)

    def _destination(self, lead: Lead, place: Place) -> Step:
        why = self.destinations.refusal(lead.phone_number)
        check = checked("destination", not why, why=why)
        return Step([check], skip=Skip.DESTINATION if why else None)

    def _time_zone(self, lead: Lead, place: Place) -> Step:
        if not place.zones:
            return Step([checked("time_zone", False)], Skip.NO_TIME_ZONE)
        check = checked(
            "time_zone",
            True,
            zones=list(place.zones[:_NAMED]),
            more=max(0, len(place.zones) - _NAMED),
            source=place.zone_source,
        )
        return Step([check])

    def _hours(self, lead: Lead, place: Place) -> Step:
        local = place.local_times(self.now)
        if not (closed := place.why_closed(self.now)):
            regions = list(place.limits.regions[:_NAMED])
            return Step(
                [
                    checked("campaign_hours", True, local=local),
                    checked("legal_hours", True, local=local, regions=regions),
                ]
            )
        check, opens = checked(closed, False, local=local), place.opens(self.now)
        if place.never_opens(self.now):
            return Step([check], skip=Skip.NO_COMMON_HOURS)
        return Step([check], hold=closed, until=opens[0] if opens else None)

    def _person(self, lead: Lead, place: Place) -> Step:
        limits = PersonLimits(self.limits.person_max_a_day, self.limits.person_gap_s)
        limits = limits.tightened(place.limits.max_a_day)
        made = self.called_at.get(lead.phone_number, [])
        not_yet = may_call(limits, made, self.now)
        check = _person_check(limits, made, self.now, ok=not_yet is None)
        if not_yet is None:
            return Step([check])
        return Step([check], hold=not_yet.because, until=not_yet.at)

    def _number(self, lead: Lead, place: Place) -> Step:
        caller = self._caller(lead)
        if caller is None:
            check = checked("caller_id", False)
            return Step([check], hold="number_cap", until=self.now + _REST)
        used = (
            {"used": self.calls_today.get(caller.pk, 0)}
            if _counts_calls(self.pool, self.campaign)
            else {}
        )
        check = checked("caller_id", True, number=caller.number, **used)
        return Step([check], caller=caller)

    def _caller(self, lead: Lead) -> PhoneNumber | None:
        pool = {number.pk: number for number in self.pool}
        chosen = choose_number(
            [
                PoolNumber(k, n.number, self.calls_today.get(k, 0))
                for k, n in pool.items()
            ],
            to=lead.phone_number,
            local_presence=self.campaign.has_local_presence,
            daily_cap=self.campaign.number_daily_cap,
        )
        return pool[chosen] if chosen else None

    def note_call(self, lead: Lead, caller: PhoneNumber) -> None:
        """Count a call that is about to be made, for the leads judged after it."""
        self.calls_today[caller.pk] = self.calls_today.get(caller.pk, 0) + 1
        self.called_at.setdefault(lead.phone_number, []).append(self.now)


def hours_of(campaign: Campaign) -> CampaignHours:
    """Return when a campaign calls, as a plain value."""
    return CampaignHours(
        week=campaign.week,
        days_off=frozenset(date.fromisoformat(day) for day in campaign.days_off),
        is_closed_on_holidays=campaign.is_closed_on_holidays,
        first_day=campaign.starts_on,
        last_day=campaign.ends_on,
        zone=campaign.time_zone or campaign.organization.time_zone,
        uses_own_zone=campaign.uses_own_zone,
        covers_unknown_zone=campaign.unknown_zone == Campaign.UnknownZone.CAMPAIGN,
    )


def pool_of(campaign: Campaign) -> list[PhoneNumber]:
    """Return the active numbers a campaign calls from."""
    further = CampaignNumber.objects.filter(campaign=campaign).values("number")
    numbers = PhoneNumber.objects.filter(pk__in=further) | PhoneNumber.objects.filter(
        pk=campaign.number_id
    )
    return list(numbers.filter(is_active=True).select_related("trunk").distinct())


def _counts_calls(pool: Sequence[PhoneNumber], campaign: Campaign) -> bool:
    """Whether anything depends on how often a number of the pool has called today."""
    return len(pool) > 1 or campaign.number_daily_cap is not None


def _calls_today(
    pool: Sequence[PhoneNumber], campaign: Campaign, now: datetime
) -> dict[UUID, int]:
    """Count the calls of the last 24 hours from each number of a pool."""
    if not _counts_calls(pool, campaign):
        return {}
    ids = [number.pk for number in pool]
    made = Attempt.objects.filter(caller__in=ids, dialed_at__gt=now - DAY)
    claimed = Attempt.objects.filter(
        caller__in=ids, status=Attempt.Status.CLAIMED, dialed_at__isnull=True
    )
    counts: Counter[UUID] = Counter()
    for rows in (made, claimed):
        by_caller = rows.order_by().values_list("caller").annotate(count=Count("pk"))
        counts.update(dict(by_caller))
    return counts


def _called_at(
    numbers: list[str], organization: Organization, back: timedelta, now: datetime
) -> dict[str, list[datetime]]:
    """Return when these people were called lately, from whatever source.

    A call that keeps nothing has the number hashed by then; it counts all the same.
    """
    known = {hashed_number(number, organization.pk): number for number in numbers}
    made = Call.objects.filter(
        organization=organization,
        direction=Call.Direction.OUTBOUND,
        callee_number__in=[*numbers, *known],
        created_at__gt=now - back,
    ).values_list("callee_number", "created_at")
    claimed = Attempt.objects.filter(
        organization=organization,
        status=Attempt.Status.CLAIMED,
        phone_number__in=numbers,
    ).values_list("phone_number", "created_at")
    found: dict[str, list[datetime]] = {}
    for number, at in (*made, *claimed):
        found.setdefault(known.get(number, number), []).append(at)
    return found


def _consent_check(campaign: Campaign, lead: Lead, place: Place) -> Check:
    needed = place.limits.needs_consent
    if lead.consent_basis or campaign.consent_rule == Campaign.ConsentRule.LEAD:
        return checked(
            "consent",
            bool(lead.consent_basis),
            basis=lead.consent_basis,
            proof=lead.consent_proof,
            needed=needed,
        )
    return checked("consent", True, note=campaign.consent_note, needed=needed)


def _person_check(
    person: PersonLimits, made: list[datetime], now: datetime, *, ok: bool
) -> Check:
    today = sum(1 for at in made if at > now - DAY)
    return checked("person", ok, made=today, cap=person.max_a_day, gap_s=person.gap_s)
