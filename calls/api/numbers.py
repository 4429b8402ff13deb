"""Telephone numbers over REST; `number` and `phone_number` are one field."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from ninja import Router, Status
from pydantic import BaseModel, Field

from assistants.models import Assistant
from assistants.queries import visible_assistants
from calls.models import PhoneNumber, Trunk
from calls.queries import get_number, visible_numbers, visible_trunks
from calls.services import numbers
from calls.services.inbound import simulate_caller
from calls.trunk_rules import region_of
from common.phone import InvalidNumber, parse_number
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted, given
from portal.api.shapes import either
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Numbers"])
MESSAGES: Final = ("busy_message", "closed_message", "suspended_message")


class NumberJson(BaseModel):
    """A number that reaches an assistant."""

    id: UUID
    number: str
    phone_number: str
    name: str | None
    assistant_id: UUID | None
    agent_id: UUID | None
    agent_name: str | None
    business_name: str | None
    trunk_id: UUID | None
    trunk_name: str | None
    transfer_trunk_id: UUID | None
    transfer_trunk_name: str | None
    workflow_id: str | None
    workflow_name: str | None
    source: str
    country: str | None
    busy_message: str | None
    closed_message: str | None
    suspended_message: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class OneNumber(BaseModel):
    number: NumberJson


class Numbers(BaseModel):
    numbers: list[NumberJson]


class NumberChange(Body):
    """A null assistant means that calls to the number are not answered."""

    name: str | None = Field(None, max_length=80)
    assistant_id: UUID | None = None
    agent_id: UUID | None = Field(None, json_schema_extra={"deprecated": True})
    trunk_id: UUID | None = None
    transfer_trunk_id: UUID | None = None
    busy_message: str | None = Field(None, max_length=300)
    closed_message: str | None = Field(None, max_length=300)
    suspended_message: str | None = Field(None, max_length=300)
    is_active: bool = Field(True, strict=True)


class NewNumber(NumberChange):
    """`number` or `phone_number` is required: E.164, or as at home in `country`."""

    model_config = either(number="string", phone_number="string")

    number: str | None = Field(None, max_length=40, examples=["+31201234567"])
    phone_number: str | None = Field(None, max_length=40, examples=["+31201234567"])
    country: str | None = Field(
        None, pattern=r"^[A-Za-z]{2}$", description="ISO 3166, such as NL."
    )


def number_json(row: PhoneNumber) -> dict[str, Any]:
    """Return a number as the API shows it."""
    return {
        "id": row.pk,
        "number": row.number,
        "phone_number": row.number,
        "name": row.name or None,
        "assistant_id": row.assistant_id,
        "agent_id": row.assistant_id,
        "agent_name": row.assistant.name if row.assistant else None,
        "business_name": None,
        "trunk_id": row.trunk_id,
        "trunk_name": row.trunk.name if row.trunk else None,
        "transfer_trunk_id": row.transfer_trunk_id,
        "transfer_trunk_name": row.transfer_trunk.name if row.transfer_trunk else None,
        "workflow_id": None,
        "workflow_name": None,
        "source": row.carrier,
        "country": region_of(row.number),
        **{name: getattr(row, name) or None for name in MESSAGES},
        "is_active": row.is_active,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@router.get("", response=Numbers)
@api_requires(Permission.ASSISTANTS_READ)
def list_numbers(request: KeyRequest) -> dict[str, Any]:
    """Every number of the organization."""
    return {"numbers": [number_json(row) for row in visible_numbers()]}


@router.post("", response={201: OneNumber})
@api_requires(Permission.ASSISTANTS_EDIT)
def add_number(request: KeyRequest, wanted: NewNumber) -> Status[dict[str, Any]]:
    """Register a number and say what answers it."""
    name = "number" if wanted.number is not None else "phone_number"
    text = wanted.number if wanted.number is not None else wanted.phone_number
    if text is None:
        raise InvalidRequest(
            "Missing required field: number", param="number", code="missing_field"
        )
    try:
        region = wanted.country.upper() if wanted.country else None
        number = parse_number(text, region=region)
    except InvalidNumber as error:
        raise InvalidRequest(str(error), param=name) from error
    try:
        row = numbers.add_number(
            organization=request.organization,
            new=numbers.NewNumber(
                number=number,
                name=wanted.name or "",
                assistant=chosen_assistant(wanted),
                is_active=wanted.is_active,
                trunk=chosen_trunk(wanted.trunk_id, "trunk_id"),
                transfer_trunk=chosen_trunk(
                    wanted.transfer_trunk_id, "transfer_trunk_id"
                ),
                **{name: getattr(wanted, name) or "" for name in MESSAGES},
            ),
            actor=None,
        )
    except numbers.NumberTaken as error:
        raise Conflict("This number is registered already.", param=name) from error
    return Status(201, {"number": number_json(get_number(row.pk))})


@router.get("/{uuid:number_id}", response=OneNumber)
@api_requires(Permission.ASSISTANTS_READ)
def read_number(request: KeyRequest, number_id: UUID) -> dict[str, Any]:
    """One number."""
    return {"number": number_json(get_number(number_id))}


@router.patch("/{uuid:number_id}", response=OneNumber)
@api_requires(Permission.ASSISTANTS_EDIT)
def change_number(
    request: KeyRequest, number_id: UUID, wanted: NumberChange
) -> dict[str, Any]:
    """Change its name, assistant, trunks, messages, or whether it is in use."""
    row = get_number(number_id)
    changes: dict[str, Any] = {}
    if "name" in wanted.model_fields_set:
        changes["name"] = wanted.name or ""
    if wanted.model_fields_set & {"assistant_id", "agent_id"}:
        changes["assistant"] = chosen_assistant(wanted)
    for name in ("trunk_id", "transfer_trunk_id"):
        if name in wanted.model_fields_set:
            trunk = chosen_trunk(getattr(wanted, name), name)
            changes[name.removesuffix("_id")] = trunk
    for name in wanted.model_fields_set & set(MESSAGES):
        changes[name] = getattr(wanted, name) or ""
    if "is_active" in wanted.model_fields_set:
        changes["is_active"] = wanted.is_active
    numbers.change_number(number=row, changes=changes, actor=None)
    return {"number": number_json(get_number(number_id))}


class SimulatedCall(BaseModel):
    """The call is there once the voice process has taken it, a moment later."""

    success: bool
    call_id: UUID


@router.post("/{uuid:number_id}/simulate", response={202: SimulatedCall})
@api_requires(Permission.CALLS_START, needs_live_key=True)
def simulate_number(request: KeyRequest, number_id: UUID) -> Status[dict[str, Any]]:
    """Let a simulated person call a number that has no trunk yet; it costs as a call."""
    row = get_number(number_id)
    if row.carrier != "simulator":
        raise Conflict("This number has a trunk: call it by telephone.")
    return Status(202, {"success": True, "call_id": simulate_caller(number=row)})


@router.delete("/{uuid:number_id}", response=Deleted)
@api_requires(Permission.ASSISTANTS_EDIT)
def remove_number(request: KeyRequest, number_id: UUID) -> dict[str, bool]:
    """Forget a number; its calls stay."""
    try:
        numbers.remove_number(number=get_number(number_id), actor=None)
    except numbers.NumberInUse as error:
        raise Conflict("A campaign calls from this number.") from error
    return {"success": True}


def chosen_assistant(wanted: BaseModel) -> Assistant | None:
    """Return the assistant a body names by either name; an unknown one is refused."""
    assistant_id = given(wanted, "assistant_id", "agent_id")
    if assistant_id is None:
        return None
    assistant = visible_assistants().filter(pk=assistant_id).first()
    if assistant is None:
        param = (
            "assistant_id" if "assistant_id" in wanted.model_fields_set else "agent_id"
        )
        raise InvalidRequest("There is no such assistant.", param=param)
    return assistant


def chosen_trunk(trunk_id: UUID | None, param: str) -> Trunk | None:
    """Return the trunk a body names; an unknown one is refused."""
    if trunk_id is None:
        return None
    trunk = visible_trunks().filter(pk=trunk_id).first()
    if trunk is None:
        raise InvalidRequest("There is no such trunk.", param=param)
    return trunk
