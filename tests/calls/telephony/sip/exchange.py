"""Two SIP carriers on loopback, and what tests do with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
from livekit import rtc

from calls.media.rtp_ports import RtpPorts
from calls.permitted import ANYWHERE, Permitted
from calls.telephony.protocol import IncomingCall, PlaceRequest, TrunkConfig
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.resolving import Resolver
from calls.telephony.sip.transport import Listening

HOST = "127.0.0.1"
CALLED, CALLER = "+31201234567", "+31612345678"

Answer = Callable[[IncomingCall], Awaitable[None]]


async def answer(call: IncomingCall) -> None:
    await call.leg.ring()
    await call.leg.answer()


@dataclass
class Desk:
    """A receptionist that writes down who called and does as it is told."""

    acts: Answer = answer
    calls: list[IncomingCall] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, call: IncomingCall) -> None:
        self.calls.append(call)
        self.arrived.set()
        await self.acts(call)


def trunk(**settings: Any) -> TrunkConfig:
    limits = {
        name: settings.pop(name)
        for name in ("max_channels", "calls_per_second", "numbers", "secrets", "id")
        if name in settings
    }
    return TrunkConfig(
        id=limits.pop("id", uuid4()), carrier="sip", settings=settings, **limits
    )


def carrier(
    desk: Desk | None = None,
    *,
    host: str = HOST,
    resolver: Resolver | None = None,
    permitted: Permitted = ANYWHERE,
    **listening: Any,
) -> SipCarrier:
    return SipCarrier(
        Listening(host, 0, **listening),
        RtpPorts(26_000, 26_999),
        receptionist=desk,
        resolver=resolver or Resolver([], 53, permitted=permitted),
    )


@dataclass
class Exchange:
    """`ours` dials `theirs`, whose desk answers."""

    ours: SipCarrier
    theirs: SipCarrier
    desk: Desk
    trunk: TrunkConfig

    def request(self, **changes: Any) -> PlaceRequest:
        values: dict[str, Any] = {
            "call_id": uuid4(),
            "caller_id": CALLER,
            "destination": CALLED,
            "trunk_id": self.trunk.id,
        }
        return PlaceRequest(**values | changes)

    async def connect(self, **changes: Any) -> tuple[Any, Any]:
        """Return both legs of a call that was answered."""
        leg = await self.ours.place(self.request(**changes))
        await leg.wait_answered()
        other = self.desk.calls[-1].leg
        await other.wait_answered()
        return leg, other


@asynccontextmanager
async def exchange(
    acts: Answer = answer,
    *,
    ours: dict[str, Any] | None = None,
    theirs: dict[str, Any] | None = None,
    listening: dict[str, Any] | None = None,
    host: str = HOST,
) -> AsyncIterator[Exchange]:
    """Nothing may be left of either side in the end."""
    desk = Desk(acts)
    callee = carrier(desk, host=host, **listening or {})
    caller = carrier(host=host)
    await callee.configure([trunk(addresses=host, **theirs or {})])
    settings = dict(ours or {})
    port = callee.agent.transports.port
    if settings.get("transport") == "tls":
        port = callee.agent.transports.tls_port or 0
    settings = {"host": host, "port": port, "options_every_s": 0} | settings
    config = trunk(**settings)
    await caller.configure([config])
    try:
        async with asyncio.timeout(20):
            yield Exchange(caller, callee, desk, config)
    finally:
        await caller.aclose()
        await callee.aclose()
        assert caller.ports.in_use == callee.ports.in_use == 0
        assert caller.agent.held == callee.agent.held == (0, 0, 0)


async def say(leg: Any, seconds: float = 1.0, hz: float = 440.0) -> None:
    """Say a tone, as a session does: faster than it can be heard."""
    rate_hz = leg.audio_output.sample_rate_hz
    at = np.arange(int(rate_hz * seconds))
    pcm = (8_000 * np.sin(2 * np.pi * hz * at / rate_hz)).astype(np.int16).tobytes()
    await leg.audio_output.capture_frame(rtc.AudioFrame(pcm, rate_hz, 1, at.size))
    leg.audio_output.flush()


async def hear(leg: Any, seconds: float) -> np.ndarray:
    """Return what was heard, s16 at 16 kHz."""
    heard: list[np.ndarray] = []
    samples = 0
    async for frame in leg.audio_input:
        heard.append(np.frombuffer(frame.data, np.int16).copy())
        samples += heard[-1].size
        if samples >= seconds * 16_000:
            break
    return np.concatenate(heard) if heard else np.zeros(0, np.int16)


def strongest_hz(samples: np.ndarray) -> float:
    windowed = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(windowed.argmax() * 16_000 / samples.size)


async def until(holds: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  # what is waited for is no event
            await asyncio.sleep(0.005)
