"""Calls over Twilio's API and media streams, for trunks of organizations' own accounts.

    place ──REST──▶ Twilio ──websocket──▶ here       status callbacks: busy, no answer …
    caller ──▶ Twilio ──voice webhook──▶ here: TwiML ──websocket──▶ here

Whatever comes in is signed by Twilio with the account's token, or is refused.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final
from uuid import UUID

from aiohttp import web
from django.conf import settings
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from calls.media.link import LinkEnd
from calls.telephony.protocol import (
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    RejectReason,
    TrunkConfig,
)
from calls.telephony.streams.carrier import REQUEST_S, StreamCarrier, StreamLine
from calls.telephony.streams.door import public_url
from calls.telephony.streams.wire import Event
from calls.telephony.twilio import wire

logger = logging.getLogger(__name__)

# Regions are islands: the token of an account is another one in each.
_PLACES: Final = {"eu": {"region": "ie1", "edge": "dublin"}}
DECIDE_S: Final = 12.0  # Twilio waits 15 s for our TwiML


def client_of(config: TrunkConfig) -> Client:
    """Return Twilio's own client for an account; its requests end within `REQUEST_S`."""
    # Whoever names another server has said where that is.
    chosen = "" if settings.TWILIO_API_URL else config.settings.get("data_region", "")
    client = Client(
        str(config.settings.get("username", "")),
        config.secrets.get("password", ""),
        **_PLACES.get(str(chosen), {}),
        http_client=AsyncTwilioHttpClient(pool_connections=False, timeout=REQUEST_S),
    )
    if settings.TWILIO_API_URL:
        client.api.base_url = settings.TWILIO_API_URL
    return client


class TwilioLine(StreamLine):
    """One call of an account. `twiml` is what Twilio is to do with one that rings here.

    Twilio has no command for keys on a call that streams: they go as tones.
    """

    def __init__(self, client: Client, trunk_id: UUID) -> None:
        super().__init__("twilio", trunk_id)
        self.client = client
        self.twiml: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(self) -> None:
        self._decide(wire.connect_twiml(self.stream_url))

    async def reject(self, reason: RejectReason) -> None:
        self._decide(wire.reject_twiml(reason))

    async def hang_up(self) -> None:
        self._decide(wire.reject_twiml(RejectReason.DECLINED))
        if not self.name:
            return
        try:
            await self.client.calls(self.name).update_async(status="completed")
        except (TwilioException, TimeoutError, OSError):  # over already, or away
            logger.info("call not hung up", exc_info=True)

    def _decide(self, twiml: str) -> None:
        if not self.twiml.done():
            self.twiml.set_result(twiml)


class TwilioCarrier(StreamCarrier[TwilioLine]):
    """The `Carrier` of one voice process."""

    name = "twilio"
    label = "Twilio"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/voice/{trunk}", self._voice)
        router.add_post("/status/{token}", self._status)

    def line_on(self, trunk: TrunkConfig) -> TwilioLine:
        return TwilioLine(client_of(trunk), trunk.id)

    async def dial(
        self, line: TwilioLine, trunk: TrunkConfig, request: PlaceRequest
    ) -> str:
        try:
            made = await line.client.calls.create_async(
                to=request.destination,
                from_=request.caller_id,
                twiml=wire.connect_twiml(line.stream_url),
                timeout=round(request.ring_timeout_s),
                status_callback=f"{public_url()}/twilio/status/{line.token}",
                status_callback_event=["completed"],
            )
        except TwilioRestException as error:
            raise NotAnswered(
                NoAnswerOutcome.FAILED, error.msg, code=str(error.code or error.status)
            ) from error
        except (TwilioException, TimeoutError, OSError) as error:
            raise NotAnswered(
                NoAnswerOutcome.FAILED, "Twilio cannot be reached."
            ) from error
        return str(made.sid)

    def decode(self, text: str) -> Event:
        return wire.decode(text)

    def encode(self, stream: str, payload: bytes) -> str:
        return wire.encode_media(stream, payload)

    # --- what Twilio asks ---

    async def _voice(self, request: web.Request) -> web.Response:
        """A call rings at a number of a trunk: answer with what to do."""
        trunk = self.trunk_at(request)
        form = await _signed_form(request, trunk)
        if trunk is None or form is None:
            return web.Response(status=403)
        call = self.take_in(
            trunk,
            name=form.get("CallSid", ""),
            caller=form.get("From", ""),
            called=form.get("To", ""),
        )
        if call is None:
            return web.Response(status=403)
        return web.Response(text=await _decision(call.line), content_type="text/xml")

    async def _status(self, request: web.Request) -> web.Response:
        """A call we made has ended, perhaps without an answer."""
        call = self.call_at(request.match_info["token"])
        if call is None:
            return web.Response(status=404)
        form = await _signed_form(request, self.trunk_of(call.line))
        if form is None:
            return web.Response(status=403)
        status, code = form.get("CallStatus", ""), form.get("SipResponseCode", "")
        outcome = wire.outcome_of(status, code)
        if outcome is not None:
            call.leg.refuse(
                NotAnswered(outcome, f"Twilio says {status}.", code=code or status)
            )
        elif status == "completed":
            call.leg.finish(LinkEnd.REMOTE_HANGUP)
        return web.Response(status=204)


async def _decision(line: TwilioLine) -> str:
    try:
        async with asyncio.timeout(DECIDE_S):
            return await asyncio.shield(line.twiml)
    except TimeoutError:
        return wire.reject_twiml(RejectReason.FAILED)


async def _signed_form(
    request: web.Request, trunk: TrunkConfig | None
) -> dict[str, str] | None:
    """Return a webhook's fields when Twilio signed them for this account."""
    form = {name: str(value) for name, value in (await request.post()).items()}
    if trunk is None:
        return None
    validator = RequestValidator(trunk.secrets.get("password", ""))
    signature = request.headers.get("X-Twilio-Signature", "")
    url = f"{public_url()}{request.path_qs}"
    return form if validator.validate(url, form, signature) else None
