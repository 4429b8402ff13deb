"""Calls over REST: the list, one call, a browser call, an outbound call."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from ninja import Query, Router, Status
from pydantic import BaseModel, Field, JsonValue

from assistants.models import Assistant
from calls.api.chosen_settings import CallStart, chosen_settings
from calls.api.recordings import recording_url
from calls.browser import browser_ticket
from calls.exporting import MAX_ROWS, calls_file
from calls.models import Call, CallAnalysis, PhoneNumber, Turn
from calls.queries import (
    count_calls,
    filter_calls,
    get_call,
    visible_calls,
    visible_numbers,
)
from calls.services.outbound import place_call
from calls.services.transfers import Failure
from calls.services.web import start_web_call
from calls.session.events import EndReason
from calls.transfer_messages import transfer_messages
from common.ids import uuid7
from common.money import format_credits
from common.phone import InvalidNumber, parse_number
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.keys import Origin
from portal.api.paging import Between, LongPage, LongPagination, Period, page_of
from portal.api.plain import plain_answer
from portal.http import KeyRequest
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


# What a list does not show.
BLOBS: Final = (
    "waveform",
    "usage",
    "quality",
    "variables",
    "overrides",
    "metadata",
)


class CallChoice(Between):
    """Which calls are wanted; a status may be spelt with hyphens or underscores."""

    status: str | None = Field(
        None,
        max_length=22,
        examples=["in-progress"],
        json_schema_extra={"enum": [*Call.Status.values, "live", None]},
    )
    direction: Literal["inbound", "outbound", "web"] | None = None
    assistant_id: UUID | None = None
    agent_id: UUID | None = None
    number: str | None = Field(None, max_length=16)
    end_reason: EndReason | None = None


class CallFilter(Period, CallChoice):
    """A page of them."""


class WebCallStart(CallStart):
    """Which assistant a browser talks to, and in which websites."""

    allowed_origins: list[Origin] = Field(
        default_factory=list,
        max_length=20,
        description="Websites that may join; empty: those of the key, else any.",
    )


class OutboundCallStart(CallStart):
    """Whom to call, with which assistant, from which of the organization's numbers."""

    destination: str = Field(max_length=40, examples=["+31612345678"])
    number_id: UUID | None = None
    first_message: str | None = Field(None, max_length=2000)


class CallJson(BaseModel):
    """A call as lists show it.

    `duration_ms` and `duration_seconds` are of the conversation, which is what is billed:
    where consent was asked for, from the answer to that. Turns and recording count from
    the moment the call was answered.
    """

    id: UUID
    call_id: UUID
    caller_phone: str | None
    assistant_phone: str | None
    phone_number: str | None
    status: str
    direction: str
    end_reason: str | None
    error: str | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: int
    duration_ms: int
    setup_ms: int | None
    summary: str | None
    analysis_result: dict[str, JsonValue] | None
    room_name: str | None
    recording_url: str | None
    assistant_id: UUID | None
    agent_id: UUID | None
    agent_name: str | None
    number_id: UUID | None
    business_name: str | None
    cost_credits: str
    created_at: datetime
    updated_at: datetime


class MessageJson(BaseModel):
    role: str
    content: str


class TurnJson(BaseModel):
    """One side speaking once, in milliseconds from the start of the audio."""

    speaker: str
    text: str
    started_ms: int
    ended_ms: int
    is_interrupted: bool


class TimingJson(BaseModel):
    """Where the time of one answer went."""

    response_ms: int | None
    endpointing_ms: int | None
    stt_ms: int | None
    llm_ms: int | None
    tts_ms: int | None
    transport_ms: int | None


class TransferJson(BaseModel):
    """One try to hand the caller on to a person.

    It is `done` where the network took the caller over, `bridged` where the call goes
    on through us, and `failed` for the reason named; until then it is `asked`,
    `ringing` or, while a person hears who is calling, `briefing`.
    """

    id: UUID
    kind: Literal["blind", "warm"]
    destination: str
    asked_by: Literal["assistant", "api", "person"]
    method: Literal["refer", "bridge"] | None
    status: Literal["asked", "ringing", "briefing", "bridged", "done", "failed"]
    reason: Failure | None
    detail: str | None
    asked_at: datetime
    answered_at: datetime | None
    bridged_at: datetime | None
    ended_at: datetime | None


class WholeCallJson(CallJson):
    """A call with what was said, and to whom the caller was handed on."""

    metadata: dict[str, JsonValue]
    messages: list[MessageJson]
    transcript: list[TurnJson]
    turns: list[TimingJson]
    transfers: list[TransferJson]


class Calls(BaseModel):
    calls: list[CallJson]
    pagination: LongPagination


class OutboundStarted(BaseModel):
    success: bool
    call_id: UUID
    status: str


class WebCallStarted(BaseModel):
    """The token opens the socket at `server_url` once, within a minute."""

    call_id: UUID
    token: str
    server_url: str
    expires_in_seconds: int
    ice_servers: list[dict[str, JsonValue]]


def _analysis_of(call: Call) -> dict[str, Any] | None:
    found: CallAnalysis | None = getattr(call, "analysis", None)
    return found.data if found is not None else None


def call_json(
    request: KeyRequest, call: Call, turns: list[Turn] | None = None
) -> dict[str, Any]:
    """Return a call as the API shows it; with `turns`, also what was said."""
    data: dict[str, Any] = {
        "id": call.pk,
        "call_id": call.pk,
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
        "summary": call.summary or None,
        "analysis_result": _analysis_of(call),
        "room_name": None,
        "recording_url": recording_url(request, call),
        "assistant_id": call.assistant_id,
        "agent_id": call.assistant_id,
        "agent_name": call.assistant.name if call.assistant else None,
        "number_id": call.number_id,
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
        "transfers": transfer_messages(call.transfers.all()),
    }


def listed_calls() -> QuerySet[Call]:
    """Return calls with what a list shows of them, in one query."""
    return visible_calls().select_related("analysis").defer(None).defer(*BLOBS)


@router.get("", response=Calls)
@api_requires(Permission.CALLS_READ)
def list_calls(
    request: KeyRequest, wanted: Annotated[CallFilter, Query()]
) -> HttpResponse:
    """Calls, newest first."""
    organization = request.organization
    calls = chosen_calls(listed_calls(), wanted, organization.time_zone)
    total = calls.count() if _is_narrowed(wanted) else count_calls(organization)
    page, said = page_of(calls, wanted, total)
    shown = [call_json(request, call) for call in page]
    return plain_answer({"calls": shown, "pagination": said})


@router.get("/export.csv")
@api_requires(Permission.CALLS_READ)
def export_calls(
    request: KeyRequest, wanted: Annotated[CallChoice, Query()]
) -> HttpResponseBase:
    """The calls that the same filters list, newest first, as CSV; 50,000 at most."""
    organization = request.organization
    calls = chosen_calls(visible_calls(), wanted, organization.time_zone)
    return calls_file(calls[:MAX_ROWS])


def chosen_calls(
    calls: QuerySet[Call], wanted: CallChoice, time_zone: str
) -> QuerySet[Call]:
    """Narrow calls to those that are wanted."""
    return filter_calls(
        calls,
        status=read_status(wanted.status),
        direction=wanted.direction or "",
        assistant_id=wanted.assistant_id or wanted.agent_id,
        number=wanted.number or "",
        end_reason=wanted.end_reason or "",
    ).filter(**wanted.bounds(time_zone).filter("created_at"))


def _is_narrowed(wanted: CallFilter) -> bool:
    """Whether anything but the page was chosen."""
    return bool(
        wanted.model_dump(exclude_defaults=True).keys() - set(LongPage.model_fields)
    )


@router.get("/{uuid:call_id}", response=WholeCallJson)
@api_requires(Permission.CALLS_READ)
def read_call(request: KeyRequest, call_id: UUID) -> dict[str, Any]:
    """One call with its transcript and the time each answer took."""
    call = get_call(call_id)
    return call_json(request, call, list(call.turns.all()))


@router.post("/outbound", response={201: OutboundStarted})
@api_requires(Permission.CALLS_START)
def start_outbound_call(
    request: KeyRequest, wanted: OutboundCallStart
) -> Status[dict[str, Any]]:
    """Call a number with an assistant."""
    chosen = chosen_settings(request, wanted)
    number = caller_number(wanted.number_id, chosen.assistant)
    try:
        destination = parse_number(wanted.destination)
    except InvalidNumber as error:
        raise InvalidRequest(str(error), param="destination") from error
    call = place_call(
        organization=request.organization,
        assistant=chosen.assistant,
        destination=destination,
        call_id=uuid7(),
        actor=None,
        number=number,
        variables=wanted.variables,
        overrides=chosen.overrides
        | ({"first_message": wanted.first_message} if wanted.first_message else {}),
        metadata=chosen.metadata,
        is_test=chosen.is_test,
    )
    return Status(201, {"success": True, "call_id": call.pk, "status": "dialing"})


def read_status(text: str | None) -> str:
    """Return a status as it is stored; `live` stands for every one that is not final."""
    if not text:
        return ""
    status = text.lower().replace("_", "-")
    if status not in (*Call.Status.values, "live"):
        allowed = ", ".join([*Call.Status.values, "live"])
        raise InvalidRequest(f"Choose one of: {allowed}.", param="status")
    return status


def caller_number(
    number_id: UUID | None, assistant: Assistant | None
) -> PhoneNumber | None:
    """Return the number people see: the one named, else the assistant's, else any."""
    numbers = visible_numbers().filter(is_active=True)
    if number_id is None:
        own = numbers.filter(assistant=assistant).first() if assistant else None
        return own or numbers.first()
    number = numbers.filter(pk=number_id).first()
    if number is None:
        raise InvalidRequest("There is no such active number.", param="number_id")
    return number


@web_router.post("", response={201: WebCallStarted})
@api_requires(Permission.CALLS_START)
def start_browser_call(
    request: KeyRequest, wanted: WebCallStart
) -> Status[dict[str, Any]]:
    """Start a call for a browser and return its short-lived token."""
    chosen = chosen_settings(request, wanted)
    started = start_web_call(
        organization=request.organization,
        assistant=chosen.assistant,
        actor=None,
        variables=wanted.variables,
        overrides=chosen.overrides,
        metadata=chosen.metadata,
        is_test=chosen.is_test,
        allowed_origins=_origins(request, wanted),
    )
    return Status(
        201,
        browser_ticket(started, host=request.get_host(), is_secure=request.is_secure()),
    )


def _origins(request: KeyRequest, wanted: WebCallStart) -> list[str]:
    """Return where the call may be joined: never where its key's calls may not be."""
    mine = request.api_key.origins
    for index, origin in enumerate(wanted.allowed_origins):
        if mine and origin not in mine:
            raise InvalidRequest(
                f"This key starts calls for {', '.join(mine)} only.",
                param=f"allowed_origins[{index}]",
            )
    return wanted.allowed_origins or mine
