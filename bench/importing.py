"""Importing a million people, beside PostgreSQL's own COPY of the same rows.

The COPY goes into a table with the same columns, indexes and foreign keys. A file of
that many people is made while it is read, so that memory is the import's alone.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import psycopg
import xlsxwriter

_COPY_TABLE: Final = """
create table bench_lead (like campaigns_lead including all);
alter table bench_lead
  add foreign key (campaign_id) references campaigns_campaign,
  add foreign key (organization_id) references portal_organization,
  add foreign key (agency_id) references portal_organization;
"""
_SETTLED: Final = 2  # batches after which what a process keeps is there


def _people(count: int) -> Iterator[str]:
    yield "phone,name,city,visits\n"
    for n in range(count):
        yield f"+316{10_000_000 + n},Person {n},Delft,{n % 7}\n"


class Lines(io.RawIOBase):
    """A file of that many people which is made while it is read."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._start()

    def _start(self) -> None:
        self._lines, self._left = _people(self._count), b""

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._start()
        return 0

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size:
            block = "".join(next(self._lines, "") for _ in range(2_000)).encode()
            if not block:
                break
            self._left += block
        found, self._left = self._left[:size], self._left[size:]
        return found


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def measure_import(campaign: Any, file: IO[bytes]) -> tuple[float, float]:
    """Import a file; return the seconds, and how many MB memory grew by meanwhile.

    Grown since the second batch: what a process loads once is there by then.
    """
    from campaigns import streaming
    from campaigns.columns import Columns
    from campaigns.models import LeadImport

    columns = streaming.preview_of(file).columns.as_json() | {"headings": True}
    row = LeadImport.objects.create(
        organization=campaign.organization,
        campaign=campaign,
        columns=columns,
        region="NL",
        status=LeadImport.Status.RUNNING,
    )
    roles = Columns.from_json(row.columns)
    before_mb = most_mb = 0.0
    done = 0
    begin = time.perf_counter()
    for number, batch in enumerate(streaming._batches(row, file), start=1):
        assert streaming._store(row, roles, batch, done)
        done += len(batch)
        if number >= _SETTLED:
            before_mb = before_mb or _rss_mb()
            most_mb = max(most_mb, _rss_mb())
    return time.perf_counter() - begin, round(most_mb - before_mb, 1)


def measure_copy() -> float:
    """Copy the rows that were imported, as they are, into a table just like theirs."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as link:
        link.execute("set app.agency = '*'; set app.organization = '*'")
        link.execute("drop table if exists bench_lead")
        link.execute(_COPY_TABLE)
        data: list[bytes] = []
        query = "copy (select * from campaigns_lead) to stdout"
        with link.cursor().copy(query) as copy:
            data.extend(bytes(block) for block in copy)
        begin = time.perf_counter()
        with link.cursor().copy("copy bench_lead from stdin") as copy:
            for block in data:
                copy.write(block)
        took = time.perf_counter() - begin
        link.execute("drop table bench_lead")
        link.execute("vacuum analyze campaigns_lead")
    return took


def spreadsheet(count: int) -> IO[bytes]:
    """Return an XLSX file of that many people."""
    file = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the caller's
    book = xlsxwriter.Workbook(file.name, {"constant_memory": True})
    sheet = book.add_worksheet()
    for index, line in enumerate(_people(count)):
        sheet.write_row(index, 0, line.strip().split(","))
    book.close()
    return file
