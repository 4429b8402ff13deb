"""Sounds of a place, to be mixed under the assistant's voice.

The clips are ours: `python -m calls.media.ambience.compose` makes them from noise and
sines, so nobody's recording and nobody's licence is in them. A loop of 24 s is decoded
once a process and rate, off the event loop, and shared by all calls.
"""

from __future__ import annotations

import functools
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

CLIPS = ("office", "city", "forest", "crowded_room")

Samples = npt.NDArray[np.int16]


def clip_file(clip: str) -> Path:
    """Where a clip is kept, as Opus in Ogg."""
    return Path(__file__).parent / f"{clip}.ogg"


@functools.cache
def samples_of(clip: str, rate_hz: int) -> Samples:
    """The clip as s16 mono at a rate. Takes some 30 ms the first time: not on a loop."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
    pieces: list[npt.NDArray[np.int16]] = []
    with av.open(str(clip_file(clip))) as container:
        for frame in container.decode(audio=0):
            pieces.extend(out.to_ndarray()[0] for out in resampler.resample(frame))
    pieces.extend(out.to_ndarray()[0] for out in resampler.resample(None))
    return np.concatenate(pieces).astype(np.int16)


class Ambience:
    """One call's place in the loop."""

    def __init__(self, samples: Samples, volume: float) -> None:
        self._samples = samples
        self._volume = round(volume * 256)  # in 256ths: integers are cheaper to mix
        self._at = 0

    def under(self, pcm: bytes) -> bytes:
        """Return s16 mono speech with the next stretch of the place below it."""
        voice = np.frombuffer(pcm, np.int16).astype(np.int32)
        place = self._next(len(voice)).astype(np.int32) * self._volume >> 8
        mixed = np.clip(voice + place, -32_768, 32_767)
        return mixed.astype(np.int16).tobytes()

    def _next(self, count: int) -> Samples:
        start, length = self._at, len(self._samples)
        self._at = (start + count) % length
        if start + count <= length:
            return self._samples[start : start + count]
        return np.concatenate((self._samples[start:], self._samples[: self._at]))
