"""What a person may ask for in a call that we made: to be left alone, or called later.

Offered to the model beside the assistant's own tools, and by a key of the telephone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from calls.models import Call, CallWish
from calls.node import database
from calls.services import wishes
from calls.services.running import CallOrder
from calls.session.local_time import UnclearTime, moment_meant
from calls.session.ports import ForeignTool, ToolFailed

DO_NOT_CALL: Final = "do_not_call"
CALL_BACK: Final = "schedule_callback"
NOTED: Final = "Noted. They will not be called again. Confirm it and say goodbye."
_STOP: Final = (
    "Put the person on the list of those who are not called. Use it at once when they "
    "ask not to be called again, in whatever words: stop calling, remove me, do not "
    "call. Then confirm and say goodbye."
)
_LATER: Final = (
    "Call the person back at a time they name. Use it when they ask to be called at "
    "another time. It is {now} where they are."
)
Kind, Way = CallWish.Kind, CallWish.Way


def wish_tools(order: CallOrder) -> list[ForeignTool]:
    """Return the tools of a call that we made; none of others.

    Calling back needs somebody who calls: a campaign, which names the person's zone.
    """
    if order.direction != Call.Direction.OUTBOUND:
        return []
    tools = [_do_not_call(order)]
    if order.person_zone:
        tools.append(_call_back(order, ZoneInfo(order.person_zone)))
    return tools


async def leave_alone(order: CallOrder, way: CallWish.Way) -> None:
    """Write down that a person must not be called again."""
    await database.ask(wishes.record_wish, order=order, kind=Kind.DO_NOT_CALL, way=way)


def _do_not_call(order: CallOrder) -> ForeignTool:
    async def run(arguments: dict[str, Any]) -> str:
        await leave_alone(order, Way.SPEECH)
        return NOTED

    nothing: dict[str, Any] = {"type": "object", "properties": {}}
    return ForeignTool(DO_NOT_CALL, _STOP, nothing, run, source="platform")


def _call_back(order: CallOrder, zone: ZoneInfo) -> ForeignTool:
    async def run(arguments: dict[str, Any]) -> str:
        text = str(arguments.get("local_time") or "")
        try:
            at = moment_meant(text, zone=zone, now=datetime.now(UTC))
        except UnclearTime as error:
            raise ToolFailed(str(error)) from error
        await database.ask(
            wishes.record_wish,
            order=order,
            kind=Kind.CALL_BACK,
            way=Way.SPEECH,
            call_back_at=at,
        )
        return f"They will be called on {at.astimezone(zone):%A %d %B at %H:%M}."

    parameters = {
        "type": "object",
        "properties": {
            "local_time": {
                "type": "string",
                "description": "Date and time at their place, such as 2026-11-27T10:00.",
            }
        },
        "required": ["local_time"],
    }
    now = datetime.now(UTC).astimezone(zone)
    described = _LATER.format(now=f"{now:%A %Y-%m-%d, %H:%M}")
    return ForeignTool(CALL_BACK, described, parameters, run, source="platform")
