"""Calls over Twilio's API and media streams, for trunks of organizations' own accounts.

    place ──REST──▶ Twilio ──websocket──▶ here       status callbacks: busy, no answer …
    caller ──▶ Twilio ──voice webhook──▶ here: TwiML ──websocket──▶ here

Whatever comes in is signed by Twilio with the account's token, or is refused. A stream
is let in by a token of ours besides, which its TwiML carried.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from aiohttp import WSMsgType, web
from django.conf import settings
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

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
from calls.telephony.twilio import wire

logger = logging.getLogger(__name__)

REQUEST_S: Final = 8.0
DECIDE_S: Final = 12.0  # Twilio waits 15 s for our TwiML
MAX_MESSAGE_BYTES: Final = 64 * 1024


def client_of(config: TrunkConfig) -> Client:
    """Return Twilio's own client for an account; its requests end within `REQUEST_S`."""
    client = Client(
        str(config.settings.get("username", "")),
        config.secrets.get("password", ""),
        http_client=AsyncTwilioHttpClient(pool_connections=False, timeout=REQUEST_S),
    )
    if settings.TWILIO_API_URL:
        client.api.base_url = settings.TWILIO_API_URL
    return client


class TwilioLine(LineControl):
    """One call of an account. `twiml` is what Twilio is to do with one that rings here."""

    def __init__(self, client: Client, token: str) -> None:
        self._client, self.token = client, token
        self.call_sid = ""
        self.twiml: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(self) -> None:
        self._decide(wire.connect_twiml(socket_url("/twilio/stream"), self.token))

    async def reject(self, reason: RejectReason) -> None:
        self._decide(wire.reject_twiml(reason))

    async def hang_up(self) -> None:
        self._decide(wire.reject_twiml(RejectReason.DECLINED))
        if not self.call_sid:
            return
        try:
            await self._client.calls(self.call_sid).update_async(status="completed")
        except TwilioException:  # it is over already, or Twilio is away and will notice
            logger.info("call not hung up", exc_info=True)

    async def send_digits(self, digits: str) -> None:
        """Refuse: Twilio takes no keys on a call that streams."""
        raise ValueError("This carrier presses no keys while a call goes on.")

    def _decide(self, twiml: str) -> None:
        if not self.twiml.done():
            self.twiml.set_result(twiml)


class TwilioCarrier:
    """The `Carrier` of one voice process."""

    def __init__(self, setup: CarrierSetup) -> None:
        self._receptionist = setup.receptionist
        self._trunks: dict[UUID, TrunkConfig] = {}
        self._legs: dict[str, StreamLeg] = {}  # by our token
        self._lines: dict[str, TwilioLine] = {}
        self._placed: dict[UUID, StreamLeg] = {}
        self._by_sid: dict[str, str] = {}
        self._receiving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/voice/{trunk}", self._voice)
        app.router.add_post("/status/{token}", self._status)
        app.router.add_get("/stream", self._stream)
        shared_door().mount("twilio", app)
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
            detail = "Twilio has no trunk here, or STREAM_PUBLIC_URL is not set."
            raise NotAnswered(NoAnswerOutcome.FAILED, detail)
        line = TwilioLine(client_of(trunk), secrets.token_urlsafe(24))
        leg = self._keep(line)
        self._placed[request.call_id] = leg
        try:
            made = await line._client.calls.create_async(
                to=request.destination,
                from_=request.caller_id,
                twiml=wire.connect_twiml(socket_url("/twilio/stream"), line.token),
                timeout=round(request.ring_timeout_s),
                status_callback=f"{public_url()}/twilio/status/{line.token}",
                status_callback_event=["completed"],
            )
        except TwilioRestException as error:
            self._forget(line, request.call_id)
            raise NotAnswered(
                NoAnswerOutcome.FAILED, error.msg, code=str(error.code or error.status)
            ) from error
        except (TwilioException, TimeoutError, OSError) as error:
            self._forget(line, request.call_id)
            raise NotAnswered(
                NoAnswerOutcome.FAILED, "Twilio cannot be reached."
            ) from error
        line.call_sid = str(made.sid)
        self._by_sid[line.call_sid] = line.token
        return leg

    async def aclose(self) -> None:
        for leg in list(self._legs.values()):
            await leg.aclose()
        if self._receiving:
            await asyncio.wait(self._receiving)
        await shared_door().leave("twilio")

    # --- what Twilio asks ---

    async def _voice(self, request: web.Request) -> web.Response:
        """A call rings at a number of a trunk: answer with what to do."""
        trunk = self._trunk(request.match_info["trunk"])
        form = await self._signed_form(request, trunk)
        if trunk is None or form is None or self._receptionist is None:
            return web.Response(status=403)
        sid = form.get("CallSid", "")
        token = self._by_sid.get(sid)
        if token is None:
            line = TwilioLine(client_of(trunk), secrets.token_urlsafe(24))
            line.call_sid, token = sid, line.token
            self._by_sid[sid] = token
            leg = self._keep(line)
            task = asyncio.create_task(self._receive(trunk, form, leg))
            self._receiving.add(task)
            task.add_done_callback(self._receiving.discard)
        twiml = await self._decision(self._lines.get(token))
        return web.Response(text=twiml, content_type="text/xml")

    async def _decision(self, line: TwilioLine | None) -> str:
        if line is None:
            return wire.reject_twiml(RejectReason.FAILED)
        try:
            async with asyncio.timeout(DECIDE_S):
                return await asyncio.shield(line.twiml)
        except TimeoutError:
            return wire.reject_twiml(RejectReason.FAILED)

    async def _receive(
        self, trunk: TrunkConfig, form: Mapping[str, str], leg: StreamLeg
    ) -> None:
        assert self._receptionist is not None
        try:
            await self._receptionist.receive(
                IncomingCall(
                    carrier="twilio",
                    trunk_id=trunk.id,
                    reference=form["CallSid"],
                    caller=form.get("From", ""),
                    called=form.get("To", ""),
                    leg=leg,
                )
            )
        except Exception:  # a desk that breaks turns one caller away, no more
            logger.exception("caller not received")
        finally:
            await leg.reject(RejectReason.FAILED)

    async def _status(self, request: web.Request) -> web.Response:
        """A call we made has ended, perhaps without an answer."""
        token = request.match_info["token"]
        leg, line = self._legs.get(token), self._lines.get(token)
        if leg is None or line is None:
            return web.Response(status=404)
        trunk = next((t for t in self._trunks.values() if self._owns(t, line)), None)
        form = await self._signed_form(request, trunk)
        if form is None:
            return web.Response(status=403)
        status, code = form.get("CallStatus", ""), form.get("SipResponseCode", "")
        outcome = wire.outcome_of(status, code)
        if outcome is not None:
            leg.refuse(
                NotAnswered(outcome, f"Twilio says {status}.", code=code or status)
            )
        elif status == "completed":
            leg.finish(LinkEnd.REMOTE_HANGUP)
        return web.Response(status=204)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """A call's audio: let in by the token its TwiML carried."""
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, heartbeat=20)
        await socket.prepare(request)
        leg: StreamLeg | None = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                event = wire.decode(message.data)
                if isinstance(event, wire.Started):
                    leg = self._let_in(socket, event)
                if isinstance(event, wire.Started | wire.Stopped) and (
                    leg is None or isinstance(event, wire.Stopped)
                ):
                    break
                if leg is not None:
                    _pass_on(leg, event)
        except wire.BadMessage:
            logger.warning("no media stream of ours", exc_info=True)
        finally:
            if leg is not None:
                leg.finish(LinkEnd.REMOTE_HANGUP)
            await socket.close()
        return socket

    def _let_in(
        self, socket: web.WebSocketResponse, started: wire.Started
    ) -> StreamLeg | None:
        token = started.parameters.get("token", "")
        leg, line = self._legs.get(token), self._lines.get(token)
        if leg is None or line is None:
            return None
        line.call_sid = started.call_sid
        sid = started.stream_sid

        async def send(payload: bytes) -> None:
            await socket.send_str(wire.encode_media(sid, payload))

        if not leg.connect(send):
            return None
        closing = asyncio.create_task(close_with(leg, socket), name="stream-close")
        self._receiving.add(closing)
        closing.add_done_callback(self._receiving.discard)
        return leg

    # --- inside ---

    def _trunk(self, text: str) -> TrunkConfig | None:
        try:
            return self._trunks.get(UUID(text))
        except ValueError:
            return None

    def _owns(self, trunk: TrunkConfig, line: TwilioLine) -> bool:
        return bool(trunk.settings.get("username") == line._client.username)

    async def _signed_form(
        self, request: web.Request, trunk: TrunkConfig | None
    ) -> dict[str, str] | None:
        """Return a webhook's fields when Twilio signed them for this account."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if trunk is None:
            return None
        validator = RequestValidator(trunk.secrets.get("password", ""))
        signature = request.headers.get("X-Twilio-Signature", "")
        url = f"{public_url()}{request.path_qs}"
        return form if validator.validate(url, form, signature) else None

    def _keep(self, line: TwilioLine) -> StreamLeg:
        leg = StreamLeg(line)
        self._legs[line.token], self._lines[line.token] = leg, line
        closing: Any = leg._closed
        closing.add_done_callback(lambda _: self._drop(line))
        return leg

    def _forget(self, line: TwilioLine, call_id: UUID) -> None:
        self._placed.pop(call_id, None)
        leg = self._legs.get(line.token)
        if leg is not None:
            leg.finish(LinkEnd.LOCAL_CLOSE)

    def _drop(self, line: TwilioLine) -> None:
        leg = self._legs.pop(line.token, None)
        self._placed = {key: one for key, one in self._placed.items() if one is not leg}
        self._lines.pop(line.token, None)
        self._by_sid.pop(line.call_sid, None)


def _pass_on(leg: StreamLeg, event: wire.Event) -> None:
    if isinstance(event, wire.Media):
        leg.hear(event.payload)
    elif isinstance(event, wire.Key):
        leg.press(event.digit)
