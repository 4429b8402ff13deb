"""Calls over Telnyx's call control and media streams, for organizations' own accounts.

    place ──REST──▶ Telnyx ──websocket──▶ here      events: answered, hung up and why
    caller ──▶ Telnyx ──event──▶ here: answer ──REST──▶ Telnyx ──websocket──▶ here

Events are signed by Telnyx with the account's key, or are refused.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any, Final
from uuid import UUID

from aiohttp import web
from django.conf import settings
from telnyx import APIConnectionError, APIStatusError, AsyncTelnyx

from calls.media.link import LinkEnd
from calls.telephony.protocol import (
    CarrierSetup,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    RejectReason,
    TrunkConfig,
)
from calls.telephony.streams.carrier import (
    REQUEST_S,
    LiveStream,
    StreamCarrier,
    StreamLine,
)
from calls.telephony.streams.door import public_url
from calls.telephony.streams.wire import BadMessage, Event
from calls.telephony.telnyx import wire
from calls.telephony.telnyx.signing import is_signed

logger = logging.getLogger(__name__)

_SERVERS: Final = {"eu": "https://api.telnyx.eu/v2"}
_STREAM: Final[dict[str, Any]] = {
    "stream_track": "inbound_track",
    "stream_bidirectional_mode": "rtp",
    "stream_bidirectional_codec": "PCMU",
}


def client_of(config: TrunkConfig) -> AsyncTelnyx:
    """Return Telnyx's own client for an account; its requests end within `REQUEST_S`."""
    return AsyncTelnyx(
        api_key=config.secrets.get("password", ""),
        base_url=settings.TELNYX_API_URL
        or _SERVERS.get(str(config.settings.get("data_region", ""))),
        timeout=REQUEST_S,
        max_retries=0,
    )


class TelnyxLine(StreamLine):
    """One call of an account; Telnyx presses its keys."""

    presses_keys = True

    def __init__(self, client: AsyncTelnyx, trunk_id: UUID) -> None:
        super().__init__("telnyx", trunk_id)
        self.client = client

    async def answer(self) -> None:
        try:
            await self.client.calls.actions.answer(
                self.name, stream_url=self.stream_url, **_STREAM
            )
        except (APIStatusError, APIConnectionError) as error:
            raise NotAnswered(NoAnswerOutcome.FAILED, _said(error)) from error

    async def reject(self, reason: RejectReason) -> None:
        cause: Any = wire.REJECTIONS[reason]
        await _quietly(self.client.calls.actions.reject(self.name, cause=cause))

    async def hang_up(self) -> None:
        if self.name:
            await _quietly(self.client.calls.actions.hangup(self.name))

    async def send_digits(self, digits: str) -> None:
        await _quietly(self.client.calls.actions.send_dtmf(self.name, digits=digits))


class TelnyxCarrier(StreamCarrier[TelnyxLine]):
    """The `Carrier` of one voice process."""

    name = "telnyx"
    label = "Telnyx"

    def __init__(self, setup: CarrierSetup) -> None:
        super().__init__(setup)
        self._clients: list[tuple[TrunkConfig, AsyncTelnyx]] = []

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/events/{trunk}", self._events)

    def line_on(self, trunk: TrunkConfig) -> TelnyxLine:
        return TelnyxLine(self._client(trunk), trunk.id)

    async def dial(
        self, line: TelnyxLine, trunk: TrunkConfig, request: PlaceRequest
    ) -> str:
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
            code = str(error.status_code) if isinstance(error, APIStatusError) else ""
            raise NotAnswered(
                NoAnswerOutcome.FAILED, _said(error), code=code
            ) from error
        return str((made.data.call_control_id if made.data else None) or "")

    def decode(self, text: str) -> Event:
        return wire.decode(text)

    def encode(self, stream: str, payload: bytes) -> str:
        return wire.encode_media(payload)

    async def aclose(self) -> None:
        await super().aclose()
        for _trunk, client in self._clients:
            await client.close()
        self._clients.clear()

    # --- what Telnyx tells ---

    async def _events(self, request: web.Request) -> web.Response:
        """An event of a call; whatever is not signed is refused."""
        trunk = self.trunk_at(request)
        text = await request.text()
        if trunk is None or not _is_signed(trunk, text, request):
            return web.Response(status=403)
        try:
            news = wire.read_event(await request.json())
        except (BadMessage, ValueError):
            return web.Response(status=200)  # of another kind, and nothing to do about
        call = self.call_named(news.call_control_id)
        if news.kind == "call.initiated" and news.is_incoming:
            self.take_in(
                trunk,
                name=news.call_control_id,
                caller=news.caller,
                called=news.called,
            )
        elif news.kind == "call.hangup" and call is not None:
            _hung_up(call, news)
        return web.Response(status=200)

    def _client(self, trunk: TrunkConfig) -> AsyncTelnyx:
        """Return the client of a trunk as it is set up now; closed with the carrier."""
        for known, client in self._clients:
            if known.secrets == trunk.secrets and known.id == trunk.id:
                return client
        client = client_of(trunk)
        self._clients.append((trunk, client))
        return client


def _hung_up(call: LiveStream[TelnyxLine], news: wire.CallNews) -> None:
    if call.leg.is_connected:
        call.leg.finish(LinkEnd.REMOTE_HANGUP)
        return
    call.leg.refuse(
        NotAnswered(
            wire.outcome_of(news.cause),
            f"Telnyx says {news.cause}.",
            code=news.sip_code or news.cause,
        )
    )


async def _quietly(request: Awaitable[object]) -> None:
    try:
        await request
    except (APIStatusError, APIConnectionError):  # over already, or away
        logger.info("call not steered", exc_info=True)


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
