"""Whole simulated calls on virtual time, heard and spoken through the media link."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import numpy as np
import pytest
from livekit import rtc

from calls.media.link import LinkEnd, MediaNeverConnected
from calls.telephony import (
    CarrierSpec,
    NoAnswerOutcome,
    NotAnswered,
    OpenCarriers,
    PlaceRequest,
    TransferFailure,
    TransferRefused,
    TrunkConfig,
    UnknownCarrier,
    carrier_spec,
    registry,
)
from calls.telephony.simulator import speech
from calls.telephony.simulator.carrier import REMEMBERED_LEGS, SimulatorCarrier
from calls.telephony.simulator.hearing import is_loud
from calls.telephony.simulator.leg import SimulatorLeg
from tests.fakes.leg import FAKE_CARRIER
from tests.virtual_time import virtual_time

RATE_HZ = 16_000


def request_to(ending: str, *, ring_timeout_s: float = 45.0) -> PlaceRequest:
    return PlaceRequest(
        call_id=uuid4(),
        caller_id="+31201234567",
        destination=f"+312055500{ending}",
        ring_timeout_s=ring_timeout_s,
    )


async def place(ending: str, **kwargs: float) -> SimulatorLeg:
    return await SimulatorCarrier().place(request_to(ending, **kwargs))


async def speak(leg: SimulatorLeg, seconds: float) -> None:
    """Say something, as a session does: faster than it can be heard."""
    samples = np.arange(int(RATE_HZ * seconds))
    tone = (4_000 * np.sin(samples * 0.2)).astype(np.int16).tobytes()
    frame = rtc.AudioFrame(tone, RATE_HZ, 1, len(samples))
    await leg.audio_output.capture_frame(frame)
    leg.audio_output.flush()
    await leg.audio_output.wait_for_playout()


async def listen(leg: SimulatorLeg, frames: list[bytes]) -> None:
    async for frame in leg.audio_input:
        frames.append(bytes(frame.data.cast("B")))


@pytest.mark.slow
@virtual_time
async def test_a_conversation_is_heard_both_ways() -> None:
    leg = await place("01")
    heard: list[bytes] = []
    listener = asyncio.create_task(listen(leg, heard))
    await leg.wait_answered()
    await leg.wait_connected(1)
    for _ in range(3):
        await speak(leg, 1.5)
        await asyncio.sleep(4)
    assert await leg.wait_closed() is LinkEnd.REMOTE_HANGUP
    await listener
    said = leg.behaviour.said
    assert said == ["Yes, this is he.", "Yes, that sounds good.", "Thank you, goodbye."]
    loud_ms = sum(is_loud(frame) for frame in heard) * 20
    # The wave of a phrase is not silent for more than a third of it.
    spoken_ms = sum(len(speech.render(phrase)) // 32 for phrase in said)
    assert spoken_ms * 2 // 3 < loud_ms <= spoken_ms
    assert leg.stats().received_packets == len(heard)
    assert leg.stats().late_p99_ms < 1


@virtual_time
async def test_frames_come_every_20_ms_without_drift() -> None:
    leg = await place("08")
    heard: list[bytes] = []
    listener = asyncio.create_task(listen(leg, heard))
    await leg.wait_answered()
    started_s = asyncio.get_running_loop().time()
    await asyncio.sleep(60)
    assert len(heard) == pytest.approx(3_000, abs=1)
    assert asyncio.get_running_loop().time() - started_s == pytest.approx(60)
    await leg.hang_up()
    await listener


@pytest.mark.parametrize(
    ("ending", "outcome", "after_s"),
    [
        ("02", NoAnswerOutcome.BUSY, 0.5),
        ("03", NoAnswerOutcome.NO_ANSWER, 6.0),
        ("06", NoAnswerOutcome.REJECTED, 1.0),
        ("07", NoAnswerOutcome.FAILED, 0.0),
    ],
)
def test_a_refusal_says_why_and_when(
    ending: str, outcome: NoAnswerOutcome, after_s: float
) -> None:
    @virtual_time
    async def run() -> None:
        leg = await place(ending)
        with pytest.raises(NotAnswered) as refusal:
            await leg.wait_answered()
        assert refusal.value.outcome == outcome
        assert refusal.value.detail
        assert asyncio.get_running_loop().time() == pytest.approx(after_s)
        await leg.wait_closed()
        with pytest.raises(MediaNeverConnected):
            await leg.wait_connected(1)

    run()


@virtual_time
async def test_ringing_stops_at_the_ring_timeout() -> None:
    leg = await place("04", ring_timeout_s=2.0)
    with pytest.raises(NotAnswered) as refusal:
        await leg.wait_answered()
    assert refusal.value.outcome is NoAnswerOutcome.NO_ANSWER
    assert asyncio.get_running_loop().time() == pytest.approx(2.0)


@virtual_time
async def test_hanging_up_while_it_rings_frees_the_leg() -> None:
    leg = await place("03")
    waiter = asyncio.create_task(leg.wait_answered())
    await asyncio.sleep(1)
    await leg.hang_up()
    with pytest.raises(NotAnswered):
        await waiter
    assert await leg.wait_closed() is LinkEnd.LOCAL_CLOSE
    await leg.hang_up()
    assert len(asyncio.all_tasks()) == 1


@virtual_time
async def test_hanging_up_mid_call_ends_the_audio_and_every_task() -> None:
    leg = await place("01")
    await leg.wait_answered()
    talking = asyncio.create_task(speak(leg, 5))
    heard: list[bytes] = []
    listener = asyncio.create_task(listen(leg, heard))
    await asyncio.sleep(1)
    await leg.aclose()
    await asyncio.gather(talking, listener)
    assert await leg.wait_closed() is LinkEnd.LOCAL_CLOSE
    assert len(asyncio.all_tasks()) == 1


@virtual_time
async def test_waiting_to_connect_gives_up_in_time() -> None:
    leg = await place("03")
    with pytest.raises(MediaNeverConnected):
        await leg.wait_connected(0.5)
    await leg.aclose()


@virtual_time
async def test_the_same_call_id_rings_once() -> None:
    carrier = SimulatorCarrier()
    request = request_to("01")
    first = await carrier.place(request)
    assert await carrier.place(request) is first
    await first.hang_up()
    assert await carrier.place(request) is first
    assert await carrier.place(request_to("01")) is not first
    await carrier.aclose()
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.slow
@virtual_time
async def test_ended_legs_are_forgotten_in_the_end() -> None:
    carrier = SimulatorCarrier()
    for _ in range(3 * REMEMBERED_LEGS):
        leg = await carrier.place(request_to("07"))
        with pytest.raises(NotAnswered):
            await leg.wait_answered()
        await leg.wait_closed()
    assert len(carrier._legs) <= 2 * REMEMBERED_LEGS + 1


@virtual_time
async def test_both_directions_are_copied_to_the_taps() -> None:
    leg = await place("04")
    caller: list[tuple[int, int]] = []
    assistant: list[tuple[int, int]] = []
    leg.set_taps(
        caller=lambda pcm, rate, at: caller.append((len(pcm) * 1000 // rate // 2, at)),
        assistant=lambda pcm, rate, at: assistant.append(
            (len(pcm) * 1000 // rate // 2, at)
        ),
    )
    await leg.wait_answered()
    await asyncio.sleep(1.01)
    await leg.aclose()
    assert caller == assistant == [(20, at) for at in range(0, 1000, 20)]


def test_without_flite_the_wheels_voice_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    speech.render.cache_clear()
    monkeypatch.setenv("PATH", "")
    try:
        assert len(speech.render("Hello, who is this?")) > 16_000  # half a second
    finally:
        speech.render.cache_clear()


def test_the_simulator_is_registered_and_ready() -> None:
    spec = carrier_spec("simulator")
    assert spec.checklist().is_ready
    with pytest.raises(UnknownCarrier):
        carrier_spec("telegraph")


@virtual_time
async def test_a_process_has_one_carrier_of_a_name() -> None:
    carriers = OpenCarriers()
    simulator = carriers.get("simulator")
    assert carriers.get("simulator") is simulator
    await carriers.aclose()
    await carriers.aclose()
    assert carriers.get("simulator") is not simulator


@virtual_time
async def test_a_transfer_to_somebody_who_answers_ends_the_leg() -> None:
    leg = await place("08")
    await leg.wait_answered()
    await leg.transfer("+31205550001")
    assert await leg.wait_closed() is LinkEnd.REMOTE_HANGUP
    with pytest.raises(TransferRefused):
        await leg.transfer("+31205550001")


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("02", TransferFailure.BUSY),
        ("03", TransferFailure.NO_ANSWER),
        ("06", TransferFailure.REFUSED),
    ],
)
def test_a_refused_transfer_leaves_the_call_going_on(
    ending: str, reason: TransferFailure
) -> None:
    @virtual_time
    async def run() -> None:
        leg = await place("08")
        await leg.wait_answered()
        with pytest.raises(TransferRefused) as refusal:
            await leg.transfer(f"+312055500{ending}")
        assert refusal.value.reason is reason
        assert not leg.is_closed
        await leg.hang_up()

    run()


@virtual_time
async def test_on_hold_nobody_hears_anything() -> None:
    leg = await place("04")
    await leg.wait_answered()
    await leg.hold()
    heard: list[bytes] = []
    listener = asyncio.create_task(listen(leg, heard))
    await asyncio.sleep(2)
    assert leg.is_on_hold
    assert len(heard) == pytest.approx(100, abs=1)
    assert not any(is_loud(frame) for frame in heard)
    await leg.resume()
    await asyncio.sleep(1)
    assert any(is_loud(frame) for frame in heard)
    await leg.hang_up()
    await listener


@virtual_time
async def test_keys_go_both_ways() -> None:
    leg = await place("08")
    pressed: list[str] = []
    leg.set_digit_listener(pressed.append)
    leg.press("1")
    await leg.send_digits("12#")
    assert (pressed, leg.sent_digits) == (["1"], "12#")
    with pytest.raises(ValueError, match="No keys"):
        await leg.send_digits("call me")
    await leg.hang_up()


class BrokenCarrier(SimulatorCarrier):
    async def start(self) -> None:
        raise OSError("the port is in use")


@virtual_time
async def test_trunks_reach_their_carrier_and_one_that_breaks_costs_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = CarrierSpec(
        "broken", "Broken", lambda setup: BrokenCarrier(), takes_calls=True
    )
    monkeypatch.setitem(registry._specs, "broken", broken)
    carriers = OpenCarriers()
    await carriers.start()
    trunk = TrunkConfig(id=uuid4(), carrier=FAKE_CARRIER.name)
    unknown = TrunkConfig(id=uuid4(), carrier="telegraph")
    await carriers.configure([unknown, trunk])
    assert list(carriers.health()) == [trunk.id]
    await carriers.configure([])
    assert carriers.health() == {}
    await carriers.aclose()
