"""Taking a register of numbers not to be called from its file, of any size.

Batch by batch, each in a transaction of its own: what is in holds at once, and the same
file again adds what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import IO, Final

from django.utils.translation import gettext as _, ngettext

from campaigns.columns import NUMBER, Columns
from campaigns.models import SuppressionEntry
from campaigns.numbers import UnusableNumber, read_number
from campaigns.sheets import rows_of
from campaigns.suppressing import suppress_numbers
from portal.models import Organization, User

BATCH: Final = 5_000


@dataclass
class Taken:
    """What a register came to."""

    added: int = 0
    already: int = 0
    unusable: int = 0
    first_unusable: int = 0

    @property
    def added_text(self) -> str:
        if not self.added:
            return _("Nothing was added: these numbers are on the list already.")
        text = ngettext(
            "%(count)d number is not called any more.",
            "%(count)d numbers are not called any more.",
            self.added,
        )
        return text % {"count": self.added}

    @property
    def unusable_text(self) -> str:
        text = ngettext(
            "%(count)d row was no number: line %(line)d is the first.",
            "%(count)d rows were no numbers: line %(line)d is the first.",
            self.unusable,
        )
        return text % {"count": self.unusable, "line": self.first_unusable}

    def __iadd__(self, other: Taken) -> Taken:
        self.added += other.added
        self.already += other.already
        self.unusable += other.unusable
        self.first_unusable = self.first_unusable or other.first_unusable
        return self


def take_register(
    *,
    file: IO[bytes],
    region: str,
    reason: str,
    organization: Organization | None,
    actor: User | None,
) -> Taken:
    """Put every number of a CSV or XLSX file on a list; raises `BadSheet`.

    The column of numbers is found by its heading, else the first counts.
    """
    rows = rows_of(file)
    taken, columns = Taken(), Columns.of_list()
    first = next(rows, None)
    if first is None:
        return taken
    if (guessed := Columns.guess(first.cells)) is not None:
        columns, pending = guessed, []
    else:
        pending = [first]
    while batch := [*pending, *islice(rows, BATCH - len(pending))]:
        pending = []
        numbers = []
        for row in batch:
            try:
                numbers.append(
                    read_number(columns.cell(row.cells, NUMBER), region).e164
                )
            except UnusableNumber:
                taken.unusable += 1
                taken.first_unusable = taken.first_unusable or row.line
        added = suppress_numbers(
            organization=organization,
            numbers=numbers,
            source=SuppressionEntry.Source.REGISTRY,
            actor=actor,
            reason=reason,
        )
        taken.added += added
        taken.already += len(numbers) - added
    return taken
