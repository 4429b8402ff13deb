"""Credits given, moved or corrected by hand, and the second person a large sum needs.

Whatever is at most the limit happens at once. Above it the wish is kept, and another
person's approval makes the entry: an owner of the agency, or one of the operator's
staff, as whoever asked was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.correcting import Correction, correct_entry
from billing.errors import IdempotencyConflict, NotYours
from billing.grants import grant_credits, transfer_credits
from billing.models import GrantRequest, GrantRule, LedgerEntry
from billing.payments.effects import page_address
from common.lazy_text import lazy_sentence
from common.local_numbers import lazy_credits
from common.money import MICROCREDITS_PER_CREDIT
from portal.mail import send_mail
from portal.models import Membership, Organization, Role, User
from portal.scope import agency_scope
from portal.services import audit
from portal.trail import origin

Way = GrantRequest.Way
State = GrantRequest.State


@dataclass(frozen=True)
class ByHand:
    """What somebody wants to do to an organization's credits, and why."""

    receiver: Organization
    microcredits: int
    memo: str
    key: str
    way: GrantRequest.Way = Way.GIVE
    expires_at: datetime | None = None
    corrects: LedgerEntry | None = None


@dataclass(frozen=True)
class Outcome:
    """The entry, or the request that waits for a second person."""

    entry: LedgerEntry | None = None
    request: GrantRequest | None = None


def approval_limit(agency: Organization, *, is_operators: bool) -> int | None:
    """Return above how many microcredits two must agree; none: one person is enough."""
    if is_operators:
        credits: int = settings.OPERATOR_APPROVAL_CREDITS
        return credits * MICROCREDITS_PER_CREDIT or None
    with agency_scope(agency.pk):
        rule = GrantRule.objects.filter(organization=agency).first()
    return rule.approval_above_microcredits if rule else None


def set_approval_limit(
    *, agency: Organization, microcredits: int | None, actor: User | None
) -> None:
    """Say above how many credits an agency's grants need a second owner."""
    with agency_scope(agency.pk), transaction.atomic():
        GrantRule.objects.update_or_create(
            organization=agency,
            defaults={"approval_above_microcredits": microcredits},
            create_defaults={
                "agency_id": agency.pk,
                "approval_above_microcredits": microcredits,
            },
        )
        audit.record(
            organization=agency,
            actor=actor,
            action="grant_rule.set",
            changes={"approval_above_microcredits": microcredits},
        )


@transaction.atomic
def do_by_hand(
    wanted: ByHand, *, actor: User | None, is_operators: bool = False
) -> Outcome:
    """Do it at once, or keep it for a second person; once for the key either way.

    Raises what the ledger raises: `NotEnoughCredits`, `IdempotencyConflict`.
    """
    agency = wanted.receiver.parent or wanted.receiver
    with agency_scope(agency.pk):
        kept = GrantRequest.objects.filter(
            receiver=wanted.receiver, key=wanted.key
        ).first()
        if kept is None:
            limit = approval_limit(agency, is_operators=is_operators)
            if limit is None or abs(wanted.microcredits) <= limit:
                return Outcome(entry=_carry_out(wanted, actor=actor, approver=""))
            kept = _keep(wanted, agency, actor, is_operators=is_operators)
        if kept.amount_microcredits != wanted.microcredits:
            raise IdempotencyConflict(f"The key {wanted.key!r} asked for another sum.")
        return Outcome(entry=kept.entry, request=None if kept.entry else kept)


def waiting_requests(
    agency: Organization | None, *, is_operators: bool
) -> list[GrantRequest]:
    """Return what waits for a second person, oldest first; of every agency for staff."""
    rows = GrantRequest.objects.filter(state=State.WAITING, is_operators=is_operators)
    if agency is not None:
        rows = rows.filter(organization=agency)
    shown = rows.select_related("receiver", "asked_by", "corrects")
    return list(shown.order_by("asked_at", "pk"))


@transaction.atomic
def approve_request(
    *, request_id: UUID, actor: User, is_operators: bool = False
) -> LedgerEntry | None:
    """Make the entry that was asked for; none when the request is not waiting any more.

    Raises `NotYours` for whoever asked, and then nothing changed.
    """
    row = _locked(request_id, is_operators=is_operators)
    if row is None:
        return None
    if row.asked_by_id == actor.pk:
        raise NotYours("Another person approves what you asked for.")
    wanted = ByHand(
        receiver=row.receiver,
        microcredits=row.amount_microcredits,
        memo=row.memo,
        key=row.key,
        way=Way(row.way),
        expires_at=row.expires_at,
        corrects=row.corrects,
    )
    row.entry = _carry_out(wanted, actor=row.asked_by, approver=actor.email)
    _decide(row, State.APPROVED, actor)
    return row.entry


@transaction.atomic
def refuse_request(
    *, request_id: UUID, actor: User | None, is_operators: bool = False
) -> bool:
    """Let a request come to nothing; whoever asked may take it back so, a key as well."""
    row = _locked(request_id, is_operators=is_operators)
    if row is None:
        return False
    _decide(row, State.REFUSED, actor)
    return True


def _locked(request_id: UUID, *, is_operators: bool) -> GrantRequest | None:
    """Return a waiting request of the active scope, for us alone to decide."""
    return (
        GrantRequest.objects.select_for_update(of=("self",), no_key=True)
        .select_related(
            "receiver__parent", "asked_by", "corrects__organization__parent"
        )
        .filter(pk=request_id, state=State.WAITING, is_operators=is_operators)
        .first()
    )


def _decide(row: GrantRequest, state: GrantRequest.State, actor: User | None) -> None:
    row.state = state
    row.decided_by = actor
    row.decided_at = timezone.now()
    row.save()
    audit.record(
        organization=row.organization,
        actor=actor,
        action=f"grant_request.{state}",
        target=row,
        changes={
            "receiver": str(row.receiver_id),
            "microcredits": row.amount_microcredits,
            "asked_by": row.asked_by.email if row.asked_by else row.asked_with,
        },
    )


def _carry_out(wanted: ByHand, *, actor: User | None, approver: str) -> LedgerEntry:
    if wanted.way == Way.CORRECT:
        if wanted.corrects is None:
            raise ValueError("A correction names the entry it corrects.")
        return correct_entry(
            Correction(
                entry=wanted.corrects,
                organization=wanted.receiver,
                microcredits=wanted.microcredits,
                reason=wanted.memo,
                key=wanted.key,
            ),
            actor=actor,
            approver=approver,
        )
    if wanted.way == Way.MOVE:
        return transfer_credits(
            client=wanted.receiver,
            amount_microcredits=wanted.microcredits,
            idempotency_key=wanted.key,
            memo=wanted.memo,
            actor=actor,
            approver=approver,
        )
    return grant_credits(
        organization=wanted.receiver,
        amount_microcredits=wanted.microcredits,
        idempotency_key=wanted.key,
        memo=wanted.memo,
        actor=actor,
        approver=approver,
        expires_at=wanted.expires_at,
    )


def _keep(
    wanted: ByHand, agency: Organization, actor: User | None, *, is_operators: bool
) -> GrantRequest:
    row = GrantRequest.objects.create(
        organization=agency,
        receiver=wanted.receiver,
        way=wanted.way,
        amount_microcredits=wanted.microcredits,
        memo=wanted.memo,
        expires_at=wanted.expires_at,
        corrects=wanted.corrects,
        key=wanted.key,
        is_operators=is_operators,
        asked_by=actor,
        asked_with=origin().api_key,
    )
    audit.record(
        organization=agency,
        actor=actor,
        action="grant_request.waiting",
        target=row,
        changes={
            "receiver": str(wanted.receiver.pk),
            "microcredits": wanted.microcredits,
            "reason": wanted.memo,
        },
    )
    _tell_the_others(row)
    return row


def _tell_the_others(row: GrantRequest) -> None:
    """Mail everybody who may approve it but did not ask for it."""
    if row.is_operators:
        people = User.objects.filter(is_staff=True, is_active=True)
    else:
        people = User.objects.filter(
            pk__in=Membership.objects.filter(
                organization=row.organization, role=Role.OWNER
            ).values("user_id")
        )
    said = lazy_sentence(
        _("%(credits)s credits for %(name)s wait until a second person approves them."),
        {
            "credits": lazy_credits(row.amount_microcredits),
            "name": row.receiver.name,
        },
    )
    if row.asked_by_id is not None:
        people = people.exclude(pk=row.asked_by_id)
    for user in people:
        send_mail(
            organization=None if row.is_operators else row.organization,
            template="notice",
            to=user.email,
            context={
                "subject": _("Credits wait for your approval"),
                "message": said,
                "url": ""
                if row.is_operators
                else page_address(row.organization, "selling_grants"),
            },
            idempotency_key=f"grant_request:{row.pk}:{user.pk}",
        )
