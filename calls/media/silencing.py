"""Silence stretches of a recording, so that what was taken out of the text is not heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from calls.media.growing import Samples
from calls.media.recording import RECORDING_RATE_HZ, Recording, read_recording

# Recognisers place a turn a little late and end it a little early.
MARGIN_MS: Final = 500
_SAMPLES_PER_MS: Final = RECORDING_RATE_HZ // 1000
_COLUMNS: Final = {"caller": 0, "assistant": 1}

Side = Literal["caller", "assistant"]


@dataclass(frozen=True)
class Stretch:
    """A piece of one side, in milliseconds since the audio connected."""

    side: Side
    start_ms: int
    end_ms: int


def silence(recording: Recording, stretches: Iterable[Stretch]) -> Recording:
    """Write silence over these stretches, in the file itself; blocks.

    Returns the recording with a waveform that shows them silent. A recording without a
    file stays as it is.
    """
    if recording.path is None:
        return recording
    wanted = list(stretches)

    def without(samples: Samples, before: int) -> None:
        for one in wanted:
            start = max(0, one.start_ms - MARGIN_MS) * _SAMPLES_PER_MS - before
            end = max(0, one.end_ms + MARGIN_MS) * _SAMPLES_PER_MS - before
            samples[max(0, start) : max(0, end), _COLUMNS[one.side]] = 0

    recording.growth.change(recording.path, without)
    return read_recording(recording.path, recording.growth)
