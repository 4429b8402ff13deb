"""External registers: entering one, changing it, taking it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.errors import RegisterNameTaken, TooManyRegisters
from campaigns.models import Register, RegisterAnswer
from portal.models import Organization, User
from portal.services import audit

MAX_REGISTERS: Final = 10  # each is asked about everybody
# With these it is another register, so that what was said before holds no longer.
_ANEW: Final = frozenset({"url", "countries"})


@dataclass(frozen=True)
class NewRegister:
    """What a register is made of; `countries` empty is every country."""

    name: str
    url: str
    secret: str = ""
    countries: list[str] = field(default_factory=list)
    fresh_for_h: int = 24


@transaction.atomic
def add_register(
    *, organization: Organization | None, new: NewRegister, actor: User | None
) -> Register:
    """Enter a register for an organization and those below it, or for all (`None`).

    Holds from the next claim on. Raises `RegisterNameTaken` or `TooManyRegisters`.
    """
    if Register.objects.filter(organization=organization).count() >= MAX_REGISTERS:
        raise TooManyRegisters(
            _("At most %(max)d registers are asked. Remove one first.")
            % {"max": MAX_REGISTERS}
        )
    register = Register(
        organization=organization,
        agency_id=organization.agency_id if organization else None,
        name=new.name,
        url=new.url,
        secret=new.secret,
        countries=sorted(set(new.countries)),
        fresh_for_h=new.fresh_for_h,
    )
    _save(register)
    _record(register, actor, "register.added", {"name": new.name, "url": new.url})
    return register


@transaction.atomic
def change_register(
    *, register: Register, changes: dict[str, Any], actor: User | None
) -> Register:
    """Change a register in scope; the same values make no record.

    At another address, or for other countries, everybody is asked about again.
    """
    changed = {k: v for k, v in changes.items() if getattr(register, k) != v}
    if not changed:
        return register
    for name, value in changed.items():
        setattr(register, name, value)
    if changed.keys() & (_ANEW | {"secret"}):
        register.fault, register.failures, register.retry_at = "", 0, None
    _save(register)
    if changed.keys() & _ANEW:
        RegisterAnswer.objects.filter(register=register).delete()
    _record(register, actor, "register.changed", changed)
    return register


@transaction.atomic
def remove_register(*, register: Register, actor: User | None) -> None:
    """Ask a register no more; what it answered is forgotten."""
    _record(register, actor, "register.removed", {"name": register.name})
    Register.objects.filter(pk=register.pk).delete()


def _save(register: Register) -> None:
    try:
        with transaction.atomic():
            register.save()
    except IntegrityError as error:
        raise RegisterNameTaken(
            _("There is a register of this name already.")
        ) from error


def _record(
    register: Register, actor: User | None, action: str, changes: dict[str, Any]
) -> None:
    if register.organization is not None:
        audit.record(
            organization=register.organization,
            actor=actor,
            action=action,
            target=register,
            changes=changes,
        )
