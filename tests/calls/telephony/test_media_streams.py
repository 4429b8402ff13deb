"""What holds for every carrier of media streams, each by its vendor's own client."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import numpy as np
import pytest
from livekit import rtc

from calls.media.link import LinkEnd
from calls.telephony.protocol import NoAnswerOutcome, NotAnswered
from calls.telephony.streams.carrier import StreamCarrier
from tests.calls.telephony.streaming import (
    TRUNK,
    order,
    take_a_port,
    telnyx,
    twilio,
)

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


@pytest.fixture
def url(settings: Any) -> str:
    return take_a_port(settings)


@pytest.fixture(params=[twilio, telnyx], ids=["twilio", "telnyx"])
def at_carrier(request: pytest.FixtureRequest, settings: Any, url: str) -> Any:
    return lambda **how: request.param(settings, **how)


async def is_forgotten(carrier: StreamCarrier[Any]) -> bool:
    await asyncio.sleep(0)
    return not (carrier._calls or carrier._named or carrier._placed)


async def test_a_call_is_placed_heard_and_hung_up(at_carrier: Any) -> None:
    async with at_carrier() as (server, carrier):
        request = order("+31205550001")
        leg = await carrier.place(request)
        assert await carrier.place(request) is leg
        await asyncio.wait_for(leg.wait_answered(), 5)
        assert carrier.health()[TRUNK].live_calls == 1
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
        assert keys == [server.key]
        await leg.hang_up()
        assert await leg.wait_closed() is LinkEnd.LOCAL_CLOSE
        assert await is_forgotten(carrier)
        assert carrier.health()[TRUNK].live_calls == 0


async def test_a_callee_who_hangs_up_ends_the_call(at_carrier: Any) -> None:
    async with at_carrier() as (server, carrier):
        leg = await carrier.place(order("+31205550001"))
        await asyncio.wait_for(leg.wait_answered(), 5)
        (socket,) = server.sockets.values()
        await socket.send_json({"event": "stop"})
        end = await asyncio.wait_for(leg.wait_closed(), 5)
        assert end is LinkEnd.REMOTE_HANGUP
        assert await is_forgotten(carrier)


@pytest.mark.parametrize(
    ("number", "outcome", "codes"),
    [
        ("+31205550002", NoAnswerOutcome.BUSY, {"486"}),
        ("+31205550003", NoAnswerOutcome.NO_ANSWER, {"480", "487"}),
        ("+31205550004", NoAnswerOutcome.REJECTED, {"603"}),
    ],
)
async def test_nobody_answering_says_why(
    at_carrier: Any, number: str, outcome: NoAnswerOutcome, codes: set[str]
) -> None:
    async with at_carrier() as (_server, carrier):
        leg = await carrier.place(order(number))
        with pytest.raises(NotAnswered) as refusal:
            await asyncio.wait_for(leg.wait_answered(), 5)
        assert refusal.value.outcome is outcome
        assert refusal.value.code in codes
        assert leg.is_closed
        assert await is_forgotten(carrier)


async def test_what_the_api_refuses_fails_with_its_code(at_carrier: Any) -> None:
    async with at_carrier() as (_server, carrier):
        with pytest.raises(NotAnswered) as refusal:
            await carrier.place(order("+31205550009"))
        assert refusal.value.code in {"21216", "403"}
        assert await is_forgotten(carrier)
    async with at_carrier(password="wrong") as (_server, carrier):
        with pytest.raises(NotAnswered) as refusal:
            await carrier.place(order("+31205550001"))
        assert refusal.value.code in {"20003", "401"}


async def test_without_a_public_address_nobody_is_rung(
    at_carrier: Any, settings: Any
) -> None:
    async with at_carrier() as (_server, carrier):
        settings.STREAM_PUBLIC_URL = ""
        with pytest.raises(NotAnswered, match="STREAM_PUBLIC_URL"):
            await carrier.place(order("+31205550001"))
        assert await is_forgotten(carrier)


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        "[]",
        "{}",
        '{"event": "start"}',
        '{"event": "start", "start": 7}',
        '{"event": "media", "media": {"payload": "***"}}',
        '{"event": "media", "media": {"payload": "AAAA"}}',
        '{"event": "start", "streamSid": "MZ1", "start": {"callSid": "CA1", '
        '"mediaFormat": {"encoding": "opus"}}}',
        '{"event": "start", "start": {"call_control_id": "v3:1", '
        '"media_format": {"encoding": "opus"}}}',
    ],
)
async def test_what_is_no_stream_is_closed_and_its_call_goes_on(
    at_carrier: Any, url: str, message: str
) -> None:
    async with at_carrier() as (_server, carrier):
        leg = await carrier.place(order("+31205550005"))  # rings for a while
        (token,) = carrier._calls
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{url}/{carrier.name}/stream/{token}") as stream,
        ):
            await stream.send_str(message)
            answer = await asyncio.wait_for(stream.receive(), 5)
            assert answer.type is aiohttp.WSMsgType.CLOSE
        assert not leg.is_closed


async def test_a_stream_is_let_in_once_and_only_by_its_address(
    at_carrier: Any, url: str
) -> None:
    async with at_carrier() as (_server, carrier), aiohttp.ClientSession() as http:
        async with http.get(f"{url}/{carrier.name}/stream/guessed") as answer:
            assert answer.status == 404
        leg = await carrier.place(order("+31205550001"))
        await asyncio.wait_for(leg.wait_answered(), 5)
        (token,) = carrier._calls
        async with http.get(f"{url}/{carrier.name}/stream/{token}") as answer:
            assert answer.status == 404
        assert not leg.is_closed
