"""A place around the assistant: mixed under its voice, as loud as it was set."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from livekit import rtc

from calls.media.ambience import CLIPS, Ambience, clip_file, samples_of
from calls.media.output import PulledAudioOutput

RATE_HZ = 16_000
FRAME = RATE_HZ // 50


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


@pytest.mark.parametrize("clip", CLIPS)
def test_every_clip_is_small_loops_and_is_as_loud_as_the_others(clip):
    assert clip_file(clip).stat().st_size < 100_000
    samples = samples_of(clip, RATE_HZ)
    assert len(samples) / RATE_HZ == pytest.approx(24, abs=0.1)
    assert loudness(samples) == pytest.approx(2_500, rel=0.15)
    # the loop's seam is no louder a step than those elsewhere
    steps = np.abs(np.diff(samples.astype(int)))
    assert abs(int(samples[0]) - int(samples[-1])) <= steps.max()


def test_volume_is_respected():
    heard = []
    for volume in (0.05, 0.3, 1.0):
        ambience = Ambience(samples_of("office", RATE_HZ), volume)
        pieces = [ambience.under(bytes(FRAME * 2)) for _ in range(500)]
        heard.append(loudness(np.frombuffer(b"".join(pieces), np.int16)))
    assert heard[1] / heard[0] == pytest.approx(6, rel=0.1)
    assert heard[2] / heard[1] == pytest.approx(1 / 0.3, rel=0.05)


def test_the_loop_begins_again_without_a_gap():
    samples = np.arange(1_000, dtype=np.int16)
    ambience = Ambience(samples, 1.0)
    pieces = b"".join(ambience.under(bytes(640)) for _ in range(10))
    expected = np.concatenate([samples] * 4)[:3_200]
    assert np.array_equal(np.frombuffer(pieces, np.int16), expected)


def test_loud_speech_is_clipped_and_never_wraps():
    ambience = Ambience(np.full(1_000, 20_000, np.int16), 1.0)
    voice = np.full(320, 30_000, np.int16)
    assert np.frombuffer(ambience.under(voice.tobytes()), np.int16).max() == 32_767


def test_the_caller_hears_it_with_and_without_speech_and_so_does_the_recording():
    async def listen() -> None:
        output = PulledAudioOutput(sample_rate_hz=RATE_HZ)
        taped: list[bytes] = []
        output.tap = lambda pcm, rate_hz, offset_ms: taped.append(pcm)
        assert output.pull() is None
        output.ambience = Ambience(np.full(1_000, 100, np.int16), 0.5)
        assert output.pull() == np.full(FRAME, 50, np.int16).tobytes()
        voice = np.full(FRAME // 2, 7, np.int16).tobytes()
        await output.capture_frame(rtc.AudioFrame(voice, RATE_HZ, 1, FRAME // 2))
        output.flush()
        mixed = np.frombuffer(output.pull() or b"", np.int16)
        assert list(mixed[:2]) == [57, 57]
        assert list(mixed[-2:]) == [50, 50]
        # what was heard of the speech is still exact
        assert output.buffered_ms == 0
        assert taped[1:] == [np.full(FRAME, 50, np.int16).tobytes(), mixed.tobytes()]
        output.close()
        assert output.pull() is None

    asyncio.run(listen())
