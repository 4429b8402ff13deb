"""Placing the calls of claimed leads, in good time before their moments.

    claim_leads     pending ──▶ calling, and attempts with a lease     one transaction
    dial_attempts   claimed ──▶ placed, and the calls with their holds  one for a batch

A worker may die at any line. Before the first commit nothing happened. Between the
two an attempt waits, claimed, until its lease runs out and `campaigns.reconciling`
dials it again under the same call id. The second holds the attempts' rows, so that of
two workers one places a call, and a call exists exactly when its attempt says so.

Everything a call needs is reserved here; the voice process then waits for the call's
moment. A moment that was missed is not made up for: the call gets another, so that a
slow process never makes a trunk pass its rate.

Locks, in this order: attempts, organization, voice nodes, accounts. Claiming locks the
organization first and trunks last, which makes its limits exact over all campaigns.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.errors import NotEnoughCredits
from calls.errors import (
    CallRefused,
    CallsHalted,
    DestinationRefused,
    NoCapacity,
    TooManyCalls,
)
from calls.models import Call
from calls.services.guarding import guard_of
from calls.services.opening import FIRST_HOLD_S
from calls.services.outbound import outbound_call, place_calls
from calls.services.starting import Order
from calls.services.trunks import TrunkFull
from campaigns import lifecycle
from campaigns.asking import ask_about, registers_of
from campaigns.checks import Check, checked
from campaigns.claiming import LEASE, claim_leads, next_numbers
from campaigns.evaluating import Desk
from campaigns.models import Attempt, Campaign, Decision, Lead
from campaigns.recording import decision, dial_record, record_again
from campaigns.services.running import halt_campaign
from campaigns.suppressing import suppressed_among
from common.edges import contained
from portal.models import Organization

logger = logging.getLogger(__name__)

NO_LINE_DELAY: Final = timedelta(seconds=3)
# What one transaction places: the organization's row is locked so long.
BATCH: Final = 25
Halt = Campaign.HaltReason
_SCHEDULED: Final = Campaign.Status.SCHEDULED
# What mends itself: a line becomes free, a halt is lifted.
_PASSES: Final = (NoCapacity, TooManyCalls, TrunkFull, CallsHalted)


class Dialed(Enum):
    """What came of dialing one attempt."""

    PLACED = auto()
    TAKEN = auto()  # another worker has it, or had
    WITHDRAWN = auto()  # the campaign no longer runs
    NO_LINE = auto()  # no free line now; the lead is due again in a moment
    HALTED = auto()  # the campaign cannot call until somebody acts
    REFUSED = auto()  # this number is not called; the others are


# Whoever comes behind one of these would hear the same.
_STOPS: Final = frozenset({Dialed.NO_LINE, Dialed.HALTED, Dialed.WITHDRAWN})


@dataclass
class _Batch:
    """What came of the attempts that are dialled together."""

    now: datetime
    results: dict[UUID, Dialed] = field(default_factory=dict)
    halt: tuple[Campaign, Halt, str] | None = None

    def settle(self, attempts: Sequence[Attempt], result: Dialed) -> None:
        self.results.update({attempt.pk: result for attempt in attempts})


def dial_campaign(*, campaign_id: UUID, organization: Organization) -> int:
    """Call as many due leads as fit; return how many calls were placed.

    Any number of workers may do so at once.
    """
    ask_registers(campaign_id=campaign_id, organization=organization)
    attempts = claim_leads(campaign_id=campaign_id, organization=organization)
    return dial_attempts(attempts)


def ask_registers(*, campaign_id: UUID, organization: Organization) -> None:
    """Ask external registers about who is called next, before any row is locked."""
    if not registers_of(organization):
        return
    campaign = Campaign.objects.running().select_related("number", "organization")
    if found := campaign.filter(pk=campaign_id).first():
        desk = Desk.open(found, timezone.now())
        ask_about(desk.registers, next_numbers(desk), now=desk.now)


def dial_attempts(attempt_ids: Sequence[UUID]) -> int:
    """Place the calls of these attempts in turn; return how many were placed."""
    placed = 0
    for start in range(0, len(attempt_ids), BATCH):
        results = dial_quietly(attempt_ids[start : start + BATCH]).values()
        placed += sum(result is Dialed.PLACED for result in results)
        if not _STOPS.isdisjoint(results):
            withdraw_attempts(attempt_ids[start + BATCH :])
            break
    return placed


def dial_quietly(attempt_ids: Sequence[UUID]) -> dict[UUID, Dialed]:
    """Dial a batch; what goes wrong unforeseen is logged and tried again later."""
    names = ", ".join(map(str, attempt_ids))
    # One lead must not stop the others, so that each is tried alone. What fails again
    # stays claimed, and reconciling gives up on it after a few workers.
    with contained(logger, "dialing failed", attempt_ids=names):
        return dial_batch(attempt_ids)
    if len(attempt_ids) == 1:
        return {attempt_ids[0]: Dialed.TAKEN}
    results: dict[UUID, Dialed] = {}
    for attempt_id in attempt_ids:
        results |= dial_quietly([attempt_id])
    return results


def dial_attempt(*, attempt_id: UUID) -> Dialed:
    """Place the call of one claimed attempt; see `dial_batch`."""
    return dial_batch([attempt_id])[attempt_id]


def dial_batch(attempt_ids: Sequence[UUID]) -> dict[UUID, Dialed]:
    """Place the calls of an organization's claimed attempts, each exactly once.

    Refusals that mend themselves put the lead back without spending an attempt; the
    others pause the campaign and say why. Raises nothing that concerns one lead.
    """
    batch = _Batch(timezone.now(), dict.fromkeys(attempt_ids, Dialed.TAKEN))
    with transaction.atomic():
        attempts = _wanted(_locked(attempt_ids), batch)
        if attempts:
            _place(attempts, batch)
    if batch.halt is not None:
        # In a transaction of its own: if we die here, the next attempt finds out again.
        campaign, reason, detail = batch.halt
        halt_campaign(campaign=campaign, reason=reason, detail=detail)
    return batch.results


def _locked(attempt_ids: Sequence[UUID]) -> list[Attempt]:
    """Return what of these is still ours to dial, with its campaign, by its moment."""
    attempts = list(
        Attempt.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("lead", "caller__trunk")
        .filter(pk__in=attempt_ids, status=Attempt.Status.CLAIMED)
        .order_by("start_at", "pk")
    )
    campaigns = Campaign.objects.select_related(
        "organization",
        "assistant__current_version",
        "variant_assistant__current_version",
        "number__trunk",
        "created_by",
    ).in_bulk({attempt.lead.campaign_id for attempt in attempts})
    for attempt in attempts:
        attempt.lead.campaign = campaigns[attempt.lead.campaign_id]
    return attempts


def _wanted(attempts: list[Attempt], batch: _Batch) -> list[Attempt]:
    """Settle attempts whose claim no longer holds; return the others."""
    stopped = [a for a in attempts if a.lead.campaign.status != _SCHEDULED]
    _withdraw(stopped)
    batch.settle(stopped, Dialed.WITHDRAWN)
    wanted = [a for a in attempts if a.lead.campaign.status == _SCHEDULED]
    if not wanted:
        return []
    listed = suppressed_among(
        [attempt.lead.phone_number for attempt in wanted],
        organization=wanted[0].lead.campaign.organization,
    )
    if not listed:
        return wanted
    free = []
    for attempt in wanted:
        entry = listed.get(attempt.lead.phone_number)
        if entry is None:
            free.append(attempt)
            continue
        _refuse(attempt, Lead.SkipReason.SUPPRESSED, entry.found, batch)
    return free


def _place(attempts: list[Attempt], batch: _Batch) -> None:
    organization = attempts[0].lead.campaign.organization
    answers = place_calls(
        organization=organization, orders=[_order_of(attempt) for attempt in attempts]
    )
    placed: list[tuple[Attempt, Call]] = []
    for attempt, answer in zip(attempts, answers, strict=False):
        if isinstance(answer, Call):
            placed.append((attempt, answer))
        elif isinstance(answer, DestinationRefused):
            why = guard_of(organization).rules.refusal(attempt.lead.phone_number)
            _refuse(attempt, Lead.SkipReason.DESTINATION, {"why": why}, batch)
        else:
            _give_back(attempt, attempts[len(answers) :], answer, batch)
    _note_placed(placed, batch)


def _order_of(attempt: Attempt) -> Order:
    lead, campaign = attempt.lead, attempt.lead.campaign
    assistant = campaign.assistant
    if lead.is_variant and campaign.variant_assistant is not None:
        assistant = campaign.variant_assistant
    overrides = {}
    if campaign.system_message_template:
        overrides["instructions"] = campaign.system_message_template
    return Order(
        assistant=assistant,
        actor=campaign.created_by,
        new=outbound_call(
            call_id=attempt.call_id,
            destination=lead.phone_number,
            number=attempt.caller or campaign.number,
            variables={
                **lead.variables,
                "name": lead.name,
                "phone_number": lead.phone_number,
            },
            overrides=overrides,
            metadata={
                "campaign_id": str(campaign.pk),
                "lead_id": str(lead.pk),
                "attempt_id": str(attempt.pk),
                "person_zone": attempt.decided.get("zone", "").partition(",")[0],
                "opt_out_digit": campaign.opt_out_digit,
            },
            dial_at=attempt.start_at,
        ),
    )


def _note_placed(placed: list[tuple[Attempt, Call]], batch: _Batch) -> None:
    attempts = [attempt for attempt, _call in placed]
    Decision.objects.bulk_create(
        dial_record(attempt, checks=_reserved(call), now=batch.now)
        for attempt, call in placed
    )
    by_number: dict[int, list[UUID]] = {}
    for attempt in attempts:
        by_number.setdefault(attempt.number, []).append(attempt.lead_id)
    for number, lead_ids in by_number.items():
        Lead.objects.filter(pk__in=lead_ids).update(
            attempt_count=number, last_attempt_at=batch.now, callback_at=None
        )
    lifecycle.move_attempts(
        [attempt.pk for attempt in attempts],
        Attempt.Status.PLACED,
        lease_until=None,
        dialed_at=batch.now,
    )
    batch.settle(attempts, Dialed.PLACED)


def _reserved(call: Call) -> list[Check]:
    """Return what `place_calls` reserved before anybody's telephone rings."""
    price = call.price_microcredits_per_minute
    return [
        checked("credit", True, held_s=FIRST_HOLD_S, price=price),
        checked("voice", True, node=str(call.node_id)),
    ]


def _give_back(
    attempt: Attempt,
    behind: list[Attempt],
    refusal: CallRefused | NotEnoughCredits,
    batch: _Batch,
) -> None:
    """Put back the lead that met a refusal, and those behind it which were not tried."""
    result, reason, detail = Dialed.NO_LINE, "", str(refusal)
    if isinstance(refusal, _PASSES):
        reason = refusal.code
        _withdraw([attempt], due_at=batch.now + NO_LINE_DELAY)
    else:
        result, (reason, shown) = Dialed.HALTED, _halt_of(refusal)
        batch.halt = (attempt.lead.campaign, Halt(reason), shown)
        _withdraw([attempt])
    record_again(attempt.lead, reason=reason, said=detail, now=batch.now)
    _withdraw(behind)
    batch.settle([attempt, *behind], result)


def _refuse(
    attempt: Attempt,
    reason: Lead.SkipReason,
    found: Mapping[str, Any],
    batch: _Batch,
) -> None:
    """Settle a claimed lead that is not called after all."""
    lead = attempt.lead
    decision(
        lead,
        answer=Decision.Answer.REFUSED,
        reason=reason,
        place=None,
        checks=[checked(reason, False, **found)],
        rules_version=attempt.decided.get("rules", ""),
        now=batch.now,
    ).save()
    Attempt.objects.filter(pk=attempt.pk).delete()
    lifecycle.move_lead(lead.pk, Lead.Status.SKIPPED, skip_reason=reason)
    batch.settle([attempt], Dialed.REFUSED)


def _halt_of(refusal: NotEnoughCredits | CallRefused) -> tuple[Halt, str]:
    if isinstance(refusal, CallRefused):
        return Halt.CALL_REFUSED, str(refusal)
    if refusal.owner == "agency":
        return Halt.AGENCY_CREDITS, ""
    return Halt.NOT_ENOUGH_CREDITS, ""


def withdraw_attempts(attempt_ids: Sequence[UUID]) -> None:
    """Give claimed leads back untouched, for want of a line."""
    if attempt_ids:
        with transaction.atomic():
            _withdraw(_locked(attempt_ids))


def _withdraw(attempts: Sequence[Attempt], *, due_at: datetime | None = None) -> None:
    """Undo claims: no call was made, so no attempt is counted. Holds the attempts."""
    if not attempts:
        return
    Attempt.objects.filter(pk__in=[attempt.pk for attempt in attempts]).delete()
    cancelled: list[UUID] = []
    waiting: list[UUID] = []
    for attempt in attempts:
        is_over = attempt.lead.campaign.status == Campaign.Status.CANCELLED
        (cancelled if is_over else waiting).append(attempt.lead_id)
    lifecycle.move_leads(
        cancelled, Lead.Status.SKIPPED, skip_reason=Lead.SkipReason.CANCELLED
    )
    news = {} if due_at is None else {"due_at": due_at}
    lifecycle.move_leads(
        waiting, Lead.Status.PENDING, only_from=Lead.Status.CALLING, **news
    )


def renew_claim(attempt: Attempt, *, now: datetime) -> bool:
    """Take over an attempt whose worker is late; return whether it is ours now."""
    return bool(
        Attempt.objects.filter(
            pk=attempt.pk,
            status=Attempt.Status.CLAIMED,
            lease_until=attempt.lease_until,
        ).update(lease_until=now + LEASE, worker_count=F("worker_count") + 1)
    )
