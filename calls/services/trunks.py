"""The writers of trunks: adding, changing, removing; and whether a channel is free.

When a call may start on one is `calls.services.pace`.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils.translation import gettext_noop

from calls.errors import CallError, CallRefused
from calls.models import Call, PhoneNumber, Transfer, Trunk
from calls.models.trunk import tested_values
from calls.services.trunk_news import announce_trunks
from calls.ways import require_trunk
from portal.models import Organization, User
from portal.services import audit

_PLACED: Final = frozenset({"carrier", "host", "outbound_host", "data_region"})


class TrunkInUse(CallError):
    """Numbers use this trunk; `numbers` are they."""

    def __init__(self, numbers: list[str]) -> None:
        super().__init__(", ".join(numbers))
        self.numbers = numbers


class TrunkFull(CallRefused):
    code = "too_many_calls"
    message = gettext_noop(
        "All channels of the trunk are in use. Wait for a call to end."
    )


@transaction.atomic
def add_trunk(
    *, organization: Organization, values: dict[str, Any], actor: User | None
) -> Trunk:
    """Store a trunk; `values` are its fields, checked by a form or the API.

    Raises `OutsideRegion` for one the organization's policy lets no call take.
    """
    trunk = Trunk(organization=organization, **values)
    trunk.password_hint = hint_of(trunk.auth_password)
    require_trunk(organization, trunk)
    trunk.save()
    announce_trunks()
    audit.record(
        organization=organization,
        actor=actor,
        action="trunk.added",
        target=trunk,
        changes={"name": trunk.name, "host": trunk.host},
    )
    return trunk


@transaction.atomic
def change_trunk(*, trunk: Trunk, changes: dict[str, Any], actor: User | None) -> Trunk:
    """Set fields of a trunk; a change of where it is or who we are undoes its test.

    Raises `OutsideRegion` for a place that the organization's policy lets no call take.
    """
    before = tested_values(trunk)
    changed = {
        name: value for name, value in changes.items() if getattr(trunk, name) != value
    }
    if not changed:
        return trunk
    for name, value in changed.items():
        setattr(trunk, name, value)
    if changed.keys() & _PLACED:
        require_trunk(trunk.organization, trunk)
    fields = [*changed, "updated_at"]
    if "auth_password" in changed:
        trunk.password_hint = hint_of(trunk.auth_password)
        fields.append("password_hint")
    if tested_values(trunk) != before:
        trunk.check_result, trunk.checked_at = {}, None
        fields += ["check_result", "checked_at"]
    trunk.save(update_fields=fields)
    announce_trunks()
    audit.record(
        organization=trunk.organization,
        actor=actor,
        action="trunk.changed",
        target=trunk,
        changes=changed,
    )
    return trunk


@transaction.atomic
def remove_trunk(*, trunk: Trunk, actor: User | None) -> None:
    """Forget a trunk; its calls stay. Raises `TrunkInUse` while numbers have it."""
    trunk_id, name = trunk.pk, trunk.name
    numbers = PhoneNumber.objects.filter(Q(trunk=trunk) | Q(transfer_trunk=trunk))
    if used := list(numbers.values_list("number", flat=True)):
        raise TrunkInUse(used)
    try:
        with transaction.atomic():
            trunk.delete()
    except ProtectedError as error:  # a number that took it at this very moment
        raise TrunkInUse([]) from error
    trunk.pk = trunk_id
    announce_trunks()
    audit.record(
        organization=trunk.organization,
        actor=actor,
        action="trunk.removed",
        target=trunk,
        changes={"name": name},
    )


def free_channels(trunk: Trunk) -> int:
    """Return how many more calls a trunk carries now; people dialled for callers count.

    The caller holds the organization's lock, so that two calls of one trunk cannot take
    the same last channel.
    """
    live = Call.objects.filter(trunk=trunk, status__in=Call.LIVE).count()
    handed_on = Transfer.objects.filter(
        trunk=trunk, status__in=Transfer.ON_A_LINE, call__status__in=Call.LIVE
    ).count()
    return trunk.max_channels - live - handed_on


def require_channel(free: int) -> None:
    """Raise `TrunkFull` when no channel is free."""
    if free <= 0:
        raise TrunkFull


def hint_of(password: str) -> str:
    """Return what people may see of a password: its last two characters."""
    return f"…{password[-2:]}" if len(password) >= 8 else "…" if password else ""
