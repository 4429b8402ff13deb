"""Names and shapes of what travels over the channel layer.

    web consumer ──node command──▶ voice node      offer, candidate, hangup, place, …
    voice node ──call event──▶ every watcher       caption, status, turn, ended, …

Everything here is a hint: what must not be lost is in the database.
"""

from __future__ import annotations

from typing import Any, TypedDict
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


class NodeCommand(TypedDict):
    """A message to a voice node; `type` is what Channels dispatches on."""

    type: str
    command: str
    call_id: str
    data: dict[str, Any]


def node_group(node_id: UUID | str) -> str:
    return f"voice.{node_id}"


def call_group(call_id: UUID | str) -> str:
    return f"call.{call_id}"


def node_command(command: str, call_id: UUID, data: dict[str, Any]) -> NodeCommand:
    return {
        "type": "node.command",
        "command": command,
        "call_id": str(call_id),
        "data": data,
    }


def tell_node(
    node_id: UUID, command: str, call_id: UUID, data: dict[str, Any] | None = None
) -> None:
    """Send a command to a voice node from sync code."""
    layer = get_channel_layer()
    async_to_sync(layer.group_send)(
        node_group(node_id), node_command(command, call_id, data or {})
    )


async def send_command(
    node_id: UUID, command: str, call_id: UUID, data: dict[str, Any] | None = None
) -> None:
    """Send a command to a voice node from async code."""
    await get_channel_layer().group_send(
        node_group(node_id), node_command(command, call_id, data or {})
    )


async def publish(call_id: UUID, event: dict[str, Any]) -> None:
    """Show an event to whoever watches the call."""
    await get_channel_layer().group_send(
        call_group(call_id), {"type": "call.event", "event": event}
    )


def show(call_id: UUID, event: dict[str, Any]) -> None:
    """Show an event to whoever watches the call, from sync code."""
    async_to_sync(publish)(call_id, event)
