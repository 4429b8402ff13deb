"""Telnyx' own client against a server that speaks as Telnyx does, signatures included."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calls.telephony.protocol import BadTrunk, RejectReason, TrunkConfig
from calls.telephony.telnyx import check
from calls.telephony.telnyx.probe import probe
from common.ids import uuid7
from tests.calls.telephony.streaming import (
    CALLER,
    TRUNK,
    Desk,
    order,
    take_a_port,
    telnyx,
    telnyx_trunk,
)
from tests.fakes.telnyx_server import CONNECTION

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


@pytest.fixture
def events_url(settings: Any) -> str:
    return f"{take_a_port(settings)}/telnyx/events/{TRUNK}"


async def test_a_call_is_ordered_and_telnyx_presses_its_keys(
    settings: Any, events_url: str
) -> None:
    async with telnyx(settings) as (server, carrier):
        request = order("+31205550001")
        leg = await carrier.place(request)
        await asyncio.wait_for(leg.wait_answered(), 5)
        (asked,) = server.dialled
        assert (asked["to"], asked["from"]) == ("+31205550001", CALLER)
        assert asked["connection_id"] == CONNECTION
        assert asked["command_id"] == str(request.call_id)
        await leg.send_digits("12#")
        await leg.hang_up()
        assert [
            (action, body.get("digits")) for action, _id, body in server.actions
        ] == [
            ("send_dtmf", "12#"),
            ("hangup", None),
        ]


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


async def test_a_connection_test_tells_what_it_saw(
    settings: Any, events_url: str
) -> None:
    async with telnyx(settings) as (server, _carrier):
        steps = await probe(telnyx_trunk(server.public_key))
        assert [step.is_ok for step in steps] == [True, True, True]
        refused = await probe(telnyx_trunk("", "wrong"))
        assert [step.is_ok for step in refused] == [False, False, True]


async def test_an_account_that_cannot_be_one_is_named() -> None:
    with pytest.raises(BadTrunk) as wrong:
        check(TrunkConfig(id=TRUNK, carrier="telnyx", settings={"username": "1"}))
    assert wrong.value.field == "password"
