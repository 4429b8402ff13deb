"""Twilio's own client against a server that speaks as Twilio does, signatures included."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import numpy as np
import pytest
from livekit import rtc

from calls.media.link import LinkEnd
from calls.telephony import carrier_spec
from calls.telephony.protocol import (
    BadTrunk,
    CarrierSetup,
    IncomingCall,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    RejectReason,
    TrunkConfig,
)
from calls.telephony.twilio import check, wire
from calls.telephony.twilio.carrier import TwilioCarrier
from calls.telephony.twilio.probe import probe
from common.ids import uuid7
from tests.fakes.twilio_server import ACCOUNT, TOKEN, FakeTwilio

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]
TRUNK = UUID("01970000-0000-7000-8000-000000000001")
CALLER = "+31201234502"


class Desk:
    """Does with callers what a test wants."""

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


def trunk(password: str = TOKEN) -> TrunkConfig:
    return TrunkConfig(
        id=TRUNK,
        carrier="twilio",
        settings={"username": ACCOUNT},
        secrets={"password": password},
        numbers=frozenset({CALLER}),
    )


@pytest.fixture
def port(settings: Any) -> int:
    with sockets.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        free: int = probe_socket.getsockname()[1]
    settings.STREAM_PORT = free
    settings.STREAM_PUBLIC_URL = f"http://127.0.0.1:{free}"
    return free


@asynccontextmanager
async def twilio(
    settings: Any, desk: Desk | None = None, password: str = TOKEN
) -> AsyncIterator[tuple[FakeTwilio, TwilioCarrier]]:
    async with FakeTwilio() as server:
        settings.TWILIO_API_URL = server.url
        carrier = TwilioCarrier(CarrierSetup(receptionist=desk))
        await carrier.start()
        await carrier.configure([trunk(password)])
        try:
            yield server, carrier
        finally:
            await carrier.aclose()


def order(destination: str) -> PlaceRequest:
    return PlaceRequest(
        call_id=uuid7(), caller_id=CALLER, destination=destination, trunk_id=TRUNK
    )


async def test_a_call_is_placed_heard_and_hung_up(settings: Any, port: int) -> None:
    async with twilio(settings) as (server, carrier):
        request = order("+31205550001")
        leg = await carrier.place(request)
        assert await carrier.place(request) is leg
        await asyncio.wait_for(leg.wait_answered(), 5)
        (asked,) = server.calls.values()
        assert (asked["To"], asked["From"]) == ("+31205550001", CALLER)
        assert asked["Timeout"] == "45"
        frame = await anext(leg.audio_input)
        assert (frame.sample_rate, frame.duration) == (16_000, 0.02)
        assert int(np.abs(np.frombuffer(frame.data, np.int16)).max()) > 1_000
        keys: list[str] = []
        leg.set_digit_listener(keys.append)
        tone = np.full(1_600, 8_000, np.int16)
        await leg.audio_output.capture_frame(
            rtc.AudioFrame(tone.tobytes(), 16_000, 1, 1_600)
        )
        leg.audio_output.flush()
        await asyncio.wait_for(leg.audio_output.wait_for_playout(), 5)
        await asyncio.sleep(0.2)
        assert len(server.heard) >= 640
        assert keys == ["7"]
        with pytest.raises(ValueError, match="no keys"):
            await leg.send_digits("1")
        await leg.hang_up()
        assert await leg.wait_closed() is LinkEnd.LOCAL_CLOSE
        assert server.completed == list(server.calls)


@pytest.mark.parametrize(
    ("number", "outcome", "code"),
    [
        ("+31205550002", NoAnswerOutcome.BUSY, "486"),
        ("+31205550003", NoAnswerOutcome.NO_ANSWER, "480"),
        ("+31205550004", NoAnswerOutcome.REJECTED, "603"),
    ],
)
async def test_nobody_answering_says_why(
    settings: Any, port: int, number: str, outcome: NoAnswerOutcome, code: str
) -> None:
    async with twilio(settings) as (_server, carrier):
        leg = await carrier.place(order(number))
        with pytest.raises(NotAnswered) as refusal:
            await asyncio.wait_for(leg.wait_answered(), 5)
        assert (refusal.value.outcome, refusal.value.code) == (outcome, code)
        assert leg.is_closed


async def test_what_the_api_refuses_fails_with_its_code(
    settings: Any, port: int
) -> None:
    async with twilio(settings) as (_server, carrier):
        with pytest.raises(NotAnswered) as refusal:
            await carrier.place(order("+31205550009"))
        assert refusal.value.code == "21216"
    async with twilio(settings, password="wrong") as (_server, carrier):
        with pytest.raises(NotAnswered) as refusal:
            await carrier.place(order("+31205550001"))
        assert refusal.value.code == "20003"


def voice_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/twilio/voice/{TRUNK}"


RINGING = {
    "CallSid": "CA" + "9" * 32,
    "CallStatus": "ringing",
    "From": "+31612345678",
    "To": CALLER,
    "Direction": "inbound",
}


async def test_a_caller_is_answered_over_a_stream(settings: Any, port: int) -> None:
    desk = Desk()
    async with twilio(settings, desk) as (server, _carrier):
        status, twiml = await server.post(voice_url(port), RINGING)
        assert status == 200
        assert "<Connect><Stream" in twiml
        again = await server.post(voice_url(port), RINGING)  # Twilio asks twice
        assert again == (200, twiml)
        server.open_stream(RINGING["CallSid"], twiml)
        (call,) = desk.calls
        assert (call.caller, call.called) == ("+31612345678", CALLER)
        assert call.trunk_id == TRUNK
        await asyncio.wait_for(call.leg.wait_answered(), 5)
        await call.leg.hang_up()
    assert server.completed == [RINGING["CallSid"]]


@pytest.mark.parametrize(
    ("reason", "word"),
    [(RejectReason.BUSY, "busy"), (RejectReason.FORBIDDEN, "rejected")],
)
async def test_a_caller_is_turned_away_unanswered(
    settings: Any, port: int, reason: RejectReason, word: str
) -> None:
    async with twilio(settings, Desk(reject=reason)) as (server, _carrier):
        _status, twiml = await server.post(voice_url(port), RINGING)
        assert f'<Reject reason="{word}"' in twiml


async def test_what_twilio_did_not_sign_is_refused(settings: Any, port: int) -> None:
    desk = Desk()
    async with twilio(settings, desk) as (server, carrier):
        status, _ = await server.post(voice_url(port), RINGING, token="stolen")
        assert status == 403
        unknown = f"http://127.0.0.1:{port}/twilio/voice/{uuid7()}"
        assert (await server.post(unknown, RINGING))[0] == 403
        assert desk.calls == []
        leg = await carrier.place(order("+31205550001"))
        (asked,) = server.calls.values()
        forged = {"CallSid": "CA0", "CallStatus": "busy"}
        answer = await server.post(asked["StatusCallback"], forged, token="stolen")
        assert answer[0] == 403
        await asyncio.wait_for(leg.wait_answered(), 5)


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        "{}",
        '{"event": "start"}',
        '{"event": "start", "start": {"callSid": "CA1", "customParameters": 7}}',
        '{"event": "media", "media": {"payload": "***"}}',
        '{"event": "start", "streamSid": "MZ1", "start": {"callSid": "CA1", '
        '"mediaFormat": {"encoding": "opus"}}}',
        '{"event": "start", "streamSid": "MZ1", "start": {"callSid": "CA1", '
        '"customParameters": {"token": "guessed"}}}',
    ],
)
async def test_a_stream_of_a_stranger_is_closed(
    settings: Any, port: int, message: str
) -> None:
    async with twilio(settings), aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{port}/twilio/stream"
        async with http.ws_connect(url) as stream:
            await stream.send_str(message)
            answer = await asyncio.wait_for(stream.receive(), 5)
            assert answer.type is aiohttp.WSMsgType.CLOSE


async def test_a_connection_test_tells_what_it_saw(settings: Any, port: int) -> None:
    async with twilio(settings):
        steps = await probe(trunk())
        assert [(step.name, step.is_ok) for step in steps] == [
            ("account", True),
            ("numbers", True),
            ("options", True),
        ]
        refused = await probe(trunk("wrong"))
        assert (refused[0].name, refused[0].is_ok) == ("auth", False)
        assert "Authenticate" in refused[0].detail


async def test_an_account_that_cannot_be_one_is_named() -> None:
    check(trunk())
    with pytest.raises(BadTrunk) as wrong:
        check(TrunkConfig(id=TRUNK, carrier="twilio", settings={"username": "bakery"}))
    assert wrong.value.field == "username"
    assert carrier_spec("twilio").takes_calls
    assert wire.outcome_of("completed", "") is None
