"""Taking a list back: its people leave the campaign again, those whom nobody called.

    uploaded ──▶ gone at once, with its file
    finished, cancelled, failed ──▶ discarding ──▶ discarded

Who was called, or is being called, stays with what came of it. A batch takes out its
people and counts them in one transaction, so that a worker may die between any two.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.errors import CampaignIsFinal
from campaigns.models import Lead, LeadImport
from campaigns.streaming import LEASE, TURN_S
from portal.models import User
from portal.services import audit

BATCH: Final = 2_000
# A file whose columns nobody told, and one whose import was stopped.
UPLOADED_FOR: Final = timedelta(days=1)
STOPPED_FOR: Final = timedelta(days=7)
S = LeadImport.Status


@transaction.atomic
def discard_import(*, row: LeadImport, actor: User | None) -> bool:
    """Have the people of an import taken out again; return whether we began it.

    Raises `CampaignIsFinal`.
    """
    if row.campaign.is_final:
        raise CampaignIsFinal(_("This campaign has ended and stays as it is."))
    uploaded = LeadImport.objects.filter(pk=row.pk, status=S.UPLOADED)
    if uploaded.delete()[0]:
        _drop_file(row.file)
        return True
    began = LeadImport.objects.filter(pk=row.pk, status__in=LeadImport.OVER).update(
        status=S.DISCARDING, file="", lease_until=None, finished_at=None
    )
    if began:
        _drop_file(row.file)
        audit.record(
            organization=row.organization,
            actor=actor,
            action="campaign.import_discarded",
            target=row.campaign,
            changes={"file": row.file_name},
        )
        transaction.on_commit(lambda: _enqueue(row), robust=True)
    return bool(began)


def _drop_file(name: str) -> None:
    if name:
        transaction.on_commit(lambda: default_storage.delete(name), robust=True)


def _enqueue(row: LeadImport) -> None:
    from campaigns.tasks import run_discard

    run_discard.delay(import_id=str(row.pk), organization_id=str(row.organization_id))


def run_discard(*, import_id: UUID, turn_s: float = TURN_S) -> bool:
    """Take people out until the turn is over; return whether there is more to do."""
    now = timezone.now()
    taken = (
        LeadImport.objects.filter(pk=import_id, status=S.DISCARDING)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .update(lease_until=now + LEASE)
    )
    if not taken:
        return False
    until_s = time.monotonic() + turn_s
    while _take_out(import_id):
        if time.monotonic() > until_s:
            LeadImport.objects.filter(pk=import_id).update(lease_until=None)
            return True
    LeadImport.objects.filter(pk=import_id, status=S.DISCARDING).update(
        status=S.DISCARDED, finished_at=timezone.now(), lease_until=None
    )
    return False


@transaction.atomic
def _take_out(import_id: UUID) -> int:
    """Take out one batch; return how many they were. Somebody being claimed stays."""
    row = LeadImport.objects.get(pk=import_id)
    uncalled = Lead.objects.filter(
        campaign=row.campaign_id,
        import_id=import_id,
        status__in=(Lead.Status.PENDING, Lead.Status.SKIPPED),
        attempt_count=0,
    )
    locked = uncalled.select_for_update(of=("self",), skip_locked=True)
    ids = list(locked.order_by().values_list("pk", flat=True)[:BATCH])
    Lead.objects.filter(pk__in=ids).delete()
    LeadImport.objects.filter(pk=import_id).update(
        removed=F("removed") + len(ids), lease_until=timezone.now() + LEASE
    )
    return len(ids)


def forget_uploads(now: datetime) -> None:
    """Delete the files that nobody went on with, in every organization's scope."""
    unused = LeadImport.objects.filter(
        status=S.UPLOADED, created_at__lt=now - UPLOADED_FOR
    )
    for row in unused:
        default_storage.delete(row.file)
        row.delete()
    stopped = LeadImport.objects.filter(
        status=S.CANCELLED, finished_at__lt=now - STOPPED_FOR
    ).exclude(file="")
    for row in stopped:
        default_storage.delete(row.file)
        LeadImport.objects.filter(pk=row.pk, status=S.CANCELLED).update(file="")
