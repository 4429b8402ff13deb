"""Importing a list of any size: batch by batch, each all or nothing.

    keep_upload ──▶ uploaded
                       │ begin_import
                       ▼
                    waiting ──▶ running ──▶ finished
                       ▲          │ ╰─────▶ failed      the file cannot be read
                       │          ╰───────▶ cancelled   what is in stays in
                       ╰─────────────────────────╯ resume_import

What becomes of the people of a list nobody wanted is `campaigns.discarding`.

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
from campaigns.sheets import XLSX, BadSheet, SheetRow, rows_of, sheet_names
from campaigns.storing import store_leads
from common.ids import uuid7
from portal.models import User
from portal.services import audit

logger = logging.getLogger(__name__)

BATCH: Final = 5_000
LEASE: Final = timedelta(seconds=15)  # renewed by each batch
TURN_S: Final = 60.0  # a worker does other things in between
MANY_ROWS: Final = 10_000
MAX_FAULTS: Final = 10_000  # kept for the download; the rest is counted
MAX_FILE_BYTES: Final = 500_000_000
MAX_XLSX_BYTES: Final = 100_000_000
MOST_COLUMNS: Final = 300  # of a file; that many can be chosen from on one page
S = LeadImport.Status


@dataclass(frozen=True)
class Preview:
    """The first rows of a file and what its columns seem to be.

    `sheets` are those of a spreadsheet; the first is read.
    """

    headings: list[str]
    columns: Columns
    has_headings: bool
    rows: list[list[str]] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)


def preview_of(file: IO[bytes], *, rows: int = 5) -> Preview:
    """Return what a file begins with; raises `BadSheet` when it is no table."""
    first = [row.cells for row in islice(rows_of(file), rows + 1)]
    file.seek(0)
    sheets = sheet_names(file) if file.read(4) == XLSX else []
    file.seek(0)
    if not first and len(sheets) > 1:
        raise BadSheet(
            _("There is nothing on the first sheet, “%(name)s”.") % {"name": sheets[0]}
        )
    if not first:
        raise BadSheet(_("There is nothing in this file."))
    width = max(map(len, first))
    if width > MOST_COLUMNS:
        raise BadSheet(
            _("The file has more than %(max)d columns. Take out those nobody needs.")
            % {"max": MOST_COLUMNS}
        )
    columns, has_headings = Columns.guess_by_rows(first)
    if not has_headings:
        headings = [_("Column %(n)d") % {"n": n + 1} for n in range(width)]
        return Preview(headings, columns, False, first, sheets)
    headings = first[0] + [""] * (width - len(first[0]))
    return Preview(headings, columns, True, first[1:], sheets)


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
    _need_numbers(columns or preview_of(file).columns)
    row = keep_upload(
        campaign=campaign,
        file=file,
        size=size,
        file_name=file_name,
        region=region,
        actor=actor,
    )
    begin_import(
        row=row, columns=columns or Columns.from_json(row.columns), actor=actor
    )
    row.refresh_from_db()
    return row


def keep_upload(
    *,
    campaign: Campaign,
    file: IO[bytes],
    size: int,
    file_name: str,
    region: str,
    actor: User | None,
) -> LeadImport:
    """Keep a file whose columns are to be said; raises `BadSheet` or `CampaignIsFinal`.

    The row is there before the file, so that no file is left that no row names.
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
    row_id = uuid7()
    row = LeadImport.objects.create(
        pk=row_id,
        organization=campaign.organization,
        campaign=campaign,
        file=f"imports/{row_id}",
        file_name=file_name[:200],
        status=S.UPLOADED,
        columns=preview.columns.as_json() | {"headings": preview.has_headings},
        language=get_language() or "en",
        region=region,
        total_bytes=size,
        created_by=actor,
    )
    stored = default_storage.save(row.file, file)
    assert stored == row.file  # its name is nobody else's
    return row


def begin_import(*, row: LeadImport, columns: Columns, actor: User | None) -> bool:
    """Have an uploaded file imported; return whether we began it.

    Raises `BadSheet` without a column of numbers, and `CampaignIsFinal`.
    """
    _need_numbers(columns)
    chosen = columns.as_json() | {"headings": row.columns["headings"]}
    return _send_off(row, S.UPLOADED, actor, "campaign.import_started", columns=chosen)


def resume_import(*, row: LeadImport, actor: User | None) -> bool:
    """Go on with an import that was stopped, behind its last row; return whether we did.

    Raises `CampaignIsFinal`.
    """
    return row.can_go_on and _send_off(
        row, S.CANCELLED, actor, "campaign.import_resumed", finished_at=None
    )


@transaction.atomic
def _send_off(
    row: LeadImport, only_from: S, actor: User | None, action: str, **fields: Any
) -> bool:
    if row.campaign.is_final:
        raise CampaignIsFinal(_("This campaign has ended. Make a new one instead."))
    began = LeadImport.objects.filter(pk=row.pk, status=only_from).update(
        status=S.WAITING, lease_until=None, **fields
    )
    if began:
        audit.record(
            organization=row.organization,
            actor=actor,
            action=action,
            target=row.campaign,
            changes={"file": row.file_name},
        )
        transaction.on_commit(lambda: _enqueue(row), robust=True)
    return bool(began)


def _need_numbers(columns: Columns) -> None:
    if NUMBER not in columns.roles:
        raise BadSheet(_("Say which column holds the telephone numbers."))


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
            done = row.rows_done
            for batch in _batches(row, file):
                if not _store(row, columns, batch, done):
                    return False
                done += len(batch)
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


def _store(row: LeadImport, columns: Columns, batch: list[SheetRow], done: int) -> bool:
    """Settle the batch behind `done` rows; return whether the import goes on.

    It does not when it was stopped, or when another worker has settled rows meanwhile:
    an import that was stopped and sent off again may have two.
    """
    people: list[LeadRow] = []
    faults: list[tuple[SheetRow, str]] = []
    for one in batch:
        try:
            people.append(columns.row_of(one.cells, row.region))
        except UnusableNumber as error:
            faults.append((one, str(error)))
    now = timezone.now()
    with transaction.atomic():
        locked = LeadImport.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if locked.status != S.RUNNING or locked.rows_done != done:
            return False
        campaign = Campaign.objects.select_for_update(no_key=True).get(
            pk=locked.campaign_id
        )
        if campaign.is_final:
            raise CampaignIsFinal(_("The campaign has ended meanwhile."))
        added = store_leads(campaign, people, now=now, import_id=row.pk)
        room = max(0, MAX_FAULTS - locked.error_count)
        ImportFault.objects.bulk_create(
            ImportFault(
                organization_id=locked.organization_id,
                agency_id=locked.agency_id,
                lead_import=locked,
                line=one.line,
                value=columns.cell(one.cells, NUMBER)[:60],
                message=message[:200],
            )
            for one, message in faults[:room]
        )
        LeadImport.objects.filter(pk=row.pk).update(
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
        LeadImport.objects.filter(status__in=LeadImport.BUSY)
        .filter(Q(lease_until__lt=now) | Q(lease_until__isnull=True))
        .filter(created_at__lt=now - timedelta(seconds=5))[:50]
    )
