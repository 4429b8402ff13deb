"""Which column of a table is what: guessed from its heading, or as a person says. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from campaigns.locality import Locality, known_zones, locality_of
from campaigns.numbers import UnusableNumber, read_number

MAX_COLUMNS: Final = 100
MAX_VALUE_LENGTH: Final = 500
MAX_NAME_LENGTH: Final = 120
MAX_PROOF_LENGTH: Final = 300

NUMBER, NAME, ZONE, STATE = "phone_number", "name", "time_zone", "state"
BASIS, PROOF = "consent_basis", "consent_proof"
ROLES: Final = (NUMBER, NAME, ZONE, STATE, BASIS, PROOF)
BASES: Final = frozenset({"written", "express", "customer", "legal"})

_NUMBER: Final = re.compile(r"[+(\d][\d\s().\-/\xa0]{5,24}")
_DATE: Final = re.compile(r"\d{4}([-/.])\d\d?\1\d\d?.*|\d\d?([-/.])\d\d?\2\d{2,4}.*")
_HEADINGS: Final[dict[str, str]] = {
    heading: role
    for role, headings in {
        NUMBER: "phone phone_number phonenumber number telephone telephone_number tel "
        "mobile mobile_number mobile_phone cell cell_phone msisdn e164 telefoon "
        "telefoonnummer nummer mobiel telefon telefonnummer rufnummer handy "
        "handynummer telephone_mobile portable telefono",
        NAME: "name full_name fullname naam contact contact_name klant nom nombre",
        ZONE: "time_zone timezone tz tijdzone zeitzone",
        STATE: "state province us_state region_code",
        BASIS: "consent consent_basis toestemming einwilligung",
        PROOF: "consent_proof proof consent_url consent_reference",
    }.items()
    for heading in headings.split()
}


@dataclass(frozen=True)
class LeadRow:
    """Somebody to call: an E.164 number, and what is known of them.

    `place` is where they are; without one the number says it.
    """

    phone_number: str
    name: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    place: Locality | None = field(default=None, compare=False)
    consent_basis: str = ""
    consent_proof: str = ""
    is_priority: bool = False


@dataclass(frozen=True)
class Columns:
    """Where each thing stands in a row, by index."""

    roles: Mapping[str, int]
    variables: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_list(cls) -> Columns:
        """Return the columns of a plain list: a number, and perhaps a name."""
        return cls({NUMBER: 0, NAME: 1})

    @classmethod
    def guess(cls, headings: Sequence[str]) -> Columns | None:
        """Return what a row of headings says, or `None` when it names no number."""
        found = cls._of_headings(headings)
        return found if NUMBER in found.roles else None

    @classmethod
    def guess_by_rows(cls, rows: Sequence[Sequence[str]]) -> tuple[Columns, bool]:
        """Return what the columns seem to be, and whether the first row is headings.

        By names where they say it, else by which column looks like numbers.
        """
        if (named := cls.guess(rows[0])) is not None:
            return named, True
        at = _column_of_numbers(rows[1:])
        if at is not None and not _looks_like_number(_cell(rows[0], at)):
            found = cls._of_headings(rows[0])
            others = {key: i for key, i in found.variables.items() if i != at}
            return cls({**found.roles, NUMBER: at}, others), True
        at = _column_of_numbers(rows)
        if at in (None, 0):
            return cls.of_list(), False
        return cls({NUMBER: at, NAME: 0}), False

    @classmethod
    def _of_headings(cls, headings: Sequence[str]) -> Columns:
        roles: dict[str, int] = {}
        variables: dict[str, int] = {}
        for index, cell in enumerate(headings[:MAX_COLUMNS]):
            name = identifier(cell)
            role = _HEADINGS.get(name)
            if role is not None and role not in roles:
                roles[role] = index
            elif name:
                variables[_free(name, variables)] = index
        return cls(roles, variables)

    @classmethod
    def chosen(cls, headings: Sequence[str], choices: Sequence[str]) -> Columns:
        """Return the columns as a person maps them, heading by heading.

        A choice is a role, `variable` (named as its heading, the second of a name with
        a 2 behind it) or "" to leave it out.
        """
        roles: dict[str, int] = {}
        variables: dict[str, int] = {}
        for index, (heading, choice) in enumerate(zip(headings, choices, strict=False)):
            if choice in ROLES:
                roles.setdefault(choice, index)
            elif choice == "variable":
                name = identifier(heading) or f"column_{index + 1}"
                variables[_free(name, variables)] = index
        return cls(roles, variables)

    def as_json(self) -> dict[str, dict[str, int]]:
        return {"roles": dict(self.roles), "variables": dict(self.variables)}

    @classmethod
    def from_json(cls, value: Mapping[str, Mapping[str, int]]) -> Columns:
        return cls(dict(value["roles"]), dict(value["variables"]))

    def cell(self, cells: Sequence[str], role: str) -> str:
        """Return what a row says for a role; "" when it has no such column."""
        index = self.roles.get(role)
        return _cell(cells, index) if index is not None else ""

    def row_of(self, cells: Sequence[str], region: str) -> LeadRow:
        """Return the person of a row, or raise `UnusableNumber` saying why not."""
        text = self.cell(cells, NUMBER)
        if not text:
            raise UnusableNumber(_("The number is missing."))
        number = read_number(text, region)
        zone = self.cell(cells, ZONE)
        if zone and zone not in known_zones():
            raise UnusableNumber(
                _("%(zone)s is no time zone. Write Europe/Amsterdam.")
                % {"zone": zone[:40]}
            )
        basis = self.cell(cells, BASIS).lower()
        if basis and basis not in BASES:
            raise UnusableNumber(
                _("Consent is written, express, customer or legal, not %(basis)s.")
                % {"basis": basis[:40]}
            )
        values = {key: _cell(cells, at) for key, at in self.variables.items()}
        if any(len(value) > MAX_VALUE_LENGTH for value in values.values()):
            raise UnusableNumber(
                _("A value is longer than %(max)d characters.")
                % {"max": MAX_VALUE_LENGTH}
            )
        place = locality_of(
            number.parsed,
            country=number.region,
            kind=number.kind,
            zone=zone,
            state=self.cell(cells, STATE)[:8],
        )
        return LeadRow(
            number.e164,
            self.cell(cells, NAME)[:MAX_NAME_LENGTH],
            values,
            place,
            basis,
            self.cell(cells, PROOF)[:MAX_PROOF_LENGTH],
        )


def identifier(heading: str) -> str:
    """Return a heading as a variable's name: "First name" is `first_name`."""
    words = re.sub(r"[^a-z0-9]+", "_", heading.strip().lower()).strip("_")
    if words[:1].isdigit():
        words = f"_{words}"
    return words[:64]


def _free(name: str, taken: Mapping[str, int]) -> str:
    """Return the name, or with the first number that makes it another one."""
    found, n = name, 1
    while found in taken:
        n += 1
        found = f"{name[:60]}_{n}"
    return found


def _looks_like_number(text: str) -> bool:
    plain = text.strip().strip("'’")
    if _DATE.fullmatch(plain) or not _NUMBER.fullmatch(plain):
        return False
    return 7 <= sum(letter.isdigit() for letter in plain) <= 15


def _column_of_numbers(rows: Sequence[Sequence[str]]) -> int | None:
    """Return which column holds telephone numbers in at least half of the rows.

    Of several the one that writes them as only telephone numbers are: `+31 …`, `06-…`.
    """
    scores: dict[int, int] = {}
    counts: dict[int, int] = {}
    for row in rows:
        for index, text in enumerate(row):
            if _looks_like_number(text):
                counts[index] = counts.get(index, 0) + 1
                sure = text.strip().strip("'’")[:1] in "+0("
                scores[index] = scores.get(index, 0) + (3 if sure else 1)
    likely = [index for index, n in counts.items() if n * 2 >= len(rows)]
    return max(likely, key=lambda index: (scores[index], -index), default=None)


def _cell(cells: Sequence[str], index: int) -> str:
    return cells[index].strip() if index < len(cells) else ""
