"""When the other side speaks and has finished, from the energy of what is heard."""

from __future__ import annotations

import numpy as np

from calls.media.link import FRAME_MS

LOUD_RMS = 200.0  # of 32,768: far below speech, far above dither
MIN_SPEECH_MS = 200
END_SILENCE_MS = 900  # longer than the pauses between an assistant's sentences


def is_loud(pcm: bytes | None) -> bool:
    """Tell whether 20 ms of s16 mono carry a voice; `None` is silence."""
    if not pcm:
        return False
    samples = np.frombuffer(pcm, np.int16).astype(np.float32)
    return float(np.mean(samples * samples)) > LOUD_RMS * LOUD_RMS


class Ear:
    """Follows one voice, 20 ms a call.

    `has_finished` is true from the moment an utterance of at least `MIN_SPEECH_MS` was
    followed by `END_SILENCE_MS` of silence, until `forget()`.
    """

    def __init__(self) -> None:
        self.speech_ms = 0
        self.silence_ms = 0

    def hear(self, pcm: bytes | None) -> None:
        if is_loud(pcm):
            self.speech_ms += FRAME_MS
            self.silence_ms = 0
        else:
            self.silence_ms += FRAME_MS

    @property
    def has_started(self) -> bool:
        return self.speech_ms >= MIN_SPEECH_MS

    @property
    def has_finished(self) -> bool:
        return self.has_started and self.silence_ms >= END_SILENCE_MS

    def forget(self) -> None:
        """Wait for the next utterance."""
        self.speech_ms = 0
        self.silence_ms = 0
