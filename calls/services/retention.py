"""Deleting what calls leave behind when its time is over, and proving it.

    content     turns, tool calls, findings, recording, briefings of
                transfers, bodies of webhooks and mails              first
    metadata    numbers, variables, events, and what an app above
                keeps of them                                        later, or with it

What stays is what the books need: who, when, how long, how much. A deletion may be
killed anywhere: files go before the rows that name them, and a call counts as purged
only when everything of it is gone. A legal hold stops it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.core.files.storage import storages
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from calls.models import (
    Call,
    CallAlert,
    CallAnalysis,
    CallEvent,
    RetentionRun,
    Transfer,
    Turn,
)
from portal.mail.delivery import (
    calls_with_mail_waiting,
    empty_mails_of_call,
    unname_mails_of_call,
)
from portal.models import Organization, OutgoingMail, WebhookDelivery, WebhookEvent
from portal.policy import CONTENT_DAYS, METADATA_DAYS, Policy
from portal.scope import Scope, all_organizations, scoped
from portal.services.privacy import policy_for

logger = logging.getLogger(__name__)

BATCH: Final = 200
CHECKED: Final = 20
# A call that keeps nothing waits for its report; a receiver that is away, no longer.
REPORT_GRACE: Final = timedelta(minutes=10)
REPORT_PATIENCE: Final = timedelta(days=3)

# Every column of a call that may hold words or numbers of people is in one of the two;
# a test fails for a new one that is in neither and not known to be harmless.
CONTENT: Final[dict[str, Any]] = {
    "summary": "",
    "recording": "",
    "waveform": {},
}
FINDINGS: Final[dict[str, Any]] = {
    "summary": "",
    "data_json": "",
    "success_reason": "",
    "note": "",
    "transcript_note": "",
}
METADATA: Final[dict[str, Any]] = {
    "caller_number": "",
    "callee_number": "",
    "variables": {},
    "overrides": {},
    "metadata": {},
    "error": "",
}

_ALSO: list[Callable[[Call], None]] = []


def also_forget(forget: Callable[[Call], None]) -> None:
    """Note what an app above deletes of a call whose metadata goes.

    It runs in the call's scope and in the transaction that empties the row.
    """
    if forget not in _ALSO:
        _ALSO.append(forget)


def purge_content(call: Call) -> int:
    """Delete what was said and recorded in a call that is over; return how many turns.

    A second time changes nothing. The caller is in the scope of the call.
    """
    if call.recording:
        storages["recordings"].delete(call.recording)
    with transaction.atomic():
        turn_count, _ = Turn.objects.filter(call=call).delete()
        CallEvent.objects.filter(call=call).exclude(kind="ended").update(
            data={}, content_json=""
        )
        CallAnalysis.objects.filter(call=call).update(**FINDINGS)
        Transfer.objects.filter(call=call).update(brief="")
        WebhookEvent.objects.filter(call_id=call.pk).delete()
        empty_mails_of_call(call.pk)
        Call.objects.filter(pk=call.pk).update(
            **CONTENT, content_purged_at=timezone.now()
        )
    return turn_count


def purge_metadata(call: Call, *, keep: dict[str, str] | None = None) -> None:
    """Delete who took part in a call and what was known of them; content goes too.

    `keep` names what stands in a column instead of nothing, such as a hashed number.
    """
    if call.content_purged_at is None:
        purge_content(call)
    with transaction.atomic():
        CallEvent.objects.filter(call=call).exclude(kind="ended").delete()
        Transfer.objects.filter(call=call).update(destination="", detail="")
        unname_mails_of_call(call.pk)
        for name, hidden in (keep or {}).items():
            hide_in_alerts(getattr(call, name), hidden)
        for forget in _ALSO:
            forget(call)
        Call.objects.filter(pk=call.pk).update(
            **METADATA | (keep or {}), metadata_purged_at=timezone.now()
        )


def hide_in_alerts(number: str, hidden: str) -> None:
    """Put a hashed number in the place of a number in the scope's alerts."""
    if number in ("", hidden):
        return
    for alert in CallAlert.objects.filter(subject=number):
        standing = CallAlert.objects.filter(
            organization=alert.organization_id,
            kind=alert.kind,
            subject=hidden,
            dismissed_at__isnull=True,
        )
        if alert.dismissed_at is None and standing.exists():
            CallAlert.objects.filter(pk=alert.pk).delete()
        else:
            CallAlert.objects.filter(pk=alert.pk).update(subject=hidden)


def hashed_number(number: str, organization_id: UUID) -> str:
    """Return a number as nobody can read it, the same for each call of an organization.

    A keyed hash: without the installation's key, trying every number does not find it.
    """
    if not number or number.startswith("#"):
        return number
    digest = salted_hmac(f"calls.number:{organization_id}", number, algorithm="sha256")
    return f"#{digest.hexdigest()[:15]}"


def apply_retention(now: datetime) -> list[RetentionRun]:
    """Delete what is over its time, organization by organization; return the proofs.

    An organization with nothing to delete, or on a legal hold, has no proof. Any number
    may run at once: two that meet delete the same things.
    """
    earliest = now - timedelta(days=min(*CONTENT_DAYS, *METADATA_DAYS))
    with all_organizations("each organization's calls have their own time"):
        due = list(
            Call.objects.filter(ended_at__lt=earliest, metadata_purged_at__isnull=True)
            .order_by()
            .values_list("agency_id", "organization_id")
            .distinct()
        )
    runs = []
    for agency_id, organization_id in due:
        policy = policy_for(agency_id, organization_id)
        if policy.is_on_hold:
            continue
        with scoped(Scope(agency_id, organization_id)):
            run = _run(organization_id, policy, now)
        if run is not None:
            runs.append(run)
    return runs


def _run(organization_id: UUID, policy: Policy, now: datetime) -> RetentionRun | None:
    content = Call.objects.filter(
        ended_at__lt=now - timedelta(days=policy.content_days),
        content_purged_at__isnull=True,
    )
    metadata = Call.objects.filter(
        ended_at__lt=now - timedelta(days=policy.metadata_days),
        metadata_purged_at__isnull=True,
    )
    if not (content.exists() or metadata.exists()):
        return None
    run = RetentionRun.objects.create(
        organization=Organization.objects.get(pk=organization_id),
        content_days=policy.content_days,
        metadata_days=policy.metadata_days,
    )
    names: dict[UUID, str] = {}
    for call in _batches(content):
        run.turn_count += purge_content(call)
        run.content_count += 1
        run.recording_count += bool(call.recording)
        names[call.pk] = call.recording
    CallAlert.objects.filter(
        last_seen_at__lt=now - timedelta(days=policy.metadata_days)
    ).delete()
    for call in _batches(metadata):
        purge_metadata(call)
        run.metadata_count += 1
        names.setdefault(call.pk, call.recording)
    run.checked_count = min(CHECKED, len(names))
    run.left_count = left_over(dict(list(names.items())[:CHECKED]))
    run.finished_at = timezone.now()
    run.save()
    if run.left_count:
        logger.error("retention left something", extra={"run": str(run.pk)})
    return run


def _batches(calls: QuerySet[Call]) -> Iterable[Call]:
    """Give each call once, a batch at a time, so that nothing grows with their number."""
    last: UUID | None = None
    while True:
        rows = calls.order_by("pk")
        batch = list((rows.filter(pk__gt=last) if last else rows)[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        last = batch[-1].pk


def left_over(recordings: dict[UUID, str]) -> int:
    """Return how many of these purged calls still have something, by looking again."""
    ids = list(recordings)
    left: set[UUID | None] = set(
        Turn.objects.filter(call__in=ids).values_list("call_id", flat=True)
    )
    left |= set(
        Call.objects.filter(pk__in=ids)
        .exclude(content_purged_at__isnull=False, summary="", recording="")
        .values_list("pk", flat=True)
    )
    for model, empty in ((CallAnalysis, FINDINGS), (Transfer, {"brief": ""})):
        rows = model._default_manager.filter(call__in=ids).exclude(**empty)
        left |= set(rows.values_list("call_id", flat=True))
    told = WebhookEvent.objects.filter(call_id__in=ids)
    left |= set(told.values_list("call_id", flat=True))
    mailed = OutgoingMail.objects.filter(call_id__in=ids).exclude(html="")
    left |= set(mailed.values_list("call_id", flat=True))
    left |= {
        call_id
        for call_id, name in recordings.items()
        if name and storages["recordings"].exists(name)
    }
    return len(left)


def forget_private_calls(now: datetime) -> int:
    """Purge calls that keep no content, once their report was delivered; return how many.

    Their numbers stay as keyed hashes, so that two calls of one person can be told.
    """
    with all_organizations("calls that keep nothing are of any organization"):
        due = list(
            Call.objects.filter(
                keeps_content=False,
                metadata_purged_at__isnull=True,
                ended_at__lt=now - REPORT_GRACE,
            ).order_by("ended_at")[:BATCH]
        )
        ids = [call.pk for call in due]
        waiting = set(
            WebhookDelivery.objects.filter(
                call_id__in=ids, status=WebhookDelivery.Status.PENDING
            ).values_list("call_id", flat=True)
        ) | calls_with_mail_waiting(ids)
    count = 0
    for call in due:
        assert call.ended_at is not None
        if call.pk in waiting and now - call.ended_at < REPORT_PATIENCE:
            continue
        if policy_for(call.agency_id, call.organization_id).is_on_hold:
            continue
        with scoped(Scope(call.agency_id, call.organization_id)):
            purge_metadata(
                call,
                keep={
                    name: hashed_number(getattr(call, name), call.organization_id)
                    for name in ("caller_number", "callee_number")
                },
            )
        count += 1
    return count
