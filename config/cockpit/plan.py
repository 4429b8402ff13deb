"""What an organization's plan has room for, and how much of it is in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.utils.translation import gettext as _

from assistants.models import Assistant
from calls.models import Call, PhoneNumber
from calls.queries import seconds_this_month
from portal.models import Membership, Organization

ALMOST: Final = 0.8


def plan_of(organization: Organization) -> list[dict[str, Any]]:
    """Return each limit with what is used of it; in the organization's scope.

    What is without limit is left out, and not counted.
    """
    assistants = Assistant.objects.filter(deleted_at__isnull=True)
    people = Membership.objects.filter(organization=organization)
    rows: tuple[tuple[str, int | None, Callable[[], int]], ...] = (
        (
            _("Minutes this month"),
            organization.max_minutes_per_month,
            lambda: -(-seconds_this_month(organization) // 60),
        ),
        (
            _("Calls at once"),
            organization.max_concurrent_calls,
            Call.objects.live().count,
        ),
        (_("Assistants"), organization.max_assistants, assistants.count),
        (_("Numbers"), organization.max_numbers, PhoneNumber.objects.count),
        (_("People"), organization.max_members, people.count),
    )
    return [
        _row(label, count(), limit) for label, limit, count in rows if limit is not None
    ]


def almost_full(organization: Organization) -> str:
    """Return what there is little or no room left for, in words; empty for nothing.

    Calls at once are left out: they come and go.
    """
    return ", ".join(
        f"{row['label']}: {row['text']}"
        for row in plan_of(organization)
        if row["tone"] and row["label"] != _("Calls at once")
    )


def _row(label: str, used: int, limit: int) -> dict[str, Any]:
    is_full = used >= limit
    tone = "danger" if is_full else "warning" if used >= limit * ALMOST else ""
    return {
        "label": label,
        "used": used,
        "limit": limit,
        "tone": tone,
        "text": _("%(used)s of %(limit)s") % {"used": used, "limit": limit},
    }
