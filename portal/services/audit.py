"""The record of changes; append-only."""

from __future__ import annotations

from typing import Any

from portal.models import AuditRecord, Organization, User
from portal.trail import origin

_SECRET_WORDS = ("password", "secret", "token", "key")


def record(
    *,
    organization: Organization,
    actor: User | None,
    action: str,
    target: Any = None,
    changes: dict[str, Any] | None = None,
) -> None:
    """Write down one change in the transaction that makes it; secrets are masked."""
    here = origin()
    AuditRecord.objects.create(
        organization=organization,
        actor=actor,
        action=action,
        target=type(target).__name__ if target is not None else "",
        target_id=getattr(target, "pk", None),
        visit_id=here.visit_id,
        api_key=here.api_key,
        address=here.address,
        changes={name: _masked(name, value) for name, value in (changes or {}).items()},
    )


def _masked(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return "•••"
    return (
        value
        if isinstance(value, (str, int, bool, list, dict, type(None)))
        else str(value)
    )
