"""Whole calls between two of our own user agents over real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from sipmessage import Request

from calls.media.caller.ear import Ear
from calls.media.link import LinkEnd, MediaNeverConnected
from calls.telephony.protocol import (
    IncomingCall,
    NoAnswerOutcome,
    NotAnswered,
    RejectReason,
    TransferFailure,
    TransferRefused,
)
from tests.calls.telephony.sip.exchange import (
    CALLED,
    CALLER,
    answer,
    exchange,
    hear,
    say,
    strongest_hz,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_both_sides_hear_each_other(transport: str) -> None:
    async with exchange(ours={"transport": transport, "codecs": "PCMA"}) as phones:
        leg, other = await phones.connect()
        call = phones.desk.calls[0]
        assert (call.caller, call.called) == (CALLER, CALLED)
        await asyncio.gather(say(leg, hz=440), say(other, hz=700))
        heard, heard_back = await asyncio.gather(hear(other, 0.8), hear(leg, 0.8))
        assert strongest_hz(heard[4_000:]) == pytest.approx(440, abs=5)
        assert strongest_hz(heard_back[4_000:]) == pytest.approx(700, abs=5)
        await leg.hang_up()
        assert await other.wait_closed() is LinkEnd.REMOTE_HANGUP
        assert await leg.wait_closed() is LinkEnd.LOCAL_CLOSE
        stats = other.stats()
        assert stats.codec == "PCMA"
        assert stats.received_packets > 30
        assert stats.mos > 4


@pytest.mark.parametrize(
    ("ours", "theirs", "codec"),
    [
        ("opus,PCMA", "PCMA,PCMU,opus", "opus"),
        ("PCMA,opus", "PCMA,PCMU,opus", "PCMA"),
        ("opus,PCMU", "PCMA,PCMU", "PCMU"),
    ],
)
async def test_what_is_offered_first_and_known_is_spoken(
    ours: str, theirs: str, codec: str
) -> None:
    async with exchange(ours={"codecs": ours}, theirs={"codecs": theirs}) as phones:
        leg, other = await phones.connect()
        await say(leg, hz=600)
        await say(other, hz=900)
        heard, back = await asyncio.gather(hear(other, 0.8), hear(leg, 0.8))
        assert strongest_hz(heard[5_000:]) == pytest.approx(600, abs=8)
        assert strongest_hz(back[5_000:]) == pytest.approx(900, abs=8)
        assert leg.stats().codec == other.stats().codec == codec


async def test_the_other_side_may_hang_up() -> None:
    async with exchange() as phones:
        leg, other = await phones.connect()
        await other.hang_up()
        assert await leg.wait_closed() is LinkEnd.REMOTE_HANGUP
        await leg.hang_up()


@pytest.mark.parametrize(
    ("reason", "code", "outcome"),
    [
        (RejectReason.BUSY, "486", NoAnswerOutcome.BUSY),
        (RejectReason.DECLINED, "603", NoAnswerOutcome.REJECTED),
        (RejectReason.UNAVAILABLE, "480", NoAnswerOutcome.NO_ANSWER),
        (RejectReason.UNKNOWN_NUMBER, "404", NoAnswerOutcome.FAILED),
        (RejectReason.FORBIDDEN, "403", NoAnswerOutcome.FAILED),
        (RejectReason.OVER_LIMIT, "503", NoAnswerOutcome.FAILED),
        (RejectReason.FAILED, "500", NoAnswerOutcome.FAILED),
    ],
)
async def test_a_refusal_says_why(
    reason: RejectReason, code: str, outcome: NoAnswerOutcome
) -> None:
    async def refuse(call: IncomingCall) -> None:
        await call.leg.reject(reason)

    async with exchange(refuse) as phones:
        leg = await phones.ours.place(phones.request())
        with pytest.raises(NotAnswered) as refusal:
            await leg.wait_answered()
        assert (refusal.value.code, refusal.value.outcome) == (code, outcome)
        assert refusal.value.detail
        wait_s = refusal.value.retry_after_s
        assert (wait_s is not None) == (reason is RejectReason.OVER_LIMIT)
        assert leg.is_closed
        with pytest.raises(MediaNeverConnected):
            await leg.wait_connected(1)


@pytest.mark.parametrize("breaks", [True, False])
async def test_a_call_nobody_takes_care_of_is_turned_away(breaks: bool) -> None:
    async def forget(call: IncomingCall) -> None:
        if breaks:
            raise RuntimeError("the receptionist fell ill")

    async with exchange(forget) as phones:
        leg = await phones.ours.place(phones.request())
        with pytest.raises(NotAnswered) as refusal:
            await leg.wait_answered()
        assert refusal.value.code == ("500" if breaks else "480")


async def test_a_call_whose_holder_breaks_is_hung_up() -> None:
    async def break_down(call: IncomingCall) -> None:
        await call.leg.answer()
        raise RuntimeError("the session broke")

    async with exchange(break_down) as phones:
        leg = await phones.ours.place(phones.request())
        await leg.wait_answered()
        assert await leg.wait_closed() is LinkEnd.REMOTE_HANGUP


async def ring_on(call: IncomingCall) -> None:
    await call.leg.ring()
    await call.leg.wait_closed()


async def test_hanging_up_while_it_rings_cancels() -> None:
    async with exchange(ring_on) as phones:
        leg = await phones.ours.place(phones.request())
        await phones.desk.arrived.wait()
        await asyncio.sleep(0.05)
        await leg.hang_up()
        with pytest.raises(NotAnswered):
            await leg.wait_answered()
        other = phones.desk.calls[0].leg
        assert await other.wait_closed() is LinkEnd.REMOTE_HANGUP
        with pytest.raises(NotAnswered):
            await other.wait_answered()
        await other.reject(RejectReason.BUSY)  # too late, and no harm


async def test_ringing_ends_in_time() -> None:
    async with exchange(ring_on) as phones:
        leg = await phones.ours.place(phones.request(ring_timeout_s=0.3))
        with pytest.raises(NotAnswered) as refusal:
            await leg.wait_answered()
        assert refusal.value.outcome is NoAnswerOutcome.NO_ANSWER
        await phones.desk.calls[0].leg.wait_closed()


async def test_an_answer_that_crosses_the_hang_up_is_hung_up_as_well() -> None:
    async with exchange() as phones:
        leg = await phones.ours.place(phones.request())
        await until(lambda: leg._transaction is not None)  # sent, and nothing heard
        leg._give_up(LinkEnd.LOCAL_CLOSE)
        await leg.hang_up()
        await phones.desk.arrived.wait()
        other = phones.desk.calls[0].leg
        await asyncio.wait_for(other.wait_closed(), 3)


async def test_early_audio_is_heard_by_the_caller_and_costs_nothing() -> None:
    may_answer = asyncio.Event()

    async def announce(call: IncomingCall) -> None:
        await call.leg.answer_early()
        await say(call.leg, 0.5, hz=500)
        await may_answer.wait()
        await call.leg.answer()

    async with exchange(announce) as phones:
        leg = await phones.ours.place(phones.request())
        await until(lambda: leg.link.stream.quality.received_packets > 15)
        assert leg.offset_ms == 0
        assert not leg._answered.done()
        may_answer.set()
        await leg.wait_answered()
        await say(phones.desk.calls[0].leg, 0.5, hz=800)
        heard = await hear(leg, 0.5)
        # What was announced before the answer is not what the callee said.
        assert strongest_hz(heard) == pytest.approx(800, abs=20)


async def test_a_message_waits_for_the_ringing_to_be_acknowledged() -> None:
    """A peer that wants PRACK gets one provisional answer at a time, and each of them."""

    async def ring_and_announce(call: IncomingCall) -> None:
        await call.leg.ring()
        await call.leg.answer_early()
        await say(call.leg, 0.6, hz=500)
        await call.leg.audio_output.wait_for_playout()
        await call.leg.reject(RejectReason.DECLINED)

    async with exchange(ring_and_announce) as phones:
        send = phones.ours.agent.send

        def insist(request: Request, *args: Any, **kwargs: Any) -> Any:
            if request.method == "INVITE":
                request.headers.set("Require", "100rel")
            return send(request, *args, **kwargs)

        phones.ours.agent.send = insist  # type: ignore[method-assign]  # as some PBX do
        leg, early = await phones.ours.place(phones.request()), Ear()
        leg.link.hear_early(early)
        with pytest.raises(NotAnswered) as refusal:
            await leg.wait_answered()
        assert refusal.value.code == "603"
        assert early.speech_ms >= 500


async def test_keys_go_both_ways() -> None:
    async with exchange() as phones:
        leg, other = await phones.connect()
        keys: list[str] = []
        other.set_digit_listener(keys.append)
        await leg.send_digits("1*#9")
        await until(lambda: len(keys) == 4)
        assert "".join(keys) == "1*#9"
        await other.send_digits("5")
        await asyncio.sleep(0.1)
        back: list[str] = []
        leg.set_digit_listener(back.append)
        assert back == ["5"]
        with pytest.raises(ValueError, match="No keys"):
            await leg.send_digits("x")
        lost = other.stats().lost_packets, leg.stats().lost_packets
        assert lost == (0, 0)


async def test_keys_go_by_message_where_the_audio_cannot_carry_them() -> None:
    async with exchange() as phones:
        leg, other = await phones.connect()
        leg._negotiation.theirs = None
        keys: list[str] = []
        other.set_digit_listener(keys.append)
        await leg.send_digits("7#")
        assert keys == ["7", "#"]


async def test_on_hold_nobody_hears_anything_and_speech_waits() -> None:
    async with exchange() as phones:
        leg, other = await phones.connect()
        await leg.hold()
        assert leg.is_on_hold
        assert other.is_on_hold
        await say(leg, 0.5)
        await asyncio.sleep(0.3)
        assert leg.audio_output.buffered_ms == 500
        heard = await hear(other, 0.2)
        assert np.abs(heard).max() < 50
        await leg.resume()
        assert not leg.is_on_hold
        assert not other.is_on_hold
        heard = await hear(other, 1.0)
        assert np.abs(heard).max() > 5_000
        assert (await hear(leg, 0.1)).size


async def test_a_transfer_that_is_declined_leaves_the_call() -> None:
    async with exchange() as phones:
        leg, _ = await phones.connect()
        task = asyncio.create_task(leg.transfer("+31205550001"))
        with pytest.raises(TransferRefused) as refusal:
            await task
        # Our own agent takes no REFER: it declines, and the call goes on.
        assert refusal.value.reason is TransferFailure.REFUSED
        assert not leg.is_closed


@pytest.mark.parametrize("destination", ["", "call me", "sip:", "tel:x", "+31<>"])
async def test_a_transfer_to_nowhere_is_refused(destination: str) -> None:
    async with exchange() as phones:
        leg, _ = await phones.connect()
        with pytest.raises(TransferRefused) as refusal:
            await leg.transfer(destination)
        assert refusal.value.reason is TransferFailure.BAD_DESTINATION
        assert not leg.is_closed


async def test_the_same_call_id_rings_once() -> None:
    async with exchange(ring_on) as phones:
        request = phones.request()
        first, second = await asyncio.gather(
            phones.ours.place(request), phones.ours.place(request)
        )
        assert first is second
        await phones.desk.arrived.wait()
        await asyncio.sleep(0.05)
        assert len(phones.desk.calls) == 1


async def test_channels_of_a_trunk_are_counted_and_given_back() -> None:
    async with exchange(ours={"max_channels": 1}) as phones:
        leg, _ = await phones.connect()
        with pytest.raises(NotAnswered, match="channels"):
            await phones.ours.place(phones.request())
        assert phones.ours.health()[phones.trunk.id].live_calls == 1
        await leg.hang_up()
        assert phones.ours.health()[phones.trunk.id].live_calls == 0
        await phones.connect()


async def test_closing_a_carrier_hangs_up_every_call() -> None:
    async with exchange() as phones:
        _, other = await phones.connect()
        await phones.ours.aclose()
        assert await other.wait_closed() is LinkEnd.REMOTE_HANGUP


async def test_over_ipv6() -> None:
    async with exchange(host="::1") as phones:
        leg, other = await phones.connect()
        await say(leg, 0.5)
        heard = await hear(other, 0.4)
        assert np.abs(heard).max() > 5_000


async def test_a_refresh_keeps_a_session_and_silence_ends_it() -> None:
    async with exchange(answer) as phones:
        leg, other = await phones.connect()
        assert leg._interval is not None
        assert leg._interval.is_ours
        sequence = leg._dialog.local_sequence
        leg._refresh()
        await until(lambda: leg._dialog.local_sequence > sequence)
        await asyncio.sleep(0.1)
        assert not other.is_closed
        other._expire()
        assert await leg.wait_closed() is LinkEnd.REMOTE_HANGUP
