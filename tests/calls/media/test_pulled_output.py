"""The position an output reports is what was pulled from it, exact to the sample."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice.io import PlaybackFinishedEvent, PlaybackStartedEvent

from calls.media.output import OUTPUT_RATE_HZ, PulledAudioOutput


def tone(duration_ms: int, rate_hz: int = OUTPUT_RATE_HZ, channels: int = 1):
    samples = rate_hz * duration_ms // 1000
    wave = 8_000 * np.sin(2 * np.pi * 300 * np.arange(samples) / rate_hz)
    pcm = np.repeat(wave.astype(np.int16), channels)
    return rtc.AudioFrame(pcm.tobytes(), rate_hz, channels, samples)


class Heard:
    """Collects what an output says about its playback."""

    def __init__(self, output: PulledAudioOutput) -> None:
        self.started: list[PlaybackStartedEvent] = []
        self.finished: list[PlaybackFinishedEvent] = []
        output.on("playback_started", self.started.append)
        output.on("playback_finished", self.finished.append)


@pytest.mark.asyncio
async def test_a_drained_segment_reports_its_whole_length():
    output = PulledAudioOutput()
    heard = Heard(output)
    await output.capture_frame(tone(50))
    output.flush()
    assert output.buffered_ms == 50
    for _ in range(3):
        assert output.pull() is not None
    assert output.pull() is None
    assert len(heard.started) == 1
    [end] = heard.finished
    assert end.playback_position == pytest.approx(0.050)
    assert not end.interrupted


@pytest.mark.asyncio
async def test_the_last_pull_is_padded_with_silence():
    output = PulledAudioOutput()
    await output.capture_frame(tone(30))
    output.flush()
    output.pull()
    last = output.pull()
    assert last is not None
    assert len(last) == 960
    assert last[480:] == bytes(480)


@pytest.mark.asyncio
async def test_clearing_a_flushed_segment_ends_it_at_what_was_heard():
    output = PulledAudioOutput()
    heard = Heard(output)
    await output.capture_frame(tone(1_000))
    output.flush()
    for _ in range(12):
        output.pull()
    output.clear_buffer()
    [end] = heard.finished
    assert end.interrupted
    assert end.playback_position == pytest.approx(0.240)
    assert output.pull() is None
    assert output.buffered_ms == 0


@pytest.mark.asyncio
async def test_clearing_an_open_segment_reports_at_its_flush_and_drops_the_rest():
    output = PulledAudioOutput()
    heard = Heard(output)
    await output.capture_frame(tone(100))
    output.pull()
    output.clear_buffer()
    assert heard.finished == []
    await output.capture_frame(tone(100))
    assert output.pull() is None
    output.flush()
    [end] = heard.finished
    assert end.interrupted
    assert end.playback_position == pytest.approx(0.020)
    await output.capture_frame(tone(20))
    assert output.pull() is not None


@pytest.mark.asyncio
async def test_pausing_freezes_the_position_and_resuming_loses_nothing():
    output = PulledAudioOutput()
    heard = Heard(output)
    await output.capture_frame(tone(60))
    output.flush()
    output.pull()
    output.pause()
    output.pause()
    assert [output.pull() for _ in range(5)] == [None] * 5
    output.resume()
    output.pull()
    output.pull()
    [end] = heard.finished
    assert end.playback_position == pytest.approx(0.060)
    assert len(heard.started) == 1


@pytest.mark.asyncio
async def test_two_segments_play_in_order_without_a_gap():
    output = PulledAudioOutput()
    heard = Heard(output)
    for _ in range(2):
        await output.capture_frame(tone(30))
        output.flush()
    pulled = [output.pull() for _ in range(3)]
    assert None not in pulled
    assert [e.playback_position for e in heard.finished] == pytest.approx([0.03] * 2)


@pytest.mark.asyncio
async def test_capturing_waits_while_the_buffer_is_full():
    output = PulledAudioOutput(max_buffered_ms=100)
    await output.capture_frame(tone(100))
    capture = asyncio.create_task(output.capture_frame(tone(20)))
    await asyncio.sleep(0)
    assert not capture.done()
    output.pull()
    await capture
    assert output.buffered_ms == 100


@pytest.mark.asyncio
async def test_clearing_frees_a_waiting_capture():
    output = PulledAudioOutput(max_buffered_ms=100)
    await output.capture_frame(tone(100))
    capture = asyncio.create_task(output.capture_frame(tone(20)))
    await asyncio.sleep(0)
    output.clear_buffer()
    await capture
    assert output.buffered_ms == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(16_000, 1), (22_050, 1), (48_000, 2)]
)
async def test_other_rates_keep_their_duration_and_their_pitch(rate_hz, channels):
    output = PulledAudioOutput()
    for _ in range(50):
        await output.capture_frame(tone(20, rate_hz, channels))
    output.flush()
    assert abs(output.buffered_ms - 1_000) <= 2
    pcm = b"".join(output.pull() or b"" for _ in range(50))
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, np.int16)[:OUTPUT_RATE_HZ]))
    assert abs(int(spectrum.argmax()) - 300) <= 3


@pytest.mark.asyncio
async def test_the_tap_hears_silence_too():
    output = PulledAudioOutput(offset_ms=lambda: 1_234)
    heard = []
    output.tap = lambda pcm, rate_hz, offset_ms: heard.append(
        (len(pcm), any(pcm), rate_hz, offset_ms)
    )
    output.pull()
    await output.capture_frame(tone(20))
    output.pull()
    assert heard == [(960, False, 24_000, 1_234), (960, True, 24_000, 1_234)]


@pytest.mark.asyncio
async def test_closing_ends_every_playout_wait():
    output = PulledAudioOutput()
    await output.capture_frame(tone(500))
    output.flush()
    waiting = asyncio.create_task(output.wait_for_playout())
    await asyncio.sleep(0)
    output.close()
    end = await asyncio.wait_for(waiting, 1)
    assert end.interrupted
    await output.capture_frame(tone(20))
    output.flush()
    assert (await output.wait_for_playout()).playback_position == 0
