"""The browser's socket: signalling in, events out. The audio goes elsewhere.

A socket is opened with a call token (once) or the resume token of the seat before it.
Losing the socket leaves the call alone; coming back shows its state. Of two sockets
with the same call the newer one holds it, and the older is told so.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from calls import bus
from calls.errors import BadCallToken, OriginRefused
from calls.services.web import Seat, take_seat
from portal.api.body import RefusedBody, check_value
from portal.hosts import UnknownHost, find_portal
from portal.models import Portal

BAD_TOKEN: Final = 4401
BAD_ORIGIN: Final = 4403
MOVED: Final = 4409
TOO_BUSY: Final = 4429
_MAX_MESSAGE_CHARACTERS: Final = 64_000
_MAX_TEXT_CHARACTERS: Final = 4_000
_MAX_MESSAGES_PER_10_S: Final = 200
# What an ended call says to its owner only.
_OURS: Final = frozenset({"cost_credits", "call_url"})


class BadMessage(ValueError):
    """A frame that is none of ours; the text says what is wrong with it."""


def parse_message(text: str | None) -> dict[str, Any]:
    """Return a frame as an object with a `type`, or raise `BadMessage`."""
    if text is None:
        raise BadMessage("Send text, not bytes.")
    if len(text) > _MAX_MESSAGE_CHARACTERS:
        raise BadMessage("The message is too long.")
    try:
        message = json.loads(text)
        check_value(message)  # what could neither be stored nor handed on
    except (ValueError, RecursionError) as error:
        raise BadMessage("The message is not JSON.") from error
    except RefusedBody as error:
        raise BadMessage(str(error)) from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage("The message needs a type.")
    return message


def command_data(message: dict[str, Any]) -> dict[str, Any]:
    """Return what a command to the voice node carries, or raise `BadMessage`."""
    match message["type"]:
        case "offer":
            sdp = message.get("sdp")
            if not isinstance(sdp, str) or not sdp:
                raise BadMessage("An offer needs its sdp as text.")
            return {"sdp": sdp}
        case "candidate":
            candidate = message.get("candidate")
            if candidate is not None and not isinstance(candidate, dict):
                raise BadMessage("A candidate is an object, or null at the end.")
            return {"candidate": candidate}
        case "text":
            text = message.get("text")
            if not isinstance(text, str) or not text.strip():
                raise BadMessage("A text needs words.")
            if len(text) > _MAX_TEXT_CHARACTERS:
                raise BadMessage("The text is too long.")
            return {"text": text.strip()}
        case "mute":
            return {"muted": bool(message.get("muted"))}
        case "begin" | "hangup":
            return {}
        case _:
            raise BadMessage("The message has an unknown type.")


class Pace:
    """Counts a socket's messages, so that none keeps a voice process busy."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._count = 0

    def is_flooding(self) -> bool:
        """Count one more; return whether it is too many within ten seconds."""
        now = time.monotonic()
        if now - self._started > 10:
            self._started, self._count = now, 0
        self._count += 1
        return self._count > _MAX_MESSAGES_PER_10_S


class NoConsumer(AsyncWebsocketConsumer):
    """Turns away a socket at an address where nothing is."""

    async def connect(self) -> None:
        await self.close()


class CallConsumer(AsyncWebsocketConsumer):
    """One browser in one call."""

    seat: Seat | None = None

    async def connect(self) -> None:
        await self.accept()
        try:
            self.seat = await self._take_seat()
        except BadCallToken:
            await self._error(
                "bad_call_token",
                "This call link is no longer valid. Start the call again.",
            )
            await self.close(BAD_TOKEN)
            return
        except OriginRefused:
            await self._error(
                "origin_not_allowed", "This website may not join the call."
            )
            await self.close(BAD_ORIGIN)
            return
        group = bus.call_group(self.seat.call_id)
        # Tell the tab before us first, so that the news does not reach ourselves.
        await self.channel_layer.group_send(group, {"type": "call.moved"})
        await self.channel_layer.group_add(group, self.channel_name)
        self._pace = Pace()
        await self._send(
            {
                "type": "welcome",
                "call_id": str(self.seat.call_id),
                "resume_token": self.seat.resume_token,
                "state": {"status": self.seat.status},
            }
        )

    async def _take_seat(self) -> Seat:
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        token = (query.get("token") or [""])[0]
        call_id: UUID = self.scope["url_route"]["kwargs"]["call_id"]
        portal = await self._portal()
        if not token:
            raise BadCallToken
        seat: Seat = await database_sync_to_async(take_seat)(
            call_id=call_id, token=token, origin=self._header(b"origin")
        )
        if portal is not None and seat.agency_id != portal.agency_id:
            raise BadCallToken
        return seat

    async def _portal(self) -> Portal | None:
        host = self._header(b"host")
        try:
            portal: Portal | None = await database_sync_to_async(find_portal)(host)
        except UnknownHost as error:
            raise BadCallToken from error
        return portal

    def _header(self, name: bytes) -> str:
        value: bytes = dict(self.scope["headers"]).get(name, b"")
        return value.decode("latin-1")

    async def disconnect(self, code: int) -> None:
        if self.seat is not None:
            await self.channel_layer.group_discard(
                bus.call_group(self.seat.call_id), self.channel_name
            )

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        if self.seat is None:
            return
        if self._pace.is_flooding():
            await self._error("too_many_messages", "Too many messages. Slow down.")
            await self.close(TOO_BUSY)
            return
        try:
            message = parse_message(text_data)
            await self._handle(self.seat, message)
        except BadMessage as error:
            await self._error("invalid_message", str(error))

    async def _handle(self, seat: Seat, message: dict[str, Any]) -> None:
        if message["type"] == "ping":
            await self._send({"type": "pong"})
        else:
            await self._command(seat, message["type"], command_data(message))

    async def _command(self, seat: Seat, command: str, data: dict[str, Any]) -> None:
        if seat.node_id is not None:
            await bus.send_command(seat.node_id, command, seat.call_id, data)

    async def call_event(self, message: dict[str, Any]) -> None:
        """Show what the voice process says; after the end, close."""
        event = message["event"]
        if self.seat is not None and self.seat.is_of_stranger:
            if event.get("type") == "listener":  # names of the house's own people
                return
            event = {name: told for name, told in event.items() if name not in _OURS}
        await self._send(event)
        if event.get("type") == "ended":
            await self.close(1000)

    async def call_moved(self, message: dict[str, Any]) -> None:
        """Another tab took this call over."""
        await self._error("moved", "This call goes on in another tab.")
        await self.close(MOVED)

    async def _error(self, code: str, text: str) -> None:
        await self._send({"type": "error", "code": code, "message": text})

    async def _send(self, message: dict[str, Any]) -> None:
        await self.send(json.dumps(message))
