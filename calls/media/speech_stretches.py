"""Where the caller speaks in a finished recording, to be written down piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Final

import av
import numpy as np

from calls.media.growing import Samples
from calls.media.recording import BUCKET_MS, RECORDING_RATE_HZ, peaks

LOUD: Final = 3  # of 100: above a line's noise, below a quiet voice
JOIN_MS: Final = 800  # a shorter pause is within a sentence
SHORTEST_MS: Final = 200
MARGIN_MS: Final = 200  # a first consonant is quieter than what follows
LONGEST_MS: Final = 60_000
_SAMPLES_PER_MS: Final = RECORDING_RATE_HZ // 1000


class NotARecording(Exception):
    """A file that cannot be read as sound."""


@dataclass(frozen=True)
class Piece:
    """One stretch of speech as s16 mono, and when it was in the call."""

    start_ms: int
    end_ms: int
    pcm: bytes


def sides_of(file: IO[bytes]) -> tuple[Samples, Samples]:
    """Return caller and assistant of a recording, WAV or WebM, at 16 kHz; blocks.

    Raises `NotARecording` for what is none.
    """
    resampler = av.AudioResampler(format="s16", layout="stereo", rate=RECORDING_RATE_HZ)
    found: list[Samples] = []
    try:
        with av.open(file, mode="r") as container:
            for frame in container.decode(audio=0):
                found += [_both(one) for one in resampler.resample(frame)]
    except av.FFmpegError as error:
        raise NotARecording(str(error)) from error
    found += [_both(one) for one in resampler.resample(None)]
    both = np.concatenate(found) if found else np.zeros((0, 2), np.int16)
    return both[:, 0], both[:, 1]


def _both(frame: av.AudioFrame) -> Samples:
    samples = np.frombuffer(bytes(frame.planes[0])[: frame.samples * 4], np.int16)
    return samples.reshape(-1, 2)


def pieces_of(samples: Samples) -> list[Piece]:
    """Cut out the stretches in which somebody speaks, in order."""
    found: list[list[int]] = []
    for number, peak in enumerate(peaks(samples)):
        if peak <= LOUD:
            continue
        start, end = number * BUCKET_MS, (number + 1) * BUCKET_MS
        last = found[-1] if found else None
        if last and start - last[1] <= JOIN_MS and end - last[0] <= LONGEST_MS:
            last[1] = end
        else:
            found.append([start, end])
    return [_cut(samples, a, b) for a, b in found if b - a >= SHORTEST_MS]


def _cut(samples: Samples, start_ms: int, end_ms: int) -> Piece:
    first = max(0, start_ms - MARGIN_MS) * _SAMPLES_PER_MS
    last = (end_ms + MARGIN_MS) * _SAMPLES_PER_MS
    return Piece(start_ms, end_ms, samples[first:last].tobytes())
