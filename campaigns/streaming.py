"""Importing a list of any size: batch by batch, each all or nothing.

    start_import ──▶ waiting ──▶ running ──▶ finished
                                   │ ╰─────▶ failed      the file cannot be read
                                   ╰───────▶ cancelled   what is in stays in

A batch stores its leads, its faults and how far the file is read in one transaction. A
worker that dies loses its batch and nothing else: the next one begins behind the last
row that was settled. Memory holds one batch, whatever the size of the list.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import IO, Any, Final
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language, gettext as _, override

from campaigns.columns import NUMBER, Columns, LeadRow
from campaigns.errors import CampaignIsFinal
from campaigns.models import Campaign, ImportFault, LeadImport
from campaigns.numbers import UnusableNumber
from campaigns.sheets import XLSX, BadSheet, SheetRow, rows_of
from campaigns.storing import store_leads
from common.ids import uuid7
from portal.models import User
from portal.services import audit

logger = logging.getLogger(__name__)

BATCH: Final = 5_000
LEASE: Final = timedelta(seconds=60)
TURN_S: Final = 60.0  # a worker does other things in between
MANY_ROWS: Final = 10_000
MAX_FAULTS: Final = 10_000  # kept for the download; the rest is counted
MAX_FILE_BYTES: Final = 500_000_000
MAX_XLSX_BYTES: Final = 100_000_000
S = LeadImport.Status


@dataclass(frozen=True)
class Preview:
    """The first rows of a file and what its columns seem to be."""

    headings: list[str]
    columns: Columns
    has_headings: bool
    rows: list[list[str]] = field(default_factory=list)


def preview_of(file: IO[bytes], *, rows: int = 5) -> Preview:
    """Return what a file begins with; raises `BadSheet` when it is no table."""
    first = list(islice(rows_of(file), rows + 1))
    file.seek(0)
    if not first:
        raise BadSheet(_("There is nothing in this file."))
    guessed = Columns.guess(first[0].cells)
    if guessed is None:
        width = max(len(row.cells) for row in first)
        headings = [_("Column %(n)d") % {"n": n + 1} for n in range(width)]
        return Preview(headings, Columns.of_list(), False, [r.cells for r in first])
    return Preview(first[0].cells, guessed, True, [row.cells for row in first[1:]])


def start_import(
    *,
    campaign: Campaign,
    file: IO[bytes],
    size: int,
    file_name: str,
    columns: Columns | None,
    region: str,
    actor: User | None,
) -> LeadImport:
    """Keep a file and have it imported; raises `BadSheet` or `CampaignIsFinal`.

    Without `columns` the headings are guessed.
    """
    if campaign.is_final:
        raise CampaignIsFinal(_("This campaign has ended. Make a new one instead."))
    limit = MAX_XLSX_BYTES if file.read(4) == XLSX else MAX_FILE_BYTES
    file.seek(0)
    if size > limit:
        raise BadSheet(
            _("The file is larger than %(mb)d MB. Save it as CSV, or split it.")
            % {"mb": limit // 1_000_000}
        )
    preview = preview_of(file)
    chosen = columns or preview.columns
    if NUMBER not in chosen.roles:
        raise BadSheet(_("Say which column holds the telephone numbers."))
    row_id = uuid7()
    path = default_storage.save(f"imports/{row_id}", file)
    with transaction.atomic():
        row = LeadImport.objects.create(
            pk=row_id,
            organization=campaign.organization,
            campaign=campaign,
            file=path,
            file_name=file_name[:200],
            columns=chosen.as_json() | {"headings": preview.has_headings},
            language=get_language() or "en",
            region=region,
            total_bytes=size,
            created_by=actor,
        )
        audit.record(
            organization=campaign.organization,
            actor=actor,
            action="campaign.import_started",
            target=campaign,
            changes={"file": file_name[:200]},
        )
        transaction.on_commit(lambda: _enqueue(row), robust=True)
    return row


def _enqueue(row: LeadImport) -> None:
    from campaigns.tasks import run_import

    run_import.delay(import_id=str(row.pk), organization_id=str(row.organization_id))


@transaction.atomic
def cancel_import(*, row: LeadImport, actor: User | None) -> bool:
    """Stop an import after the batch it is at; return whether we did."""
    cancelled = LeadImport.objects.filter(pk=row.pk, status__in=LeadImport.OPEN).update(
        status=S.CANCELLED, finished_at=timezone.now(), lease_until=None
    )
    if cancelled:
        audit.record(
            organization=row.organization,
            actor=actor,
            action="campaign.import_cancelled",
            target=row.campaign,
        )
    return bool(cancelled)


def run_import(*, import_id: UUID, turn_s: float = TURN_S) -> bool:
    """Import until the turn is over; return whether there is more to do.

    Only one worker does at a time; another one's message finds the lease and leaves.
    """
    now = timezone.now()
    taken = (
        LeadImport.objects.filter(pk=import_id, status__in=LeadImport.OPEN)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .update(status=S.RUNNING, lease_until=now + LEASE)
    )
    if not taken:
        return False
    row = LeadImport.objects.get(pk=import_id)
    with override(row.language):
        return _import(row, until_s=time.monotonic() + turn_s)


def _import(row: LeadImport, *, until_s: float) -> bool:
    try:
        with default_storage.open(row.file) as file:
            columns = Columns.from_json(row.columns)
            for batch in _batches(row, file):
                if not _store(row.pk, columns, row.region, batch):
                    return False
                if time.monotonic() > until_s:
                    LeadImport.objects.filter(pk=row.pk).update(lease_until=None)
                    _tell_the_planner(row)
                    return True
    except (BadSheet, CampaignIsFinal, FileNotFoundError) as error:
        is_gone = isinstance(error, FileNotFoundError)
        message = _("The file is gone.") if is_gone else str(error)
        _end(row, S.FAILED, message)
        return False
    _end(row, S.FINISHED, "")
    _tell_the_planner(row)
    return False


def _tell_the_planner(row: LeadImport) -> None:
    """Have PostgreSQL look at what was added, as autovacuum would within minutes.

    Until then the dialer's tick reads the whole table to find out who has work: with a
    million new leads most of a second, every two seconds.
    """
    row.refresh_from_db(fields=["rows_done"])
    if row.rows_done >= MANY_ROWS:
        with connection.cursor() as cursor:
            cursor.execute("analyze (skip_locked) campaigns_lead")


def _batches(row: LeadImport, file: Any) -> Iterator[list[SheetRow]]:
    rows = rows_of(file)
    skipped = row.rows_done + bool(row.columns.get("headings"))
    next(islice(rows, skipped, skipped), None)
    while batch := list(islice(rows, BATCH)):
        yield batch


def _store(
    import_id: UUID, columns: Columns, region: str, batch: list[SheetRow]
) -> bool:
    """Settle one batch; return whether the import goes on."""
    people: list[LeadRow] = []
    faults: list[tuple[SheetRow, str]] = []
    for row in batch:
        try:
            people.append(columns.row_of(row.cells, region))
        except UnusableNumber as error:
            faults.append((row, str(error)))
    now = timezone.now()
    with transaction.atomic():
        locked = LeadImport.objects.select_for_update(of=("self",)).get(pk=import_id)
        if locked.status != S.RUNNING:
            return False
        campaign = Campaign.objects.select_for_update(no_key=True).get(
            pk=locked.campaign_id
        )
        if campaign.is_final:
            raise CampaignIsFinal(_("The campaign has ended meanwhile."))
        added = store_leads(campaign, people, now=now)
        room = max(0, MAX_FAULTS - locked.error_count)
        ImportFault.objects.bulk_create(
            ImportFault(
                organization_id=locked.organization_id,
                agency_id=locked.agency_id,
                lead_import=locked,
                line=row.line,
                value=columns.cell(row.cells, NUMBER)[:60],
                message=message[:200],
            )
            for row, message in faults[:room]
        )
        LeadImport.objects.filter(pk=import_id).update(
            rows_done=F("rows_done") + len(batch),
            added=F("added") + added,
            duplicates=F("duplicates") + len(people) - added,
            error_count=F("error_count") + len(faults),
            done_bytes=batch[-1].done_bytes,
            lease_until=now + LEASE,
        )
    return True


def _end(row: LeadImport, status: LeadImport.Status, message: str) -> None:
    LeadImport.objects.filter(pk=row.pk, status=S.RUNNING).update(
        status=status,
        message=message[:300],
        finished_at=timezone.now(),
        lease_until=None,
    )
    default_storage.delete(row.file)
    logger.info("import ended", extra={"import_id": str(row.pk), "status": str(status)})


def late_imports() -> list[LeadImport]:
    """Return imports that nobody works at, in every organization's scope."""
    now = timezone.now()
    return list(
        LeadImport.objects.filter(status__in=LeadImport.OPEN)
        .filter(Q(lease_until__lt=now) | Q(lease_until__isnull=True))
        .filter(created_at__lt=now - timedelta(seconds=5))[:50]
    )
