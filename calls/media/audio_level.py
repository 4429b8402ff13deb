"""RFC 6464 audio level by numpy: a patch of aiortc, where it is a loop over samples.

In aiortc 1.16 that loop is half the CPU of a connection that sends `AudioFrame`s. Our
own links send packets and have no part in it; whoever uses aiortc's sender (benchmarks,
callers) does. Remove it once `aiortc.rtp.compute_audio_level_dbov` no longer loops.
"""

from __future__ import annotations

import math

import aiortc.rtp
import numpy as np
from av import AudioFrame

_FULL_SCALE = 32_767


def audio_level_dbov(frame: AudioFrame) -> int:
    """Return what `aiortc.rtp.compute_audio_level_dbov` returns, -127 to 0."""
    samples = np.frombuffer(bytes(frame.planes[0]), dtype=np.int16).astype(np.float64)
    energy = float(np.dot(samples, samples))
    if energy <= 0:
        return -127
    rms = math.sqrt(energy / (frame.samples * _FULL_SCALE * _FULL_SCALE))
    return round(min(max(20 * math.log10(rms), -127), 0))


def apply() -> None:
    """Use it in every aiortc sender of this process; safe to call twice."""
    aiortc.rtp.compute_audio_level_dbov = audio_level_dbov
