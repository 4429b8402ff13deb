"""Limits over all campaigns of an organization, and its weight among others."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from campaigns.models import CallingLimits
from portal.models import Organization, User
from portal.services import audit

# What an organization may set for itself; the rest is its agency's or the operator's.
OWN: Final = frozenset({"person_max_a_day", "person_gap_s", "reserved_percent"})
OF_AGENCY: Final = OWN | {"max_calls_of_clients"}


@transaction.atomic
def save_limits(
    *, organization: Organization, changes: dict[str, Any], actor: User | None
) -> CallingLimits:
    """Set limits of an organization in scope; they hold from the next claim on.

    The same values make no record.
    """
    row, _made = CallingLimits.objects.select_for_update(of=("self",)).get_or_create(
        organization=organization
    )
    changed = {k: v for k, v in changes.items() if getattr(row, k) != v}
    if not changed:
        return row
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=list(changed))
    audit.record(
        organization=organization,
        actor=actor,
        action="calling_limits.changed",
        target=row,
        changes=changed,
    )
    return row
