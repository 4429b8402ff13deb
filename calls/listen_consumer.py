"""The socket of a person who listens in: signalling both ways, and taking over."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from calls import bus
from calls.consumers import BAD_TOKEN, TOO_BUSY, BadMessage, Pace, parse_message
from calls.errors import BadCallToken, CallNotActive
from calls.services.listening import (
    ListenSeat,
    note_take_over,
    note_whisper,
    take_listening_seat,
)


class ListenConsumer(AsyncWebsocketConsumer):
    """One listener. Leaving the page ends the listening and nothing else."""

    seat: ListenSeat | None = None

    async def connect(self) -> None:
        await self.accept()
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        ticket = (query.get("token") or [""])[0]
        call_id: UUID = self.scope["url_route"]["kwargs"]["call_id"]
        try:
            self.seat = await database_sync_to_async(take_listening_seat)(
                call_id=call_id, ticket=ticket
            )
        except BadCallToken:
            await self._send(
                {
                    "type": "error",
                    "code": "bad_call_token",
                    "message": "The call is over, or you came too late. Try again.",
                }
            )
            await self.close(BAD_TOKEN)
            return
        await self.channel_layer.group_add(
            bus.listener_group(self.seat.watch_id), self.channel_name
        )
        await self.channel_layer.group_add(
            bus.call_group(self.seat.call_id), self.channel_name
        )
        self._pace = Pace()
        await self._send({"type": "welcome", "resume_token": self.seat.again})

    async def disconnect(self, code: int) -> None:
        if self.seat is None:
            return
        for group in (
            bus.listener_group(self.seat.watch_id),
            bus.call_group(self.seat.call_id),
        ):
            await self.channel_layer.group_discard(group, self.channel_name)
        # Whoever talks with the caller goes on: the audio itself says when they leave.
        await self._command(self.seat, "listen_over", {"is_cut": True})

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        if self.seat is None:
            return
        if self._pace.is_flooding():
            await self._send(
                {
                    "type": "error",
                    "code": "too_many_messages",
                    "message": "Too many messages. Slow down.",
                }
            )
            await self.close(TOO_BUSY)
            return
        try:
            await self._handle(self.seat, parse_message(text_data))
        except BadMessage as error:
            await self._send(
                {"type": "error", "code": "invalid_message", "message": str(error)}
            )

    async def _handle(self, seat: ListenSeat, message: dict[str, Any]) -> None:
        match message["type"]:
            case "offer":
                sdp = message.get("sdp")
                if not isinstance(sdp, str) or not sdp:
                    raise BadMessage("An offer needs its sdp as text.")
                await self._command(seat, "listen", {"sdp": sdp})
            case "candidate":
                candidate = message.get("candidate")
                if candidate is not None and not isinstance(candidate, dict):
                    raise BadMessage("A candidate is an object, or null at the end.")
                await self._command(seat, "listen_candidate", {"candidate": candidate})
            case "whisper":
                await self._whisper(seat, message.get("on"))
            case "take_over":
                await self._take_over(seat)
            case "give_back":
                await self._command(seat, "give_back", {})
            case "hangup":
                await self._command(seat, "listen_over", {})
            case "ping":
                await self._send({"type": "pong"})
            case _:
                raise BadMessage("The message has an unknown type.")

    async def _whisper(self, seat: ListenSeat, is_on: object) -> None:
        if not isinstance(is_on, bool):
            raise BadMessage("A whisper says whether it is on.")
        if is_on:
            await database_sync_to_async(note_whisper)(seat=seat)
        await self._command(seat, "whisper", {"on": is_on})

    async def _take_over(self, seat: ListenSeat) -> None:
        try:
            await database_sync_to_async(note_take_over)(seat=seat)
        except CallNotActive:
            text = "Somebody else has taken the caller over."
            await self._send({"type": "error", "code": "taken", "message": text})
        else:
            await self._command(seat, "take_over", {})

    async def _command(
        self, seat: ListenSeat, command: str, data: dict[str, Any]
    ) -> None:
        await bus.send_command(
            seat.node_id,
            command,
            seat.call_id,
            data
            | {"watch": seat.watch_id, "who": seat.name, "user": str(seat.user_id)},
        )

    async def listener_event(self, message: dict[str, Any]) -> None:
        """What the voice process says to this listener alone."""
        await self._send(message["event"])

    async def call_event(self, message: dict[str, Any]) -> None:
        """What everybody who watches the call is told."""
        if message["event"].get("type") not in ("answer", "error"):
            await self._send(message["event"])
        if message["event"].get("type") == "ended":
            await self.close(1000)

    async def call_moved(self, message: dict[str, Any]) -> None:
        """The caller's browser came back in another tab; a listener stays."""

    async def _send(self, message: dict[str, Any]) -> None:
        await self.send(json.dumps(message))
