"""The operator's own legal hours: set, taken back, and every version kept.

A decision record names the version of the rules it went by; here is what they said.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from campaigns.legal import LegalTable
from campaigns.models import LegalHours, LegalVersion
from campaigns.places import legal_table
from common.windows import Week
from portal.models import User

_remembered: set[str] = set()


@transaction.atomic
def save_legal_hours(
    *,
    country: str,
    state: str,
    week: Week,
    is_closed_on_holidays: bool,
    max_a_day: int | None,
    needs_consent: bool,
    source: str,
    actor: User | None,
) -> LegalHours:
    """Set the operator's rule for a country or state; it goes before the shipped one.

    Holds from the next claim on. A lock lets one writer at a time make a version.
    """
    _lock()
    remember_rules(legal_table())
    row, is_new = LegalHours.objects.update_or_create(
        country=country,
        state=state,
        defaults={
            "hours": week.as_json(),
            "is_closed_on_holidays": is_closed_on_holidays,
            "max_a_day": max_a_day,
            "needs_consent": needs_consent,
            "source": source,
        },
    )
    _keep(legal_table(), f"{'new' if is_new else 'changed'} {row}", actor)
    return row


@transaction.atomic
def drop_legal_hours(*, row: LegalHours, actor: User | None) -> None:
    """Take the operator's rule back; the shipped one for the place counts again."""
    _lock()
    remember_rules(legal_table())
    name = str(row)
    LegalHours.objects.filter(pk=row.pk).delete()
    _keep(legal_table(), f"dropped {name}", actor)


def remember_rules(table: LegalTable) -> None:
    """Keep what a version of the rules says, once; cheap to ask for at every claim."""
    if table.version in _remembered:
        return
    LegalVersion.objects.bulk_create([_row(table)], ignore_conflicts=True)
    transaction.on_commit(lambda: _remembered.add(table.version))


def _keep(table: LegalTable, changed: str, actor: User | None) -> None:
    """Keep a version with who made it; rules that come back have a version already."""
    found: dict[str, Any] = {
        "rules": table.as_json(),
        "changed": changed,
        "created_by": actor,
    }
    LegalVersion.objects.get_or_create(version=table.version, defaults=found)


def _row(table: LegalTable) -> LegalVersion:
    return LegalVersion(version=table.version, rules=table.as_json())


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('campaigns.legal'))")
