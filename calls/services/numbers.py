"""The writers of telephone numbers: registering, changing and removing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from assistants.models import Assistant
from calls.errors import CallError
from calls.models import PhoneNumber
from portal.models import Organization, User
from portal.services import audit


class NumberTaken(CallError):
    """Somebody registered this number; it is not told who."""


class NumberInUse(CallError):
    """A campaign calls from this number."""


@dataclass(frozen=True)
class NewNumber:
    """A number in E.164 and what answers it."""

    number: str
    name: str = ""
    assistant: Assistant | None = None
    is_active: bool = True


@transaction.atomic
def add_number(
    *, organization: Organization, new: NewNumber, actor: User | None
) -> PhoneNumber:
    """Register a number, or raise `NumberTaken`; the assistant comes from the same scope."""
    try:
        with transaction.atomic():
            row = PhoneNumber.objects.create(
                organization=organization,
                number=new.number,
                name=new.name,
                assistant=new.assistant,
                is_active=new.is_active,
            )
    except IntegrityError as error:
        raise NumberTaken from error
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
    """Set `name`, `assistant` or `is_active`; what stays as it is makes no record."""
    changed = {
        field: value
        for field, value in changes.items()
        if getattr(number, field) != value
    }
    if not changed:
        return
    PhoneNumber.objects.filter(pk=number.pk).update(
        **changed, updated_at=timezone.now()
    )
    audit.record(
        organization=number.organization,
        actor=actor,
        action="number.changed",
        target=number,
        changes=changed,
    )


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
    audit.record(
        organization=number.organization,
        actor=actor,
        action="number.removed",
        target=number,
        changes={"number": text},
    )
