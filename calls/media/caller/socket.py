"""A whole call as a page makes it: signalling over the websocket, then the report.

The audio outlives the socket: when that drops, the caller comes back with the resume
token of its welcome, as a page does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
from yarl import URL

from calls.media.caller.media import CallerMedia
from calls.media.caller.talk import Conversation, Heard, Turn
from calls.media.ice import IceServer
from calls.media.link import MediaNeverConnected
from calls.media.rtc_configuration import configuration_from

logger = logging.getLogger(__name__)

_RESUME_TRIES = 3
_ANSWER_S = 20.0
_ENDED_S = 15.0
_MAX_EVENTS = 2_000


@dataclass(frozen=True)
class Ticket:
    """What the start of a web call gives: who to talk to, and how."""

    call_id: str
    token: str
    server_url: str
    ice_servers: Sequence[IceServer] = ()


@dataclass
class CallReport:
    """One call as the caller lived it. Every time is in ms."""

    call_id: str = ""
    setup_ms: int | None = None
    answered_ms: int | None = None  # on the telephone, before any audio
    early_heard_ms: int = 0  # on the telephone, before the answer
    early_speech_ms: int = 0
    carrier_code: str = ""  # the SIP status of a call that was not answered
    end_reason: str | None = None
    duration_ms: int | None = None
    cost_credits: str | None = None
    error: str | None = None
    turns: list[Turn] = field(default_factory=list)
    audio: Heard = field(default_factory=Heard)
    events: list[dict[str, Any]] = field(default_factory=list)
    recording: bytes = b""  # s16 mono 16 kHz of what was heard

    @property
    def is_ended(self) -> bool:
        """Whether the server said that the call ended."""
        return self.end_reason is not None


async def call(
    http: aiohttp.ClientSession,
    ticket: Ticket,
    plan: Conversation,
    *,
    keeps_audio: bool = False,
    started_s: float | None = None,
) -> CallReport:
    """Make one call and return what came of it; a call that fails is a report too.

    `started_s`, of `time.monotonic`, is when the caller pressed the button: `setup_ms`
    counts from there to the first packet heard.
    """
    report = CallReport(call_id=ticket.call_id)
    started_s = time.monotonic() if started_s is None else started_s
    media = CallerMedia(
        configuration_from(ticket.ice_servers),
        max_kept_ms=int(plan.longest_s * 1000) if keeps_audio else 0,
    )
    signalling = _Signalling(http, ticket, report)
    try:
        await signalling.open()
        await media.accept(await signalling.exchange(await media.offer()))
        report.turns = await media.converse(plan, signalling.ended)
        await signalling.hang_up()
    except (aiohttp.ClientError, OSError, MediaNeverConnected, SignallingFailed) as e:
        report.error = report.error or str(e)
    finally:
        await signalling.aclose()
        report.audio = media.heard()
        report.recording = bytes(media.ear.kept)
        if media.first_packet_s is not None:
            report.setup_ms = round((media.first_packet_s - started_s) * 1000)
        await media.aclose()
    return report


class SignallingFailed(Exception):
    """The server refused, or said nothing in time."""


class _Signalling:
    def __init__(
        self, http: aiohttp.ClientSession, ticket: Ticket, report: CallReport
    ) -> None:
        self.ended = asyncio.Event()
        self._http = http
        self._url = URL(ticket.server_url)
        self._token = ticket.token
        self._report = report
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        self._socket = await self._connect()
        self._reader = asyncio.create_task(self._read())

    async def exchange(self, offer_sdp: str) -> str:
        """Send the offer and return the answer to it."""
        await self._send({"type": "offer", "sdp": offer_sdp})
        await self._send({"type": "candidate", "candidate": None})
        ended = asyncio.create_task(self.ended.wait())
        try:
            waited_for: list[asyncio.Future[Any]] = [self._answer, ended]
            await asyncio.wait(
                waited_for,
                timeout=_ANSWER_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            ended.cancel()
        if not self._answer.done():
            raise SignallingFailed(self._report.error or "The offer got no answer.")
        return self._answer.result()

    async def hang_up(self) -> None:
        """Say goodbye, and wait until the server says that the call ended."""
        if self.ended.is_set():
            return
        await self._send({"type": "hangup"})
        try:
            await asyncio.wait_for(self.ended.wait(), _ENDED_S)
        except TimeoutError:
            raise SignallingFailed("The server did not say that it ended.") from None

    async def aclose(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        self._answer.cancel()

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        url = self._url.update_query(token=self._token)
        return await self._http.ws_connect(url, heartbeat=20)

    async def _send(self, message: dict[str, Any]) -> None:
        if self._socket is None:
            raise SignallingFailed("There is no connection to the server.")
        await self._socket.send_str(json.dumps(message))

    async def _read(self) -> None:
        """Take messages until the call ends, coming back after a dropped socket."""
        tries = 0
        while not self.ended.is_set():
            assert self._socket is not None
            async for frame in self._socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    tries = 0
                    self._take(cast(dict[str, Any], json.loads(frame.data)))
            if self.ended.is_set():
                return
            tries += 1
            is_refused = (self._socket.close_code or 0) >= 4_000
            if is_refused or tries > _RESUME_TRIES:
                self._report.error = self._report.error or "The connection was closed."
                self.ended.set()
                return
            await asyncio.sleep(0.2 * tries)
            try:
                self._socket = await self._connect()
            except (aiohttp.ClientError, OSError):
                logger.info("the signalling socket did not come back yet")

    def _take(self, message: dict[str, Any]) -> None:
        report = self._report
        match message.get("type"):
            case "welcome":
                self._token = message.get("resume_token") or self._token
            case "answer":
                if not self._answer.done():
                    self._answer.set_result(message["sdp"])
                return
            case "error":
                report.error = report.error or message.get("message")
            case "ended":
                report.end_reason = message.get("end_reason") or ""
                report.duration_ms = message.get("duration_ms")
                report.cost_credits = message.get("cost_credits")
                self.ended.set()
        if len(report.events) < _MAX_EVENTS:
            report.events.append(message)
