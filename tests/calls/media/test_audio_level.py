"""Our audio level is aiortc's, computed faster."""

from __future__ import annotations

import av
import numpy as np
import pytest
from aiortc import rtcrtpsender
from aiortc.rtp import compute_audio_level_dbov as original

from calls.media import audio_level


def frame_of(samples: np.ndarray, layout: str = "mono") -> av.AudioFrame:
    channels = 1 if layout == "mono" else 2
    frame = av.AudioFrame(format="s16", layout=layout, samples=samples.size // channels)
    frame.planes[0].update(samples.astype(np.int16).tobytes())
    return frame


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_it_equals_the_original_on_random_audio(layout):
    rng = np.random.default_rng(7)
    for amplitude in (0, 1, 2, 30, 1_000, 20_000, 32_767):
        for _ in range(5):
            samples = rng.integers(-amplitude, amplitude + 1, 1_920)
            frame = frame_of(samples, layout)
            assert audio_level.audio_level_dbov(frame) == original(frame)


def test_the_loudest_sample_is_no_overflow():
    frame = frame_of(np.full(960, -32_768))
    assert audio_level.audio_level_dbov(frame) == original(frame) == 0


def test_applying_it_reaches_the_sender(monkeypatch):
    monkeypatch.setattr("aiortc.rtp.compute_audio_level_dbov", original)
    audio_level.apply()
    audio_level.apply()
    sender_rtp = vars(rtcrtpsender)["rtp"]
    assert sender_rtp.compute_audio_level_dbov is audio_level.audio_level_dbov
