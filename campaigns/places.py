"""Places and legal hours as the database keeps them; both belong to no organization."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber

from campaigns.legal import LegalRule, LegalTable, shipped_rules
from campaigns.locality import Locality, locality_of
from campaigns.models import LegalHours, LocalityRow


def legal_table() -> LegalTable:
    """Return the rules in force: the shipped ones, and the operator's before them."""
    return _table_of(tuple(row.rule for row in LegalHours.objects.all()))


@lru_cache(maxsize=8)
def _table_of(own: tuple[LegalRule, ...]) -> LegalTable:
    return LegalTable.of(shipped_rules(), own)


def locality_ids(places: Iterable[Locality]) -> dict[Locality, int]:
    """Return the row of each place, made where there is none; safe to run at once."""
    wanted = set(places)
    rows = {row.value: int(row.pk) for row in _rows_of(wanted)}
    for place in wanted - set(rows):
        row, _made = LocalityRow.objects.get_or_create(
            country=place.country,
            state=place.state,
            zones=",".join(place.zones),
            source=place.source,
        )
        rows[place] = int(row.pk)
    return {place: rows[place] for place in wanted}


def _rows_of(places: set[Locality]) -> Iterable[LocalityRow]:
    if not places:
        return ()
    zones = {",".join(place.zones) for place in places}
    return LocalityRow.objects.filter(zones__in=zones)


def places_by_id(ids: Iterable[int]) -> dict[int, Locality]:
    """Return the places of these rows."""
    return {row.pk: row.value for row in LocalityRow.objects.filter(pk__in=set(ids))}


def place_of(phone_number: str, *, zone: str = "", state: str = "") -> Locality:
    """Return where the owner of an E.164 number is, as far as it is known."""
    try:
        number: PhoneNumber = phonenumbers.parse(phone_number)
    except phonenumbers.NumberParseException:
        return Locality()
    return locality_of(
        number,
        country=phonenumbers.region_code_for_number(number) or "",
        kind=phonenumbers.number_type(number),
        zone=zone,
        state=state,
    )
