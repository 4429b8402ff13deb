"""Calls over REST: the list, one call, a browser call, an outbound call, control."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from assistants.queries import get_assistant
from calls.browser import browser_ticket
from calls.models import Call, PhoneNumber, Turn
from calls.queries import get_call, visible_calls
from calls.services import control
from calls.services.outbound import place_call
from calls.services.web import start_web_call
from common.ids import uuid7
from common.money import format_credits
from common.phone import InvalidNumber, parse_number
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.permissions import Permission

router = Router(tags=["Calls"])
web_router = Router(tags=["Web calls"])

_TIMINGS = (
    "response_ms",
    "endpointing_ms",
    "stt_ms",
    "llm_ms",
    "tts_ms",
    "transport_ms",
)


class CallFilter(Schema):
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=10_000_000)
    status: str | None = Field(None, max_length=22)
    start_date: datetime | None = None
    end_date: datetime | None = None


class WebCallStart(Schema):
    assistant_id: UUID
    variables: dict[str, str] = {}
    metadata: dict[str, str] = {}


class OutboundCallStart(Schema):
    destination: str = Field(max_length=40)
    assistant_id: UUID
    number_id: UUID | None = None
    first_message: str | None = Field(None, max_length=2000)
    variables: dict[str, str] = {}
    metadata: dict[str, str] = {}


class Say(Schema):
    type: Literal["say"]
    content: str = Field(min_length=1, max_length=2000)
    end_after: bool = False


class InjectContext(Schema):
    type: Literal["inject-context"]
    content: str = Field(min_length=1, max_length=10_000)
    trigger_response: bool = False


class EndCall(Schema):
    type: Literal["end-call"]
    message: str | None = Field(None, max_length=300)


ControlCommand = Annotated[Say | InjectContext | EndCall, Field(discriminator="type")]


def call_json(call: Call, turns: list[Turn] | None = None) -> dict[str, Any]:
    """Return a call as the API shows it; with `turns`, also what was said."""
    data: dict[str, Any] = {
        "id": str(call.pk),
        "call_id": str(call.pk),
        "caller_phone": call.caller_number or None,
        "assistant_phone": call.number.number if call.number else None,
        "phone_number": call.other_number or None,
        "status": call.status,
        "direction": call.direction,
        "end_reason": call.end_reason or None,
        "error": call.error or None,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "duration_seconds": call.billed_seconds,
        "duration_ms": call.duration_ms,
        "setup_ms": call.setup_ms,
        "summary": None,
        "analysis_result": None,
        "room_name": None,
        "recording_url": None,
        "agent_id": str(call.assistant_id) if call.assistant_id else None,
        "assistant_id": str(call.assistant_id) if call.assistant_id else None,
        "agent_name": call.assistant.name if call.assistant else None,
        "number_id": str(call.number_id) if call.number_id else None,
        "business_name": None,
        "cost_credits": format_credits(call.cost_microcredits),
        "created_at": call.created_at,
        "updated_at": call.updated_at,
    }
    if turns is None:
        return data
    return data | {
        "metadata": call.metadata,
        "messages": [{"role": t.speaker, "content": t.text} for t in turns],
        "transcript": [
            {
                "speaker": t.speaker,
                "text": t.text,
                "started_ms": t.started_ms,
                "ended_ms": t.ended_ms,
                "is_interrupted": t.is_interrupted,
            }
            for t in turns
        ],
        "turns": [
            {name: getattr(t, name) for name in _TIMINGS}
            for t in turns
            if t.response_ms is not None
        ],
    }


@router.get("")
@api_requires(Permission.CALLS_READ)
def list_calls(request: HttpRequest, wanted: Query[CallFilter]) -> dict[str, Any]:
    """Calls, newest first."""
    calls = visible_calls()
    if wanted.status:
        calls = calls.filter(status=wanted.status)
    if wanted.start_date:
        calls = calls.filter(created_at__gte=wanted.start_date)
    if wanted.end_date:
        calls = calls.filter(created_at__lte=wanted.end_date)
    return {
        "calls": [
            call_json(call)
            for call in calls[wanted.offset : wanted.offset + wanted.limit]
        ],
        "pagination": {
            "total": calls.count(),
            "limit": wanted.limit,
            "offset": wanted.offset,
        },
    }


@router.get("/{uuid:call_id}")
@api_requires(Permission.CALLS_READ)
def read_call(request: HttpRequest, call_id: UUID) -> dict[str, Any]:
    """One call with its transcript and the time each answer took."""
    call = get_call(call_id)
    return call_json(call, list(call.turns.all()))


@router.post("/outbound", response={201: dict})
@api_requires(Permission.CALLS_START)
def start_outbound_call(
    request: HttpRequest, wanted: OutboundCallStart
) -> tuple[int, dict[str, Any]]:
    """Call a number with an assistant."""
    number = None
    if wanted.number_id:
        number = PhoneNumber.objects.filter(pk=wanted.number_id, is_active=True).first()
        if number is None:
            raise InvalidRequest("There is no such active number.", param="number_id")
    try:
        destination = parse_number(wanted.destination)
    except InvalidNumber as error:
        raise InvalidRequest(str(error), param="destination") from error
    call = place_call(
        organization=request.organization,  # type: ignore[attr-defined]  # set by ApiMiddleware
        assistant=get_assistant(wanted.assistant_id),
        destination=destination,
        call_id=uuid7(),
        actor=None,
        number=number,
        variables=wanted.variables,
        overrides={"first_message": wanted.first_message}
        if wanted.first_message
        else {},
        metadata=wanted.metadata,
    )
    return 201, {"success": True, "call_id": str(call.pk), "status": "dialing"}


@router.post("/{uuid:call_id}/control")
@api_requires(Permission.CALLS_CONTROL)
def control_call(
    request: HttpRequest, call_id: UUID, command: ControlCommand
) -> dict[str, Any]:
    """Say something, tell the assistant something, or end the call."""
    call = get_call(call_id)
    match command:
        case Say():
            control.say(call=call, text=command.content, end_after=command.end_after)
        case InjectContext():
            control.inject_context(
                call=call,
                content=command.content,
                trigger_response=command.trigger_response,
            )
        case EndCall():
            control.stop_call(call=call, actor=None, message=command.message or "")
    return {"success": True, "message": "Command sent successfully"}


@web_router.post("", response={201: dict})
@api_requires(Permission.CALLS_START)
def start_browser_call(
    request: HttpRequest, wanted: WebCallStart
) -> tuple[int, dict[str, Any]]:
    """Start a call for a browser and return its short-lived token."""
    started = start_web_call(
        organization=request.organization,  # type: ignore[attr-defined]  # set by ApiMiddleware
        assistant=get_assistant(wanted.assistant_id),
        actor=None,
        variables=wanted.variables,
        metadata=wanted.metadata,
    )
    return 201, browser_ticket(
        started, host=request.get_host(), is_secure=request.is_secure()
    )
