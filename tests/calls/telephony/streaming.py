"""A carrier of media streams on this machine, opened against its own fake."""

from __future__ import annotations

import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from calls.telephony.protocol import (
    CarrierSetup,
    IncomingCall,
    PlaceRequest,
    RejectReason,
    TrunkConfig,
)
from calls.telephony.telnyx.carrier import TelnyxCarrier
from calls.telephony.twilio.carrier import TwilioCarrier
from common.ids import uuid7
from tests.fakes import telnyx_server, twilio_server
from tests.fakes.telnyx_server import FakeTelnyx
from tests.fakes.twilio_server import FakeTwilio

TRUNK = UUID("01970000-0000-7000-8000-000000000001")
CALLER = "+31201234502"


class Desk:
    """Answers callers, or turns them away."""

    def __init__(self, reject: RejectReason | None = None) -> None:
        self.calls: list[IncomingCall] = []
        self._reject = reject

    async def receive(self, call: IncomingCall) -> None:
        self.calls.append(call)
        if self._reject is not None:
            await call.leg.reject(self._reject)
            return
        await call.leg.answer()
        await call.leg.wait_closed()


def order(destination: str) -> PlaceRequest:
    return PlaceRequest(
        call_id=uuid7(), caller_id=CALLER, destination=destination, trunk_id=TRUNK
    )


def take_a_port(settings: Any) -> str:
    """Have carriers come in by a free port; return its address."""
    with sockets.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        port: int = probe_socket.getsockname()[1]
    settings.STREAM_PORT = port
    settings.STREAM_PUBLIC_URL = f"http://127.0.0.1:{port}"
    return f"http://127.0.0.1:{port}"


def twilio_trunk(password: str = twilio_server.TOKEN) -> TrunkConfig:
    return TrunkConfig(
        id=TRUNK,
        carrier="twilio",
        settings={"username": twilio_server.ACCOUNT},
        secrets={"password": password},
        numbers=frozenset({CALLER}),
    )


def telnyx_trunk(public_key: str, password: str = telnyx_server.API_KEY) -> TrunkConfig:
    return TrunkConfig(
        id=TRUNK,
        carrier="telnyx",
        settings={"username": telnyx_server.CONNECTION, "public_key": public_key},
        secrets={"password": password},
    )


@asynccontextmanager
async def twilio(
    settings: Any, desk: Desk | None = None, *, password: str = twilio_server.TOKEN
) -> AsyncIterator[tuple[FakeTwilio, TwilioCarrier]]:
    async with FakeTwilio() as server:
        settings.TWILIO_API_URL = server.url
        carrier = TwilioCarrier(CarrierSetup(receptionist=desk))
        await carrier.start()
        await carrier.configure([twilio_trunk(password)])
        try:
            yield server, carrier
        finally:
            await carrier.aclose()


@asynccontextmanager
async def telnyx(
    settings: Any, desk: Desk | None = None, *, password: str = telnyx_server.API_KEY
) -> AsyncIterator[tuple[FakeTelnyx, TelnyxCarrier]]:
    async with FakeTelnyx() as server:
        settings.TELNYX_API_URL = server.url
        carrier = TelnyxCarrier(CarrierSetup(receptionist=desk))
        await carrier.start()
        await carrier.configure([telnyx_trunk(server.public_key, password)])
        try:
            yield server, carrier
        finally:
            await carrier.aclose()
