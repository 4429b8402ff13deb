"""Reading leads from pasted text or a CSV file. Pure: text in, rows and errors out.

Accepted: a table with a heading row (comma, semicolon, tab or bar between), or a plain
list with one number a line, optionally followed by a name. Every number comes out in
E.164. A row that cannot be used is reported with its line and left out; the others
count. Nothing here raises, whatever the text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import phonenumbers
from django.utils.translation import gettext as _
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

MAX_LEADS: Final = 10_000
MAX_COLUMNS: Final = 30
MAX_VALUE_LENGTH: Final = 500
MAX_NAME_LENGTH: Final = 120
MAX_ERRORS: Final = 200  # kept; the rest is counted

_NUMBER_HEADINGS: Final = frozenset(
    (
        "phone",
        "phone_number",
        "phonenumber",
        "number",
        "telephone",
        "telephone_number",
        "tel",
        "mobile",
        "mobile_number",
        "cell",
        "msisdn",
        "telefoon",
        "telefoonnummer",
        "nummer",
        "mobiel",
        "telefon",
    )
)
_NAME_HEADINGS: Final = frozenset(("name", "full_name", "fullname", "naam", "contact"))
_DELIMITERS: Final = ",;\t|"
_REFUSED_TYPES: Final = frozenset(
    {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}
)
_SCIENTIFIC: Final = re.compile(r"^\+?\d+[.,]\d+E\+?\d+$", re.IGNORECASE)


@dataclass(frozen=True)
class LeadRow:
    """Somebody to call: an E.164 number, and what the assistant may know of them."""

    phone_number: str
    name: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RowError:
    """Why a line was left out; `line` counts from 1 as an editor does."""

    line: int
    value: str
    message: str


@dataclass(frozen=True)
class Import:
    """What a text came to. `columns` are the names of variables it brings."""

    rows: tuple[LeadRow, ...] = ()
    errors: tuple[RowError, ...] = ()
    error_count: int = 0
    duplicate_count: int = 0
    columns: tuple[str, ...] = ()


class UnusableNumber(ValueError):
    """The text is no number that may be called; `str()` says why."""


def decode(data: bytes) -> str:
    """Return the text of a file: UTF-8 or UTF-16 by its mark, else Windows-1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def to_e164(text: str, region: str) -> str:
    """Return a number in E.164; `region` is assumed where no country code is given."""
    cleaned = text.strip().strip("'’").strip()
    if _SCIENTIFIC.match(cleaned):
        raise UnusableNumber(
            _("The spreadsheet has cut this number short. Format the column as text.")
        )
    if cleaned.startswith("00"):
        cleaned = f"+{cleaned[2:]}"
    try:
        number = phonenumbers.parse(cleaned, region or None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise UnusableNumber(
                _("Write the number with its country code, such as +31 20 123 4567.")
            ) from error
        raise UnusableNumber(_("This is not a telephone number.")) from error
    if number.extension:
        raise UnusableNumber(_("A number with an extension cannot be called."))
    if not phonenumbers.is_valid_number(number):
        raise UnusableNumber(_("No such number exists. Check the digits."))
    if phonenumbers.number_type(number) in _REFUSED_TYPES:
        raise UnusableNumber(_("Premium-rate numbers are not called."))
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def region_of(number: str) -> str:
    """Return the region of an E.164 number, or "" when it has none."""
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(parsed) or ""


def read_leads(text: str, *, region: str) -> Import:
    """Read leads from a table or a list; later copies of a number are left out."""
    lines = list(_records(text))
    if not lines:
        return Import()
    heading = _heading(lines[0][1])
    columns = heading or _Columns(number=0, name=1, variables={})
    body = lines[1:] if heading else lines
    rows: dict[str, LeadRow] = {}
    errors: list[RowError] = []
    error_count = duplicates = 0
    for line, cells in body:
        try:
            row = columns.row_of(cells, region)
            if len(rows) >= MAX_LEADS and row.phone_number not in rows:
                raise UnusableNumber(
                    _("Only the first %(max)d leads of an import are taken.")
                    % {"max": MAX_LEADS}
                )
        except UnusableNumber as error:
            error_count += 1
            if len(errors) < MAX_ERRORS:
                errors.append(RowError(line, columns.number_in(cells), str(error)))
            continue
        if row.phone_number in rows:
            duplicates += 1
        else:
            rows[row.phone_number] = row
    return Import(
        rows=tuple(rows.values()),
        errors=tuple(errors),
        error_count=error_count,
        duplicate_count=duplicates,
        columns=tuple(columns.variables),
    )


@dataclass(frozen=True)
class _Columns:
    """Where the number, the name and each variable stand in a row."""

    number: int
    name: int | None
    variables: dict[str, int]

    def number_in(self, cells: Sequence[str]) -> str:
        return _cell(cells, self.number)[:60]

    def row_of(self, cells: Sequence[str], region: str) -> LeadRow:
        text = _cell(cells, self.number)
        if not text:
            raise UnusableNumber(_("The number is missing."))
        phone_number = to_e164(text, region)
        name = _cell(cells, self.name) if self.name is not None else ""
        values = {key: _cell(cells, at) for key, at in self.variables.items()}
        if any(len(value) > MAX_VALUE_LENGTH for value in values.values()):
            raise UnusableNumber(
                _("A value is longer than %(max)d characters.")
                % {"max": MAX_VALUE_LENGTH}
            )
        return LeadRow(phone_number, name[:MAX_NAME_LENGTH], values)


def _cell(cells: Sequence[str], index: int) -> str:
    return cells[index].strip() if index < len(cells) else ""


def _heading(cells: Sequence[str]) -> _Columns | None:
    """Return the columns when this row is a heading: one names the number."""
    names = [_identifier(cell) for cell in cells[:MAX_COLUMNS]]
    number = next((i for i, n in enumerate(names) if n in _NUMBER_HEADINGS), None)
    if number is None:
        return None
    name = next((i for i, n in enumerate(names) if n in _NAME_HEADINGS), None)
    variables: dict[str, int] = {}
    for index, key in enumerate(names):
        if key and index not in {number, name}:
            variables.setdefault(key, index)
    return _Columns(number, name, variables)


def _identifier(heading: str) -> str:
    """Return a heading as a variable's name: "First name" is `first_name`."""
    words = re.sub(r"[^a-z0-9]+", "_", heading.strip().lower()).strip("_")
    if words[:1].isdigit():
        words = f"_{words}"
    return words[:64]


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every row that is not empty."""
    clean = text.lstrip("\ufeff").replace("\0", "")
    clean = "\n".join(clean.splitlines())  # also \r, and what editors call a line
    first = next((line for line in clean.split("\n") if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(clean.split("\n"), delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # a cell beyond the csv module's limit
            yield line, []
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells
