"""A page and a link, two real peer connections in one process."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest
from aiortc import RTCSessionDescription
from livekit import rtc

from calls.media.link import LinkEnd, MediaNeverConnected
from calls.media.webrtc import WebRTCLink
from tests.calls.media.browser import Browser, Microphone, loudest_hz

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


async def hear(link: WebRTCLink, duration_ms: int) -> np.ndarray:
    frames = [await anext(link.audio_input) for _ in range(duration_ms // 20)]
    return np.concatenate([np.frombuffer(f.data, np.int16) for f in frames])


def speech(duration_ms: int, hz: float = 700, rate_hz: int = 24_000) -> rtc.AudioFrame:
    samples = rate_hz * duration_ms // 1000
    wave = 8_000 * np.sin(2 * np.pi * hz * np.arange(samples) / rate_hz)
    return rtc.AudioFrame(wave.astype(np.int16).tobytes(), rate_hz, 1, samples)


async def test_both_sides_hear_each_other():
    link, browser = WebRTCLink(), Browser(Microphone(tone_hz=440))
    try:
        await browser.connect(link)
        await link.audio_output.capture_frame(speech(600))
        link.audio_output.flush()
        heard = await hear(link, 800)
        end = await asyncio.wait_for(link.audio_output.wait_for_playout(), 3)
        assert end.playback_position == pytest.approx(0.6, abs=0.001)
        assert not end.interrupted
        assert loudest_hz(heard[8_000:], 16_000) == pytest.approx(440, abs=5)
        await asyncio.sleep(0.3)
        loud = browser.heard[np.abs(browser.heard) > 500]
        assert loud.size / 48_000 == pytest.approx(0.6, abs=0.1)
        assert loudest_hz(browser.heard, 48_000) == pytest.approx(700, abs=15)
        stats = link.stats()
        assert stats.received_packets >= 40
        assert stats.lost_packets == 0
        assert stats.round_trip_ms is None or stats.round_trip_ms < 100
    finally:
        await link.aclose()
        await browser.aclose()


async def test_an_interruption_reports_what_was_sent():
    link, browser = WebRTCLink(), Browser()
    try:
        await browser.connect(link)
        loop = asyncio.get_running_loop()
        started_s: list[float] = []
        link.audio_output.on(
            "playback_started", lambda _: started_s.append(loop.time())
        )
        await link.audio_output.capture_frame(speech(3_000))
        link.audio_output.flush()
        await asyncio.sleep(0.7)
        link.audio_output.clear_buffer()
        played_s = loop.time() - started_s[0]
        end = await link.audio_output.wait_for_playout()
        assert end.interrupted
        assert end.playback_position == pytest.approx(played_s, abs=0.04)
        await asyncio.sleep(0.4)
        loud = browser.heard[np.abs(browser.heard) > 500]
        assert loud.size / 48_000 == pytest.approx(end.playback_position, abs=0.08)
    finally:
        await link.aclose()
        await browser.aclose()


async def test_lost_packets_leave_no_hole_in_time():
    link, browser = WebRTCLink(), Browser(Microphone(tone_hz=440))
    try:
        await browser.connect(link)
        browser.lose(lambda n: n % 10 in (3, 4))
        offsets: list[int] = []
        link.set_taps(caller=lambda pcm, rate, at: offsets.append(at), assistant=None)
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await hear(link, 2_000)
        assert loop.time() - started_s == pytest.approx(2.0, abs=0.2)
        stats = link.stats()
        assert stats.lost_packets / stats.received_packets > 0.15
        assert {b - a for a, b in itertools.pairwise(offsets)} <= {20, 60}
    finally:
        await link.aclose()
        await browser.aclose()


async def test_a_page_that_closes_has_hung_up():
    link, browser = WebRTCLink(rejoin_s=0.2), Browser()
    try:
        await browser.connect(link)
        await asyncio.sleep(0.2)
        await browser.aclose()
        assert await asyncio.wait_for(link.wait_closed(), 2) is LinkEnd.REMOTE_HANGUP
        assert link.stats().received_packets > 0
        assert await anext(link.audio_input) is not None
        async for _ in link.audio_input:
            pass
    finally:
        await link.aclose()


async def test_a_page_that_falls_silent_is_lost():
    link, browser = WebRTCLink(lost_after_s=0.6), Browser()
    try:
        await browser.connect(link)
        browser.lose(lambda n: True)
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        assert await asyncio.wait_for(link.wait_closed(), 3) is LinkEnd.LOST
        assert loop.time() - started_s < 1.5
    finally:
        await link.aclose()
        await browser.aclose()


async def test_a_starved_session_hears_silence_in_real_time():
    link, browser = WebRTCLink(), Browser(Microphone(tone_hz=440))
    try:
        await browser.connect(link)
        browser.lose(lambda n: True)
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        heard = await hear(link, 1_000)
        assert loop.time() - started_s == pytest.approx(1.2, abs=0.25)
        assert not heard[-8_000:].any()
    finally:
        await link.aclose()
        await browser.aclose()


async def test_a_new_offer_carries_the_call_on():
    link = WebRTCLink(rejoin_s=1.0)
    first, second = Browser(Microphone(440)), Browser(Microphone(880))
    try:
        await first.connect(link)
        await hear(link, 400)
        await link.audio_output.capture_frame(speech(2_000))
        link.audio_output.flush()
        await asyncio.sleep(0.5)
        offset_ms = link.offset_ms
        await first.aclose()
        await second.connect(link)
        assert link.offset_ms > offset_ms
        end = await asyncio.wait_for(link.audio_output.wait_for_playout(), 5)
        assert not end.interrupted
        assert end.playback_position == pytest.approx(2.0, abs=0.001)
        while link.audio_input.queued_ms:
            await anext(link.audio_input)
        heard = await hear(link, 600)
        assert loudest_hz(heard, 16_000) == pytest.approx(880, abs=5)
        await asyncio.sleep(1.2)
        assert link.stats().received_packets > 60
        closed = asyncio.create_task(link.wait_closed())
        await asyncio.sleep(0)
        assert not closed.done()
        await link.aclose()
        assert await closed is LinkEnd.LOCAL_CLOSE
    finally:
        await link.aclose()
        await second.aclose()


async def test_a_page_that_never_comes_is_told_why():
    link, browser = WebRTCLink(), Browser()
    try:
        with pytest.raises(MediaNeverConnected, match="never offered"):
            await link.wait_connected(0.05)
        await link.answer(await browser.offer())  # the page never gets the answer
        with pytest.raises(MediaNeverConnected, match="No network path"):
            await link.wait_connected(0.3)
    finally:
        await link.aclose()
        await link.aclose()
        await browser.aclose()


async def test_candidates_may_trickle_before_and_after_the_offer():
    link, browser = WebRTCLink(), Browser()
    try:
        sdp = await browser.offer()
        lines = sdp.splitlines()
        candidates = [
            line.removeprefix("a=") for line in lines if line.startswith("a=candidate")
        ]
        bare = "\r\n".join(
            line
            for line in lines
            if not line.startswith(("a=candidate", "a=end-of-candidates"))
        )
        await link.add_candidate({"candidate": candidates[0], "sdpMid": "0"})
        answer = await link.answer(bare + "\r\n")
        for candidate in candidates[1:]:
            await link.add_candidate({"candidate": candidate, "sdpMLineIndex": 0})
        await link.add_candidate(None)
        await browser.pc.setRemoteDescription(
            RTCSessionDescription(sdp=answer, type="answer")
        )
        await link.wait_connected(5)
    finally:
        await link.aclose()
        await browser.aclose()


async def test_a_tap_that_fails_ends_the_call_and_not_the_process(caplog):
    link, browser = WebRTCLink(rejoin_s=0.2), Browser()

    def broken(pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        raise RuntimeError("broken tap")

    try:
        await browser.connect(link)
        await asyncio.sleep(0.1)
        link.set_taps(caller=None, assistant=broken)
        end = await asyncio.wait_for(link.wait_closed(), 3)
        assert end is LinkEnd.REMOTE_HANGUP or end is LinkEnd.LOST
        assert "sending audio failed" in caplog.text
    finally:
        await link.aclose()
        await browser.aclose()
