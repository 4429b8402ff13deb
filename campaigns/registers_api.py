"""External registers of numbers not to be called, over REST.

An agency's hold for all of its clients. The secret is never shown.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from ninja import Router, Status
from pydantic import BaseModel, Field

from calls.api.countries import Country
from calls.destinations import known_countries
from campaigns import queries
from campaigns.asking import RegisterSilent, ask
from campaigns.errors import RegisterNameTaken, TooManyRegisters
from campaigns.models import Register
from campaigns.register_form import address_fault
from campaigns.services.registers import (
    NewRegister,
    add_register,
    change_register,
    remove_register,
)
from campaigns.suppression_api import Number, read_numbers
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Suppressions"])
Address = Annotated[
    str,
    Field(min_length=1, max_length=500, examples=["https://register.example.com/ask"]),
]


class RegisterBody(Body):
    """`countries` empty: it is asked about every number."""

    name: str = Field(min_length=1, max_length=80)
    url: Address
    secret: str = Field("", max_length=500)
    countries: list[Country] = Field([], max_length=60)
    fresh_for_hours: int = Field(24, ge=1, le=744)


class RegisterChanges(Body):
    """What is left out stays; an empty `secret` takes it away."""

    name: str | None = Field(None, min_length=1, max_length=80)
    url: Address | None = None
    secret: str | None = Field(None, max_length=500)
    countries: list[Country] | None = Field(None, max_length=60)
    fresh_for_hours: int | None = Field(None, ge=1, le=744)


class AskBody(Body):
    phone_numbers: list[Number] = Field(min_length=1, max_length=500)


class RegisterJson(BaseModel):
    """`fault` says why it cannot be used right now; nobody it covers is called then."""

    id: UUID
    name: str
    url: str
    has_secret: bool
    countries: list[str]
    fresh_for_hours: int
    level: str
    asked_at: datetime | None
    fault: str | None
    retry_at: datetime | None
    created_at: datetime


class Registers(BaseModel):
    registers: list[RegisterJson]


class Asked(BaseModel):
    """What it answered, or why it cannot be used."""

    listed: list[str]
    fault: str | None


@router.get("", response=Registers)
@api_requires(Permission.CAMPAIGNS_READ)
def list_registers(request: KeyRequest) -> dict[str, Any]:
    """The organization's own registers. Those above it hold as well."""
    return {"registers": [register_json(row) for row in Register.objects.all()]}


@router.post("", response={201: RegisterJson})
@api_requires(Permission.CAMPAIGNS_EDIT)
@transaction.atomic
def create_register(
    request: KeyRequest, wanted: RegisterBody
) -> Status[dict[str, Any]]:
    """Enter a register: it is asked before people are called, from the next call on."""
    _check(wanted.url, wanted.countries)
    new = NewRegister(
        wanted.name,
        wanted.url,
        wanted.secret,
        wanted.countries,
        wanted.fresh_for_hours,
    )
    try:
        row = add_register(
            organization=request.organization,
            new=new,
            actor=None,
        )
    except RegisterNameTaken as error:
        raise Conflict(str(error), param="name") from error
    except TooManyRegisters as error:
        raise Conflict(str(error)) from error
    return Status(201, register_json(row))


@router.get("/{uuid:register_id}", response=RegisterJson)
@api_requires(Permission.CAMPAIGNS_READ)
def get_register(request: KeyRequest, register_id: UUID) -> dict[str, Any]:
    """One register, and how it is."""
    return register_json(queries.get_register(register_id))


@router.patch("/{uuid:register_id}", response=RegisterJson)
@api_requires(Permission.CAMPAIGNS_EDIT)
@transaction.atomic
def update_register(
    request: KeyRequest, register_id: UUID, wanted: RegisterChanges
) -> dict[str, Any]:
    """Change it. At another address everybody is asked about again."""
    register = queries.get_register(register_id)
    changes = wanted.model_dump(exclude_unset=True, exclude_none=True)
    _check(changes.get("url", register.url), changes.get("countries", []))
    if "countries" in changes:
        changes["countries"] = sorted(set(changes["countries"]))
    if "fresh_for_hours" in changes:
        changes["fresh_for_h"] = changes.pop("fresh_for_hours")
    try:
        change_register(register=register, changes=changes, actor=None)
    except RegisterNameTaken as error:
        raise Conflict(str(error), param="name") from error
    return register_json(register)


@router.delete("/{uuid:register_id}", response=Deleted)
@api_requires(Permission.CAMPAIGNS_EDIT)
def delete_register(request: KeyRequest, register_id: UUID) -> dict[str, bool]:
    """Ask it no more; what it answered is forgotten."""
    remove_register(register=queries.get_register(register_id), actor=None)
    return {"success": True}


@router.post("/{uuid:register_id}/ask", response=Asked)
@api_requires(Permission.CAMPAIGNS_EDIT)
def ask_register(
    request: KeyRequest, register_id: UUID, wanted: AskBody
) -> dict[str, Any]:
    """Ask it about numbers right now, to see that it works. Nothing is kept."""
    register = queries.get_register(register_id)
    numbers = list(dict.fromkeys(read_numbers(wanted.phone_numbers)))
    try:
        return {"listed": sorted(ask(register, numbers)), "fault": None}
    except RegisterSilent as error:
        return {"listed": [], "fault": str(error)}


def register_json(row: Register) -> dict[str, Any]:
    """Return a register as the API shows it."""
    return {
        "id": row.pk,
        "name": row.name,
        "url": row.url,
        "has_secret": bool(row.__dict__["secret"]),
        "countries": row.countries,
        "fresh_for_hours": row.fresh_for_h,
        "level": row.level,
        "asked_at": row.asked_at,
        "fault": row.fault or None,
        "retry_at": row.retry_at,
        "created_at": row.created_at,
    }


def _check(url: str, countries: list[str]) -> None:
    if fault := address_fault(url):
        raise InvalidRequest(fault, param="url")
    for index, code in enumerate(countries):
        if code not in known_countries():
            raise InvalidRequest(
                f"{code} is no country's code.", param=f"countries[{index}]"
            )
