"""Names and shapes of what travels over the channel layer.

    web consumer ──node command──▶ voice node      offer, candidate, hangup, place, …
    voice node ──call event──▶ every watcher       caption, status, turn, ended, …

Everything here is a hint: what must not be lost is in the database. So sending from a
service or from a voice process gives up after a moment and never raises; a layer may
also deliver twice, and `id` tells the second of two commands from a new one.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, TypedDict
from uuid import UUID, uuid4

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from common.edges import contained

logger = logging.getLogger(__name__)

GIVE_UP_AFTER_S: Final = 3.0


class NodeCommand(TypedDict):
    """A message to a voice node; `type` is what Channels dispatches on."""

    type: str
    id: str
    command: str
    call_id: str
    data: dict[str, Any]


def node_group(node_id: UUID | str) -> str:
    return f"voice.{node_id}"


def call_group(call_id: UUID | str) -> str:
    return f"call.{call_id}"


def listener_group(watch_id: str) -> str:
    return f"listen.{watch_id}"


def node_command(command: str, call_id: UUID, data: dict[str, Any]) -> NodeCommand:
    return {
        "type": "node.command",
        "id": uuid4().hex,
        "command": command,
        "call_id": str(call_id),
        "data": data,
    }


def tell_node(
    node_id: UUID, command: str, call_id: UUID, data: dict[str, Any] | None = None
) -> None:
    """Send a command to a voice node from sync code."""
    _hint_now(node_group(node_id), node_command(command, call_id, data or {}))


async def send_command(
    node_id: UUID, command: str, call_id: UUID, data: dict[str, Any] | None = None
) -> None:
    """Send a command to a voice node from async code; raises when the layer is away."""
    await get_channel_layer().group_send(
        node_group(node_id), node_command(command, call_id, data or {})
    )


async def publish(call_id: UUID, event: dict[str, Any]) -> None:
    """Show an event to whoever watches the call."""
    await _hint(call_group(call_id), _call_event(event))


async def publish_to_listener(watch_id: str, event: dict[str, Any]) -> None:
    """Tell one person who listens in to a call."""
    await _hint(listener_group(watch_id), {"type": "listener.event", "event": event})


def show(call_id: UUID, event: dict[str, Any]) -> None:
    """Show an event to whoever watches the call, from sync code."""
    _hint_now(call_group(call_id), _call_event(event))


def _call_event(event: dict[str, Any]) -> dict[str, Any]:
    return {"type": "call.event", "event": event}


def _hint_now(group: str, message: Any) -> None:
    layer = get_channel_layer()
    # Asked of its class: the layer over Redis answers for itself in an event loop only.
    send_now = getattr(type(layer), "group_send_now", None)
    if send_now is None:
        async_to_sync(_hint)(group, message)
        return
    # What takes its place when it is lost stands in the database.
    with contained(logger, "hint lost", level=logging.WARNING, group=group):
        send_now(layer, group, message)


async def _hint(group: str, message: Any) -> None:
    # Each layer has its own kinds, and none may break a call.
    with contained(logger, "hint lost", level=logging.WARNING, group=group):
        async with asyncio.timeout(GIVE_UP_AFTER_S):
            await get_channel_layer().group_send(group, message)
