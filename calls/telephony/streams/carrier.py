"""What carriers of media streams have in common: their calls, from the first ring to the end.

    place ──dial──▶ carrier ──websocket──▶ stream ──▶ leg
    caller ──event──▶ take in ──▶ receptionist ──answer──▶ carrier ──websocket──▶ stream

A stream is let in by an unguessable address that only the carrier was told. Whatever
ends a call, its socket, its names and its order are forgotten together.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar
from uuid import UUID

from aiohttp import WSMsgType, web

from calls.media.link import LinkEnd
from calls.telephony.protocol import (
    CarrierSetup,
    IncomingCall,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    RejectReason,
    TrunkConfig,
    TrunkHealth,
)
from calls.telephony.receiving import show
from calls.telephony.streams.door import public_url, shared_door, socket_url
from calls.telephony.streams.leg import LineControl, StreamLeg
from calls.telephony.streams.wire import BadMessage, Event, Key, Media, Started, Stopped

logger = logging.getLogger(__name__)

REQUEST_S: Final = 8.0  # a vendor's API answers in this time, or is away
MAX_MESSAGE_BYTES: Final = 64 * 1024


class StreamLine(LineControl):
    """One call at a carrier. `token` is its address here, `name` what the carrier calls it."""

    def __init__(self, carrier: str, trunk_id: UUID) -> None:
        self.trunk_id = trunk_id
        self.token = secrets.token_urlsafe(24)
        self.stream_url = socket_url(f"/{carrier}/stream/{self.token}")
        self.name = ""


L = TypeVar("L", bound=StreamLine)


@dataclass(frozen=True)
class LiveStream(Generic[L]):
    """A call that goes on, from its first ring."""

    line: L
    leg: StreamLeg


class StreamCarrier(ABC, Generic[L]):
    """The `Carrier` of one voice process; a carrier adds its API, its events, its words."""

    name: ClassVar[str]
    label: ClassVar[str]

    def __init__(self, setup: CarrierSetup) -> None:
        self._receptionist = setup.receptionist
        self._trunks: dict[UUID, TrunkConfig] = {}
        self._calls: dict[str, LiveStream[L]] = {}  # by token
        self._named: dict[str, LiveStream[L]] = {}  # by the carrier's name
        self._placed: dict[UUID, LiveStream[L]] = {}  # by the order's id
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what each carrier has of its own ---

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the carrier's events."""

    @abstractmethod
    def line_on(self, trunk: TrunkConfig) -> L:
        """Return the line of a new call."""

    @abstractmethod
    async def dial(self, line: L, trunk: TrunkConfig, request: PlaceRequest) -> str:
        """Have the carrier ring; return its name for the call, or raise `NotAnswered`."""

    @abstractmethod
    def decode(self, text: str) -> Event:
        """Read a message of a stream, or raise `BadMessage`."""

    @abstractmethod
    def encode(self, stream: str, payload: bytes) -> str:
        """Return the message that plays µ-law to the other side."""

    # --- Carrier ---

    async def start(self) -> None:
        app = web.Application()
        self.add_routes(app.router)
        app.router.add_get("/stream/{token}", self._stream)
        shared_door().mount(self.name, app)
        if public_url():
            await shared_door().open()

    async def configure(self, trunks: Sequence[TrunkConfig]) -> None:
        self._trunks = {trunk.id: trunk for trunk in trunks}

    def health(self) -> dict[UUID, TrunkHealth]:
        return {
            trunk_id: TrunkHealth(
                trunk_id,
                live_calls=sum(
                    call.line.trunk_id == trunk_id for call in self._calls.values()
                ),
            )
            for trunk_id in self._trunks
        }

    async def place(self, request: PlaceRequest) -> StreamLeg:
        if (known := self._placed.get(request.call_id)) is not None:
            return known.leg
        trunk = self._trunks.get(request.trunk_id) if request.trunk_id else None
        if trunk is None or not public_url():
            raise NotAnswered(
                NoAnswerOutcome.FAILED,
                f"{self.label} has no trunk here, or STREAM_PUBLIC_URL is not set.",
            )
        call = self._keep(self.line_on(trunk))
        self._placed[request.call_id] = call
        try:
            self.rename(call, await self.dial(call.line, trunk, request))
        except BaseException:
            call.leg.finish(LinkEnd.LOCAL_CLOSE)
            raise
        if call.leg.is_closed:  # hung up before the carrier had a name for it
            await call.line.hang_up()
        return call.leg

    async def aclose(self) -> None:
        for call in list(self._calls.values()):
            await call.leg.aclose()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await shared_door().leave(self.name)

    # --- for its events ---

    def trunk_at(self, request: web.Request) -> TrunkConfig | None:
        """Return the trunk that an event's address names."""
        try:
            return self._trunks.get(UUID(request.match_info["trunk"]))
        except ValueError:
            return None

    def trunk_of(self, line: L) -> TrunkConfig | None:
        """Return the trunk of a call as it is set up now."""
        return self._trunks.get(line.trunk_id)

    def call_named(self, name: str) -> LiveStream[L] | None:
        """Return the call that the carrier calls so."""
        return self._named.get(name)

    def call_at(self, token: str) -> LiveStream[L] | None:
        """Return the call of an address here."""
        return self._calls.get(token)

    def take_in(
        self, trunk: TrunkConfig, *, name: str, caller: str, called: str
    ) -> LiveStream[L] | None:
        """Show a call that rings to the receptionist; the same one again is no second."""
        if self._receptionist is None:
            return None
        if (known := self.call_named(name)) is not None:
            return known
        call = self._keep(self.line_on(trunk))
        self.rename(call, name)
        incoming = IncomingCall(
            carrier=self.name,
            trunk_id=trunk.id,
            reference=name,
            caller=caller,
            called=called,
            leg=call.leg,
        )
        self._start(self._receive(incoming))
        return call

    def rename(self, call: LiveStream[L], name: str) -> None:
        """Take down what the carrier calls a call, unless it is over by now."""
        call.line.name = name
        if name and not call.leg.is_closed:
            self._named[name] = call

    # --- inside ---

    async def _receive(self, call: IncomingCall) -> None:
        assert self._receptionist is not None
        try:
            await show(call, self._receptionist)
        finally:
            await call.leg.reject(RejectReason.FAILED)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """A call's audio, let in by its address; once."""
        call = self.call_at(request.match_info["token"])
        if call is None or call.leg.is_connected:
            return web.Response(status=404)
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, heartbeat=20)
        await socket.prepare(request)
        self._start(_close_with(call.leg, socket))
        is_ours = False
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                event = self.decode(message.data)
                if isinstance(event, Started) and not is_ours:
                    is_ours = self._connect(call, event, socket)
                if isinstance(event, Stopped) or not (is_ours or event is None):
                    break
                if isinstance(event, Media):
                    call.leg.hear(event.payload)
                elif isinstance(event, Key):
                    call.leg.press(event.digit)
        except BadMessage:
            logger.warning("no media stream of ours", exc_info=True)
        finally:
            if is_ours:
                call.leg.finish(LinkEnd.REMOTE_HANGUP)
            await socket.close()
        return socket

    def _connect(
        self, call: LiveStream[L], started: Started, socket: web.WebSocketResponse
    ) -> bool:
        async def send(payload: bytes) -> None:
            await socket.send_str(self.encode(started.stream, payload))

        if not call.leg.connect(send):
            return False
        self.rename(call, started.call)
        return True

    def _keep(self, line: L) -> LiveStream[L]:
        call = LiveStream(line, StreamLeg(line))
        self._calls[line.token] = call
        call.leg.on_closed(lambda: self._drop(call))
        return call

    def _drop(self, call: LiveStream[L]) -> None:
        self._calls.pop(call.line.token, None)
        for known in (self._named, self._placed):
            for key in [key for key, one in known.items() if one is call]:
                del known[key]  # type: ignore[arg-type]

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _close_with(leg: StreamLeg, socket: web.WebSocketResponse) -> None:
    """Close a call's socket once the call is over, whoever ended it."""
    await leg.wait_closed()
    await socket.close()
