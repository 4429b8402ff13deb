"""Twilio's own client against a server that speaks as Twilio does, signatures included."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from calls.media.g711 import G711Decoder
from calls.telephony import carrier_spec
from calls.telephony.protocol import BadTrunk, RejectReason, TrunkConfig
from calls.telephony.twilio import check, wire
from calls.telephony.twilio.probe import probe
from common.ids import uuid7
from tests.calls.telephony.streaming import (
    CALLER,
    TRUNK,
    Desk,
    order,
    take_a_port,
    twilio,
    twilio_trunk,
)
from tests.sound import keys_in

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


@pytest.fixture
def voice_url(settings: Any) -> str:
    return f"{take_a_port(settings)}/twilio/voice/{TRUNK}"


async def test_a_call_is_ordered_with_its_ring_time(
    settings: Any, voice_url: str
) -> None:
    async with twilio(settings) as (server, carrier):
        leg = await carrier.place(order("+31205550001"))
        await asyncio.wait_for(leg.wait_answered(), 5)
        (asked,) = server.calls.values()
        assert (asked["To"], asked["From"]) == ("+31205550001", CALLER)
        assert asked["Timeout"] == "45"
        await leg.hang_up()
        assert server.completed == list(server.calls)


async def test_keys_are_pressed_as_tones_that_a_machine_understands(
    settings: Any, voice_url: str
) -> None:
    async with twilio(settings) as (server, carrier):
        leg = await carrier.place(order("+31205550001"))
        await asyncio.wait_for(leg.wait_answered(), 5)
        await leg.send_digits("1w5#D")
        with pytest.raises(ValueError, match="No keys"):
            await leg.send_digits("x")
        await asyncio.sleep(1.6)
        pcm = G711Decoder("PCMU").decode(bytes(server.heard))
        assert keys_in(np.frombuffer(pcm, np.int16), 16_000) == "15#D"


RINGING = {
    "CallSid": "CA" + "9" * 32,
    "CallStatus": "ringing",
    "From": "+31612345678",
    "To": CALLER,
    "Direction": "inbound",
}


async def test_a_caller_is_answered_over_a_stream(
    settings: Any, voice_url: str
) -> None:
    desk = Desk()
    async with twilio(settings, desk) as (server, _carrier):
        status, twiml = await server.post(voice_url, RINGING)
        assert status == 200
        assert "<Connect><Stream" in twiml
        again = await server.post(voice_url, RINGING)  # Twilio asks twice
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
    settings: Any, voice_url: str, reason: RejectReason, word: str
) -> None:
    async with twilio(settings, Desk(reject=reason)) as (server, _carrier):
        _status, twiml = await server.post(voice_url, RINGING)
        assert f'<Reject reason="{word}"' in twiml


async def test_what_twilio_did_not_sign_is_refused(
    settings: Any, voice_url: str
) -> None:
    desk = Desk()
    async with twilio(settings, desk) as (server, carrier):
        status, _ = await server.post(voice_url, RINGING, token="stolen")
        assert status == 403
        unknown = voice_url.replace(str(TRUNK), str(uuid7()))
        assert (await server.post(unknown, RINGING))[0] == 403
        assert desk.calls == []
        leg = await carrier.place(order("+31205550001"))
        (asked,) = server.calls.values()
        forged = {"CallSid": "CA0", "CallStatus": "busy"}
        answer = await server.post(asked["StatusCallback"], forged, token="stolen")
        assert answer[0] == 403
        await asyncio.wait_for(leg.wait_answered(), 5)


async def test_a_connection_test_tells_what_it_saw(
    settings: Any, voice_url: str
) -> None:
    async with twilio(settings):
        steps = await probe(twilio_trunk())
        assert [(step.name, step.is_ok) for step in steps] == [
            ("account", True),
            ("numbers", True),
            ("options", True),
        ]
        refused = await probe(twilio_trunk("wrong"))
        assert (refused[0].name, refused[0].is_ok) == ("auth", False)
        assert "Authenticate" in refused[0].values["reason"]


async def test_an_account_that_cannot_be_one_is_named() -> None:
    check(twilio_trunk())
    with pytest.raises(BadTrunk) as wrong:
        check(TrunkConfig(id=TRUNK, carrier="twilio", settings={"username": "bakery"}))
    assert wrong.value.field == "username"
    assert carrier_spec("twilio").takes_calls
    assert wire.outcome_of("completed", "") is None
