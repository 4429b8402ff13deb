"""The writers of telephone numbers: registering, changing and removing them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from assistants.models import Assistant
from calls.errors import CallError
from calls.models import PhoneNumber, Trunk
from calls.services.trunk_news import announce_trunks
from calls.ways import require_trunks
from portal.limits import check_numbers
from portal.models import Organization, User
from portal.services import audit


class NumberTaken(CallError):
    """Somebody registered this number; it is not told who."""


class NumberInUse(CallError):
    """A campaign calls from this number."""


@dataclass(frozen=True)
class NewNumber:
    """A number in E.164, what answers it, and the trunks it comes in and goes out by."""

    number: str
    name: str = ""
    assistant: Assistant | None = None
    is_active: bool = True
    trunk: Trunk | None = None
    transfer_trunk: Trunk | None = None
    busy_message: str = ""
    closed_message: str = ""
    suspended_message: str = ""


@transaction.atomic
def add_number(
    *, organization: Organization, new: NewNumber, actor: User | None
) -> PhoneNumber:
    """Register a number, or raise `NumberTaken`.

    The assistant and the trunks come from the same scope. The number's carrier is its
    trunk's. Raises `PlanLimit` when the organization has as many as it may, and
    `OutsideRegion` for a trunk that its policy lets no call take.
    """
    check_numbers(organization, PhoneNumber.objects.all())
    require_trunks(
        organization, trunk_id=new.trunk, transfer_trunk_id=new.transfer_trunk
    )
    try:
        with transaction.atomic():
            row = PhoneNumber.objects.create(
                organization=organization,
                carrier=carrier_of(new.trunk),
                **{field.name: getattr(new, field.name) for field in fields(new)},
            )
    except IntegrityError as error:
        raise NumberTaken from error
    announce_trunks()
    audit.record(
        organization=organization,
        actor=actor,
        action="number.added",
        target=row,
        changes={"number": new.number},
    )
    return row


@transaction.atomic
def change_number(
    *, number: PhoneNumber, changes: dict[str, Any], actor: User | None
) -> None:
    """Set fields of a `NewNumber`, the number itself apart.

    What stays as it is makes no record. A number's carrier follows its trunk. Raises
    `OutsideRegion` for another trunk that its policy lets no call take.
    """
    if "trunk" in changes:
        changes = changes | {"carrier": carrier_of(changes["trunk"])}
    changed = {
        field: value
        for field, value in changes.items()
        if getattr(number, field) != value
    }
    if not changed:
        return
    require_trunks(
        number.organization,
        trunk_id=changed.get("trunk"),
        transfer_trunk_id=changed.get("transfer_trunk"),
    )
    PhoneNumber.objects.filter(pk=number.pk).update(
        **changed, updated_at=timezone.now()
    )
    announce_trunks()
    audit.record(
        organization=number.organization,
        actor=actor,
        action="number.changed",
        target=number,
        changes=changed,
    )


def carrier_of(trunk: Trunk | None) -> str:
    """Return the carrier of a number on this trunk; without one nobody real is called."""
    return trunk.carrier if trunk else "simulator"


@transaction.atomic
def remove_number(*, number: PhoneNumber, actor: User | None) -> None:
    """Forget a number; its calls stay. Raises `NumberInUse` while a campaign has it."""
    number_id, text = number.pk, number.number
    try:
        with transaction.atomic():
            number.delete()
    except ProtectedError as error:
        raise NumberInUse from error
    number.pk = number_id
    announce_trunks()
    audit.record(
        organization=number.organization,
        actor=actor,
        action="number.removed",
        target=number,
        changes={"number": text},
    )
