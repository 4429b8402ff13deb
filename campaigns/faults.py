"""The rows of an import that could not be used, as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from django.http import StreamingHttpResponse

from campaigns.models import ImportFault, LeadImport
from common.cells import safe_cell


def faults_file(row: LeadImport) -> StreamingHttpResponse:
    """Answer with line, value and problem of each as CSV, read within the scope."""
    faults = list(
        ImportFault.objects.filter(lead_import=row).values_list(
            "line", "value", "message"
        )
    )
    answer = StreamingHttpResponse(
        _lines(faults), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = 'attachment; filename="rows-not-imported.csv"'
    return answer


def _lines(faults: list[tuple[int, str, str]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(["line", "value", "problem"])
    for line, value, message in faults:
        yield writer.writerow([line, safe_cell(value), message])


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text
