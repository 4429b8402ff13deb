"""What a peer asks for while it calls: intervals, reliable ringing, hold, refreshes, keys."""

from __future__ import annotations

import asyncio
from itertools import groupby
from pathlib import Path

import pytest

from calls.telephony.protocol import IncomingCall
from tests.calls.telephony.sip.test_real_peers import SCENARIOS, our_phone, sipp
from tests.plugins.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.asyncio]


async def test_sipp_gets_all_it_asks_for_in_one_call(tmp_path: Path) -> None:
    """The scenario checks each answer; here is what became of the call meanwhile."""
    held: list[bool] = []
    keys: list[str] = []

    async def rings(call: IncomingCall) -> None:
        call.leg.set_digit_listener(keys.append)
        await call.leg.ring()
        await asyncio.sleep(0.3)  # its PRACK comes meanwhile
        await call.leg.answer()
        closed = asyncio.ensure_future(call.leg.wait_closed())
        while not closed.done():
            held.append(call.leg.is_on_hold)
            await asyncio.sleep(0.02)

    async with our_phone(rings) as (_, desk, port):
        scenario = ["-sf", str(SCENARIOS / "changes.xml"), f"127.0.0.1:{port}"]
        own = ["-m", "1", "-i", "127.0.0.1", "-p", str(free_port())]
        assert await sipp(tmp_path, *scenario, *own, "-s", "+31201234567") == 0
        assert len(desk.calls) == 1  # the INVITE that was sent back opened none
    assert [is_held for is_held, _ in groupby(held)] == [False, True, False]
    assert keys == ["5"]
