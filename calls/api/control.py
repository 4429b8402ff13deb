"""Commands for a call that goes on: speak, know, press, be quiet, hand on, end."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from calls.api.calls import router
from calls.models import Call
from calls.queries import get_call
from calls.services import control
from calls.services.transfers import TransferNotPossible
from portal.api.access import api_requires, require_live_key
from portal.api.errors import InvalidRequest
from portal.api.limits import count_command
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.permissions import Permission


class Say(Body):
    """Let the assistant say this, word for word."""

    type: Literal["say"]
    content: str = Field(min_length=1, max_length=2000)
    end_after: bool = Field(False, strict=True)


class InjectContext(Body):
    """Tell the assistant something the caller does not hear."""

    type: Literal["inject-context"]
    content: str = Field(min_length=1, max_length=10_000)
    trigger_response: bool = Field(False, strict=True)


class EndCall(Body):
    """End the call, after a farewell if there is one."""

    type: Literal["end-call"]
    message: str | None = Field(None, max_length=300)


class TransferCall(Body):
    """Hand the caller on to a number or a SIP address, once `message` is said."""

    type: Literal["transfer"]
    destination: str = Field(min_length=1, max_length=260, examples=["+31201234567"])
    message: str | None = Field(None, max_length=300)


class SendDigits(Body):
    """Press keys on the line: 0-9 * # A-D, and `w` for half a second's pause."""

    type: Literal["send-digits"]
    digits: str = Field(min_length=1, max_length=64, examples=["12w3#"])


class Mute(Body):
    """Let the assistant neither speak nor listen, or go on as before."""

    type: Literal["mute"]
    muted: bool = Field(strict=True)


ControlCommand = Annotated[
    Say | InjectContext | EndCall | TransferCall | SendDigits | Mute,
    Field(discriminator="type"),
]


class CommandSent(BaseModel):
    success: bool
    message: str


@router.post("/{uuid:call_id}/control", response=CommandSent)
@api_requires(Permission.CALLS_CONTROL)
def control_call(
    request: KeyRequest, call_id: UUID, command: ControlCommand
) -> dict[str, Any]:
    """Say something, tell the assistant something, press keys, mute, hand on, or end.

    A test key steers the calls that test keys start, and no others.
    """
    call = get_call(call_id)
    if not call.is_test:
        require_live_key(request)
    count_command(call.pk)
    _obey(call, command)
    return {"success": True, "message": "Command sent successfully"}


def _obey(
    call: Call,
    command: Say | InjectContext | EndCall | TransferCall | SendDigits | Mute,
) -> None:
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
        case TransferCall():
            try:
                control.transfer(
                    call=call,
                    destination=command.destination,
                    message=command.message or "",
                    actor=None,
                )
            except TransferNotPossible as error:
                raise InvalidRequest(str(error), param="destination") from error
        case SendDigits():
            try:
                control.send_digits(call=call, digits=command.digits, actor=None)
            except ValueError as error:
                raise InvalidRequest(str(error), param="digits") from error
        case Mute():
            control.set_quiet(call=call, is_quiet=command.muted, actor=None)
