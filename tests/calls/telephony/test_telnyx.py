"""Telnyx' own client against a server that speaks as Telnyx does, signatures included."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import pytest

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
from calls.telephony.telnyx import check
from calls.telephony.telnyx.carrier import TelnyxCarrier
from calls.telephony.telnyx.probe import probe
from common.ids import uuid7
from tests.fakes.telnyx_server import API_KEY, CONNECTION, FakeTelnyx

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]
TRUNK = UUID("01970000-0000-7000-8000-000000000002")
CALLER = "+31201234502"


class Desk:
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


def trunk(public_key: str, password: str = API_KEY) -> TrunkConfig:
    return TrunkConfig(
        id=TRUNK,
        carrier="telnyx",
        settings={"username": CONNECTION, "public_key": public_key},
        secrets={"password": password},
    )


@pytest.fixture
def events_url(settings: Any) -> str:
    with sockets.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        port: int = probe_socket.getsockname()[1]
    settings.STREAM_PORT = port
    settings.STREAM_PUBLIC_URL = f"http://127.0.0.1:{port}"
    return f"http://127.0.0.1:{port}/telnyx/events/{TRUNK}"


@asynccontextmanager
async def telnyx(
    settings: Any, desk: Desk | None = None, password: str = API_KEY
) -> AsyncIterator[tuple[FakeTelnyx, TelnyxCarrier]]:
    async with FakeTelnyx() as server:
        settings.TELNYX_API_URL = server.url
        carrier = TelnyxCarrier(CarrierSetup(receptionist=desk))
        await carrier.start()
        await carrier.configure([trunk(server.public_key, password)])
        try:
            yield server, carrier
        finally:
            await carrier.aclose()


def order(destination: str) -> PlaceRequest:
    return PlaceRequest(
        call_id=uuid7(), caller_id=CALLER, destination=destination, trunk_id=TRUNK
    )


async def test_a_call_is_placed_steered_and_hung_up(
    settings: Any, events_url: str
) -> None:
    async with telnyx(settings) as (server, carrier):
        request = order("+31205550001")
        leg = await carrier.place(request)
        assert await carrier.place(request) is leg
        await asyncio.wait_for(leg.wait_answered(), 5)
        (asked,) = server.dialled
        assert (asked["to"], asked["from"]) == ("+31205550001", CALLER)
        assert asked["connection_id"] == CONNECTION
        assert asked["command_id"] == str(request.call_id)
        assert (await anext(leg.audio_input)).sample_rate == 16_000
        keys: list[str] = []
        leg.set_digit_listener(keys.append)
        await leg.send_digits("12#")
        await asyncio.sleep(0.3)
        assert keys == ["#"]
        await leg.hang_up()
        assert [
            (action, body.get("digits")) for action, _id, body in server.actions
        ] == [
            ("send_dtmf", "12#"),
            ("hangup", None),
        ]


@pytest.mark.parametrize(
    ("number", "outcome", "code"),
    [
        ("+31205550002", NoAnswerOutcome.BUSY, "486"),
        ("+31205550003", NoAnswerOutcome.NO_ANSWER, "487"),
        ("+31205550004", NoAnswerOutcome.REJECTED, "603"),
    ],
)
async def test_nobody_answering_says_why(
    settings: Any, events_url: str, number: str, outcome: NoAnswerOutcome, code: str
) -> None:
    async with telnyx(settings) as (_server, carrier):
        leg = await carrier.place(order(number))
        with pytest.raises(NotAnswered) as refusal:
            await asyncio.wait_for(leg.wait_answered(), 5)
        assert (refusal.value.outcome, refusal.value.code) == (outcome, code)


async def test_what_the_api_refuses_fails_with_its_status(
    settings: Any, events_url: str
) -> None:
    async with telnyx(settings) as (_server, carrier):
        with pytest.raises(NotAnswered) as refusal:
            await carrier.place(order("+31205550009"))
        assert refusal.value.code == "403"
    async with telnyx(settings, password="wrong") as (_server, carrier):
        with pytest.raises(NotAnswered) as refusal:
            await carrier.place(order("+31205550001"))
        assert refusal.value.code == "401"


INCOMING = {"direction": "incoming", "from": "+31612345678", "to": CALLER}


async def test_a_caller_is_answered_over_a_stream(
    settings: Any, events_url: str
) -> None:
    desk = Desk()
    async with telnyx(settings, desk) as (server, _carrier):
        for _twice in range(2):
            status = await server.tell(
                events_url, "call.initiated", "v3:in", **INCOMING
            )
            assert status == 200
        await asyncio.sleep(0.3)
        (call,) = desk.calls
        assert (call.caller, call.called) == ("+31612345678", CALLER)
        await asyncio.wait_for(call.leg.wait_answered(), 5)
        await server.tell(events_url, "call.hangup", "v3:in", hangup_cause="normal")
        await asyncio.wait_for(call.leg.wait_closed(), 5)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (RejectReason.BUSY, "USER_BUSY"),
        (RejectReason.UNKNOWN_NUMBER, "NOT_FOUND"),
        (RejectReason.FORBIDDEN, "CALL_REJECTED"),
    ],
)
async def test_a_caller_is_turned_away(
    settings: Any, events_url: str, reason: RejectReason, cause: str
) -> None:
    async with telnyx(settings, Desk(reject=reason)) as (server, _carrier):
        await server.tell(events_url, "call.initiated", "v3:in", **INCOMING)
        await asyncio.sleep(0.3)
        assert [(action, body) for action, _id, body in server.actions] == [
            ("reject", {"cause": cause})
        ]


async def test_what_telnyx_did_not_sign_is_refused(
    settings: Any, events_url: str
) -> None:
    desk = Desk()
    async with telnyx(settings, desk) as (server, _carrier):
        forged = await server.tell(
            events_url, "call.initiated", "v3:in", forged=True, **INCOMING
        )
        assert forged == 403
        other = events_url.replace(str(TRUNK), str(uuid7()))
        assert await server.tell(other, "call.initiated", "v3:in", **INCOMING) == 403
        assert desk.calls == []
        stream = events_url.replace(f"events/{TRUNK}", "stream/guessed")
        async with aiohttp.ClientSession() as http, http.get(stream) as answer:
            assert answer.status == 404


async def test_a_connection_test_tells_what_it_saw(
    settings: Any, events_url: str
) -> None:
    async with telnyx(settings) as (server, _carrier):
        steps = await probe(trunk(server.public_key))
        assert [step.is_ok for step in steps] == [True, True, True]
        refused = await probe(trunk("", "wrong"))
        assert [step.is_ok for step in refused] == [False, False, True]


async def test_an_account_that_cannot_be_one_is_named() -> None:
    with pytest.raises(BadTrunk) as wrong:
        check(TrunkConfig(id=TRUNK, carrier="telnyx", settings={"username": "1"}))
    assert wrong.value.field == "password"
