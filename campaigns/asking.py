"""Asking external registers about numbers, well before anybody is called.

    people of a list ──▶ asked in batches ──▶ answers with their time ──▶ judged by them

Nothing is asked inside a transaction. An answer holds as long as its register says; a
number without one is not called. A register that is silent closes the countries it
covers, so that waiting for it costs nothing, and is asked again after a while.

A register is asked with `POST {"phone_numbers": ["+31612345678", …]}`, its secret as a
bearer token, and answers `{"listed": ["+31612345678", …]}`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from calls.destinations import country_of
from campaigns.models import Campaign, Lead, Register, RegisterAnswer
from common.http import OutboundError, Request, send
from portal.models import Organization
from portal.scope import all_organizations

logger = logging.getLogger(__name__)

BATCH: Final = 500  # numbers of one request
TIMEOUT_S: Final = 10
TURN_S: Final = 60.0  # a worker does other things in between
_SHORTEST: Final = timedelta(seconds=5)
_LONGEST: Final = timedelta(minutes=5)
_KEPT: Final = timedelta(hours=744)  # no answer holds longer
_REASON: Final = "a client's calls obey its agency's and operator's registers"


class RegisterSilent(Exception):
    """No answer that can be used; the message is for whoever entered the register."""


@dataclass(frozen=True)
class Answer:
    """What a register said of a number, and when."""

    is_listed: bool
    asked_at: datetime


Answers = dict[tuple[UUID, str], Answer]


def registers_of(organization: Organization) -> list[Register]:
    """Return the registers an organization's calls obey: its own and those above it."""
    with all_organizations(_REASON):
        return list(
            Register.objects.filter(
                Q(organization=organization.pk)
                | Q(organization=organization.agency_id)
                | Q(organization=None)
            )
        )


def answers_of(registers: Sequence[Register], numbers: Iterable[str]) -> Answers:
    """Return what is known of these numbers, however old."""
    if not registers:
        return {}
    with all_organizations(_REASON):
        rows = RegisterAnswer.objects.filter(
            register__in=registers, phone_number__in=list(numbers)
        )
        return {
            (row.register_id, row.phone_number): Answer(row.is_listed, row.asked_at)
            for row in rows
        }


def is_fresh(answer: Answer | None, oldest: datetime) -> bool:
    """Whether an answer still holds, of a register whose answers hold since `oldest`."""
    return answer is not None and answer.asked_at > oldest


def ask_about(
    registers: Sequence[Register], numbers: Iterable[str], *, now: datetime
) -> None:
    """Ask each register about the numbers it covers and gave no fresh answer for.

    One that does not answer is noted, and left alone until its time. Not to be called
    in a transaction.
    """
    wanted = list(dict.fromkeys(numbers))
    known = answers_of(registers, wanted)
    for register in registers:
        if register.is_silent(now):
            continue
        oldest = now - register.fresh_for
        stale = [
            number
            for number in wanted
            if register.covers(country_of(number))
            and not is_fresh(known.get((register.pk, number)), oldest)
        ]
        try:
            for start in range(0, len(stale), BATCH):
                _ask_and_keep(register, stale[start : start + BATCH])
        except RegisterSilent as error:
            _note_silence(register, str(error))


def ask_about_campaign(*, campaign_id: UUID, turn_s: float = TURN_S) -> bool:
    """Ask about everybody of a campaign who waits; return whether there is more to do."""
    campaign = Campaign.objects.select_related("organization").get(pk=campaign_id)
    registers = registers_of(campaign.organization)
    until_s = time.monotonic() + turn_s
    for register in registers:
        while not register.is_silent(timezone.now()):
            with all_organizations(_REASON):
                found = _unasked(campaign, register)
                numbers = list(found.values_list("phone_number", flat=True)[:BATCH])
            if not numbers:
                break
            try:
                _ask_and_keep(register, numbers)
            except RegisterSilent as error:
                _note_silence(register, str(error))
            if time.monotonic() > until_s:
                return True
    return False


def count_unasked(campaign: Campaign, registers: Sequence[Register]) -> int:
    """Return how many waiting leads some register has no fresh answer for, at most."""
    with all_organizations(_REASON):
        counts = [_unasked(campaign, register).count() for register in registers]
    return max(counts, default=0)


def _unasked(campaign: Campaign, register: Register) -> Any:
    """Return a campaign's waiting leads without a fresh answer of a register.

    For use in every scope: an agency or the operator may keep the answers.
    """
    fresh = RegisterAnswer.objects.filter(
        register=register,
        phone_number=OuterRef("phone_number"),
        asked_at__gt=timezone.now() - register.fresh_for,
    )
    leads = Lead.objects.filter(campaign=campaign, status=Lead.Status.PENDING)
    if register.countries:
        leads = leads.filter(locality__country__in=register.countries)
    return leads.filter(~Exists(fresh)).order_by()


def ask(register: Register, numbers: Sequence[str]) -> set[str]:
    """Return which of up to `BATCH` numbers a register lists; raises `RegisterSilent`."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if register.secret:
        headers["Authorization"] = f"Bearer {register.secret}"
    body = json.dumps({"phone_numbers": list(numbers)}).encode()
    try:
        answer = send(
            Request(register.url, headers=headers, body=body, timeout_s=TIMEOUT_S)
        )
    except OutboundError as error:
        raise RegisterSilent(str(error)) from error
    if not answer.is_success:
        raise RegisterSilent(f"It answered with status {answer.status}.")
    try:
        listed = json.loads(answer.body)["listed"]
    except (ValueError, KeyError, TypeError) as error:
        raise RegisterSilent('Its answer is not {"listed": […]}.') from error
    if not isinstance(listed, list) or not all(isinstance(n, str) for n in listed):
        raise RegisterSilent('Its answer is not {"listed": […]} of numbers.')
    if strange := set(listed) - set(numbers):
        # Numbers it wrote otherwise than it was asked would pass for not listed.
        raise RegisterSilent(f"It named a number it was not asked for: {min(strange)}.")
    return set(listed)


def campaigns_to_ask_about() -> list[tuple[UUID, UUID]]:
    """Return campaigns that registers hold for, and their organizations.

    What has nobody left to ask about takes one look at its leads.
    """
    with all_organizations("registers of every organization are asked ahead"):
        registers = list(Register.objects.all())
        if not registers:
            return []
        campaigns = Campaign.objects.exclude(status__in=Campaign.FINAL)
        if all(register.organization_id for register in registers):
            owners = [register.organization_id for register in registers]
            campaigns = campaigns.filter(
                Q(organization__in=owners) | Q(agency__in=owners)
            )
        return list(campaigns.values_list("pk", "organization_id"))


def forget_old_answers() -> int:
    """Delete answers that hold no longer, whatever their register says."""
    with all_organizations("answers of every organization grow old"):
        gone, _each = RegisterAnswer.objects.filter(
            asked_at__lt=timezone.now() - _KEPT
        ).delete()
    return gone


def _ask_and_keep(register: Register, wanted: Sequence[str]) -> None:
    # In one order, so that two workers that store never wait for each other.
    numbers = sorted(wanted)
    listed = ask(register, numbers)
    now = timezone.now()
    with all_organizations(_REASON):
        RegisterAnswer.objects.bulk_create(
            (
                RegisterAnswer(
                    organization_id=register.organization_id,
                    agency_id=register.agency_id,
                    register=register,
                    phone_number=number,
                    is_listed=number in listed,
                    asked_at=now,
                )
                for number in numbers
            ),
            update_conflicts=True,
            unique_fields=["phone_number", "register"],
            update_fields=["is_listed", "asked_at"],
        )
        Register.objects.filter(pk=register.pk).update(
            asked_at=now, fault="", failures=0, retry_at=None
        )
    register.retry_at, register.failures = None, 0


def _note_silence(register: Register, fault: str) -> None:
    """Write down why a register cannot be used, and when it is asked again."""
    failures = register.failures + 1
    wait = min(_LONGEST, _SHORTEST * 2 ** min(failures - 1, 10))
    retry_at = timezone.now() + wait
    with all_organizations(_REASON):
        Register.objects.filter(pk=register.pk).update(
            fault=fault[:200], failures=failures, retry_at=retry_at
        )
    register.retry_at, register.failures = retry_at, failures
    logger.warning("register silent", extra={"register_id": str(register.pk)})
