"""Calls over Telnyx's call control and media streams, for organizations' own accounts.

    place ──REST──▶ Telnyx ──websocket──▶ here      events: answered, hung up and why
    caller ──▶ Telnyx ──event──▶ here: answer ──REST──▶ Telnyx ──websocket──▶ here

Events are signed by Telnyx with the account's key, or are refused. A stream is let in
by an unguessable address that only Telnyx was told.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from aiohttp import WSMsgType, web
from django.conf import settings
from telnyx import APIConnectionError, APIStatusError, AsyncTelnyx

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
from calls.telephony.streams.door import (
    close_with,
    public_url,
    shared_door,
    socket_url,
)
from calls.telephony.streams.leg import LineControl, StreamLeg
from calls.telephony.telnyx import wire
from calls.telephony.telnyx.signing import is_signed

logger = logging.getLogger(__name__)

REQUEST_S: Final = 8.0
MAX_MESSAGE_BYTES: Final = 64 * 1024
_STREAM: Final[dict[str, Any]] = {
    "stream_track": "inbound_track",
    "stream_bidirectional_mode": "rtp",
    "stream_bidirectional_codec": "PCMU",
}


def client_of(config: TrunkConfig) -> AsyncTelnyx:
    """Return Telnyx's own client for an account; its requests end within `REQUEST_S`."""
    return AsyncTelnyx(
        api_key=config.secrets.get("password", ""),
        base_url=settings.TELNYX_API_URL or None,
        timeout=REQUEST_S,
        max_retries=0,
    )


class TelnyxLine(LineControl):
    """One call of an account."""

    def __init__(self, client: AsyncTelnyx) -> None:
        self.client, self.token = client, secrets.token_urlsafe(24)
        self.call_control_id = ""

    @property
    def stream_url(self) -> str:
        return socket_url(f"/telnyx/stream/{self.token}")

    async def answer(self) -> None:
        try:
            await self.client.calls.actions.answer(
                self.call_control_id, stream_url=self.stream_url, **_STREAM
            )
        except (APIStatusError, APIConnectionError) as error:
            raise NotAnswered(NoAnswerOutcome.FAILED, _said(error)) from error

    async def reject(self, reason: RejectReason) -> None:
        cause: Any = wire.REJECTIONS[reason]
        await self._quietly(
            self.client.calls.actions.reject(self.call_control_id, cause=cause)
        )

    async def hang_up(self) -> None:
        if self.call_control_id:
            await self._quietly(self.client.calls.actions.hangup(self.call_control_id))

    async def send_digits(self, digits: str) -> None:
        await self._quietly(
            self.client.calls.actions.send_dtmf(self.call_control_id, digits=digits)
        )

    async def _quietly(self, request: Any) -> None:
        try:
            await request
        except (APIStatusError, APIConnectionError):  # over already, or away
            logger.info("call not steered", exc_info=True)


class TelnyxCarrier:
    """The `Carrier` of one voice process."""

    def __init__(self, setup: CarrierSetup) -> None:
        self._receptionist = setup.receptionist
        self._trunks: dict[UUID, TrunkConfig] = {}
        self._legs: dict[str, StreamLeg] = {}  # by our token
        self._lines: dict[str, TelnyxLine] = {}
        self._placed: dict[UUID, StreamLeg] = {}
        self._tokens: dict[str, str] = {}  # by the call control id
        self._receiving: set[asyncio.Task[None]] = set()
        self._clients: list[tuple[TrunkConfig, AsyncTelnyx]] = []

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/events/{trunk}", self._events)
        app.router.add_get("/stream/{token}", self._stream)
        shared_door().mount("telnyx", app)
        if public_url():
            await shared_door().open()

    async def configure(self, trunks: Sequence[TrunkConfig]) -> None:
        self._trunks = {trunk.id: trunk for trunk in trunks}

    def health(self) -> dict[UUID, TrunkHealth]:
        return {trunk_id: TrunkHealth(trunk_id) for trunk_id in self._trunks}

    async def place(self, request: PlaceRequest) -> StreamLeg:
        if (known := self._placed.get(request.call_id)) is not None:
            return known
        trunk = self._trunks.get(request.trunk_id) if request.trunk_id else None
        if trunk is None or not public_url():
            detail = "Telnyx has no trunk here, or STREAM_PUBLIC_URL is not set."
            raise NotAnswered(NoAnswerOutcome.FAILED, detail)
        line = TelnyxLine(self._client(trunk))
        leg = self._keep(line)
        self._placed[request.call_id] = leg
        try:
            made = await line.client.calls.dial(
                connection_id=str(trunk.settings.get("username", "")),
                from_=request.caller_id,
                to=request.destination,
                timeout_secs=round(request.ring_timeout_s),
                command_id=str(request.call_id),
                stream_url=line.stream_url,
                webhook_url=f"{public_url()}/telnyx/events/{trunk.id}",
                **_STREAM,
            )
        except (APIStatusError, APIConnectionError) as error:
            leg.finish(LinkEnd.LOCAL_CLOSE)
            code = str(error.status_code) if isinstance(error, APIStatusError) else ""
            raise NotAnswered(
                NoAnswerOutcome.FAILED, _said(error), code=code
            ) from error
        call_control_id = made.data.call_control_id if made.data else None
        self._name(line, str(call_control_id or ""))
        return leg

    async def aclose(self) -> None:
        for leg in list(self._legs.values()):
            await leg.aclose()
        if self._receiving:
            await asyncio.wait(self._receiving)
        for _trunk, client in self._clients:
            await client.close()
        self._clients.clear()
        await shared_door().leave("telnyx")

    # --- what Telnyx tells ---

    async def _events(self, request: web.Request) -> web.Response:
        """An event of a call; whatever is not signed is refused."""
        trunk = self._trunk(request.match_info["trunk"])
        text = await request.text()
        if trunk is None or not _is_signed(trunk, text, request):
            return web.Response(status=403)
        try:
            news = wire.read_event(await request.json())
        except (wire.BadMessage, ValueError):
            return web.Response(status=200)  # of another kind, and nothing to do about
        token = self._tokens.get(news.call_control_id)
        leg = self._legs.get(token) if token else None
        if news.kind == "call.initiated" and news.is_incoming and leg is None:
            self._take_in(trunk, news)
        elif news.kind == "call.hangup" and leg is not None:
            self._hung_up(leg, news)
        return web.Response(status=200)

    def _hung_up(self, leg: StreamLeg, news: wire.CallNews) -> None:
        if leg.offset_ms or leg.is_closed:
            leg.finish(LinkEnd.REMOTE_HANGUP)
            return
        leg.refuse(
            NotAnswered(
                wire.outcome_of(news.cause),
                f"Telnyx says {news.cause}.",
                code=news.sip_code or news.cause,
            )
        )

    def _take_in(self, trunk: TrunkConfig, news: wire.CallNews) -> None:
        if self._receptionist is None:
            return
        line = TelnyxLine(self._client(trunk))
        leg = self._keep(line)
        self._name(line, news.call_control_id)
        task = asyncio.create_task(self._receive(trunk, news, leg))
        self._receiving.add(task)
        task.add_done_callback(self._receiving.discard)

    async def _receive(
        self, trunk: TrunkConfig, news: wire.CallNews, leg: StreamLeg
    ) -> None:
        assert self._receptionist is not None
        try:
            await self._receptionist.receive(
                IncomingCall(
                    carrier="telnyx",
                    trunk_id=trunk.id,
                    reference=news.call_control_id,
                    caller=news.caller,
                    called=news.called,
                    leg=leg,
                )
            )
        except Exception:  # a desk that breaks turns one caller away, no more
            logger.exception("caller not received")
        finally:
            await leg.reject(RejectReason.FAILED)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """A call's audio: let in by its address."""
        leg = self._legs.get(request.match_info["token"])
        if leg is None:
            return web.Response(status=404)
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, heartbeat=20)
        await socket.prepare(request)

        async def send(payload: bytes) -> None:
            await socket.send_str(wire.encode_media(payload))

        closing = asyncio.create_task(close_with(leg, socket), name="stream-close")
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                event = wire.decode(message.data)
                if isinstance(event, wire.Stopped):
                    break
                if isinstance(event, wire.Started) and not leg.connect(send):
                    return socket  # a second stream of the same call
                _pass_on(leg, event)
        except wire.BadMessage:
            logger.warning("no media stream of ours", exc_info=True)
        finally:
            closing.cancel()
            await socket.close()
        leg.finish(LinkEnd.REMOTE_HANGUP)
        return socket

    # --- inside ---

    def _client(self, trunk: TrunkConfig) -> AsyncTelnyx:
        """Return the client of a trunk as it is set up now; closed with the carrier."""
        for known, client in self._clients:
            if known.secrets == trunk.secrets and known.id == trunk.id:
                return client
        client = client_of(trunk)
        self._clients.append((trunk, client))
        return client

    def _trunk(self, text: str) -> TrunkConfig | None:
        try:
            return self._trunks.get(UUID(text))
        except ValueError:
            return None

    def _keep(self, line: TelnyxLine) -> StreamLeg:
        leg = StreamLeg(line)
        self._legs[line.token], self._lines[line.token] = leg, line
        closing: Any = leg._closed
        closing.add_done_callback(lambda _: self._drop(line))
        return leg

    def _name(self, line: TelnyxLine, call_control_id: str) -> None:
        line.call_control_id = call_control_id
        self._tokens[call_control_id] = line.token

    def _drop(self, line: TelnyxLine) -> None:
        leg = self._legs.pop(line.token, None)
        self._placed = {key: one for key, one in self._placed.items() if one is not leg}
        self._lines.pop(line.token, None)
        self._tokens.pop(line.call_control_id, None)


def _pass_on(leg: StreamLeg, event: wire.Event) -> None:
    if isinstance(event, wire.Media):
        leg.hear(event.payload)
    elif isinstance(event, wire.Key):
        leg.press(event.digit)


def _is_signed(trunk: TrunkConfig, text: str, request: web.Request) -> bool:
    return is_signed(
        text,
        public_key=str(trunk.settings.get("public_key", "")),
        signature=request.headers.get("Telnyx-Signature-Ed25519", ""),
        timestamp=request.headers.get("Telnyx-Timestamp", ""),
    )


def _said(error: APIStatusError | APIConnectionError) -> str:
    if isinstance(error, APIStatusError):
        return f"Telnyx refused: {error.message}"[:300]
    return "Telnyx cannot be reached."
