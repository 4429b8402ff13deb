"""Handing queued mails to a mail server, each at least once.

    queued ──claim──▶ sending ──accepted──▶ sent
      ▲                  │ ├──refused for good──▶ failed
      └──later───────────┘ └──eighth try failed──▶ failed

A claim is a lease: a worker that dies leaves a row that the next tick takes again. The
`Message-ID` is made from the row, so that a mail sent twice is shown once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.mail.transports import Envelope, Outcome, deliver
from portal.models import MailSender, OutgoingMail, Portal, User
from portal.scope import all_organizations
from portal.services import audit

logger = logging.getLogger(__name__)

BATCH_S: Final = 45.0
LEASE: Final = timedelta(minutes=3)
# Pauses before the second to the eighth try: about two days in all.
PAUSES_S: Final = (30, 120, 600, 3_600, 4 * 3_600, 12 * 3_600, 24 * 3_600)
KEPT: Final = timedelta(days=30)

Status = OutgoingMail.Status


def send_due_mails(deliver: Callable[[Envelope], Outcome] = deliver) -> int:
    """Send what is due, for at most `BATCH_S`; return how many were handed over.

    An agency whose server cannot be reached waits for the next tick, so that it holds
    up nobody else.
    """
    until = time.monotonic() + BATCH_S
    unreachable: set[UUID | None] = set()
    sent = 0
    with all_organizations("the worker sends every organization's mails"):
        while time.monotonic() < until:
            mail = _claim(unreachable)
            if mail is None:
                break
            outcome = deliver(_envelope(mail))
            _write_down(mail, outcome)
            sent += outcome.is_sent
            if outcome.is_server_down:
                unreachable.add(mail.agency_id)
    return sent


def _claim(unreachable: set[UUID | None]) -> OutgoingMail | None:
    now = timezone.now()
    due = Q(status=Status.QUEUED, due_at__lte=now)
    left = Q(status=Status.SENDING, lease_until__lt=now)
    with transaction.atomic():
        rows = OutgoingMail.objects.filter(due | left)
        for agency_id in unreachable:
            rows = rows.exclude(agency=agency_id)
        mail = (
            rows.select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at", "pk")
            .first()
        )
        if mail is None:
            return None
        mail.status = Status.SENDING
        mail.lease_until = now + LEASE
        mail.attempts += 1
        mail.save(update_fields=["status", "lease_until", "attempts"])
    return mail


def _envelope(mail: OutgoingMail) -> Envelope:
    sender = None
    portal = None
    if mail.agency_id is not None:
        sender = MailSender.objects.filter(organization=mail.agency_id).first()
        portal = (
            Portal.objects.only("name", "support_email")
            .filter(agency=mail.agency_id)
            .first()
        )
    return Envelope(mail, portal, sender)


@transaction.atomic
def _write_down(mail: OutgoingMail, outcome: Outcome) -> None:
    """Note what became of a try, unless another worker took the mail over meanwhile."""
    now = timezone.now()
    changes: dict[str, object] = {
        "lease_until": None,
        "last_error": outcome.error[:300],
    }
    if outcome.is_sent:
        changes |= {"status": Status.SENT, "sent_at": now}
        if mail.is_secret:
            changes |= {"text": "", "html": ""}
    elif outcome.is_final or mail.attempts > len(PAUSES_S):
        changes |= {"status": Status.FAILED}
        logger.warning("mail failed", extra={"mail_id": str(mail.pk)})
    else:
        pause = timedelta(seconds=PAUSES_S[mail.attempts - 1])
        changes |= {"status": Status.QUEUED, "due_at": now + pause}
    OutgoingMail.objects.filter(
        pk=mail.pk, status=Status.SENDING, attempts=mail.attempts
    ).update(**changes)
    if mail.agency_id is not None:
        _note_sender(mail.agency_id, outcome)


def _note_sender(agency_id: UUID, outcome: Outcome) -> None:
    """Keep beside the agency's own server whether it works."""
    rows = MailSender.objects.filter(organization=agency_id)
    now = timezone.now()
    if outcome.is_sent:
        rows.update(last_sent_at=now, last_error="", failing_since=None)
    elif outcome.is_server_down or outcome.is_sender_refused:
        rows.update(last_error=outcome.error[:300])
        rows.filter(failing_since__isnull=True).update(failing_since=now)


def empty_mails_of_call(call_id: UUID) -> None:
    """Empty what mails tell of a call in scope; one on its way is given up."""
    mails = OutgoingMail.objects.filter(call_id=call_id)
    mails.filter(status__in=[Status.QUEUED, Status.SENDING]).update(
        status=Status.FAILED,
        lease_until=None,
        last_error="What it told of the call was deleted before it left.",
    )
    mails.update(text="", html="")


def unname_mails_of_call(call_id: UUID) -> None:
    """Take whom a call was with, masked as it is, out of the subjects of its mails."""
    OutgoingMail.objects.filter(call_id=call_id).update(subject="—")


def calls_with_mail_waiting(call_ids: Collection[UUID]) -> set[UUID | None]:
    """Return of which of these calls a mail is still on its way."""
    waiting = OutgoingMail.objects.filter(
        call_id__in=call_ids, status__in=[Status.QUEUED, Status.SENDING]
    )
    return set(waiting.values_list("call_id", flat=True))


def failed_mails() -> QuerySet[OutgoingMail]:
    """Return the scope's mails that were given up."""
    return OutgoingMail.objects.filter(status=Status.FAILED)


@transaction.atomic
def send_again(*, mail: OutgoingMail, actor: User | None) -> bool:
    """Queue a failed mail once more; return False when there is nothing to send."""
    row = OutgoingMail.objects.select_for_update(of=("self",)).get(pk=mail.pk)
    if row.status != Status.FAILED or not row.html:
        return False
    row.status = Status.QUEUED
    row.attempts = 0
    row.due_at = timezone.now()
    row.save(update_fields=["status", "attempts", "due_at"])
    if row.organization is not None:
        audit.record(
            organization=row.organization,
            actor=actor,
            action="mail.sent_again",
            target=row,
        )
    return True


def forget_old_bodies() -> int:
    """Empty the bodies of mails that are done with; the record of the mail stays."""
    with all_organizations("old mails of every organization are emptied"):
        return (
            OutgoingMail.objects.filter(
                status__in=[Status.SENT, Status.FAILED],
                created_at__lt=timezone.now() - KEPT,
            )
            .exclude(html="")
            .update(text="", html="")
        )
