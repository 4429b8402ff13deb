"""Hears where speech starts and ends, by loudness; times are those of arrival."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

from calls.media.frames import FRAME_BYTES
from calls.media.link import FRAME_MS

_LOUD_RMS = 180.0  # of 32,767, about -45 dBFS: codec noise is far below, speech above
_ONSET_FRAMES = 3  # loud frames of the last five that make a start of speech
_QUIET_S = 0.3  # a shorter pause belongs to the speech around it


class Ear:
    """Takes s16 mono 16 kHz PCM as it arrives; also keeps it when asked to.

    Two clocks: onsets are when the sound arrived, `speech_ms` counts audio.
    """

    def __init__(
        self,
        *,
        max_kept_ms: int = 0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.heard_ms = 0
        self.speech_ms = 0
        self.onsets_s: list[float] = []
        self.kept = bytearray()
        self._max_kept = max_kept_ms * 32
        self._now_s = now_s
        self._partial = bytearray()
        self._recent: deque[tuple[float, bool]] = deque(maxlen=5)
        self._last_loud_s: float | None = None
        self._quiet_ms = 0

    @property
    def is_speaking(self) -> bool:
        return self._last_loud_s is not None and self.quiet_s < _QUIET_S

    @property
    def quiet_s(self) -> float:
        """Seconds since the last sound of speech; 0 when there was none yet."""
        if self._last_loud_s is None:
            return 0.0
        return self._now_s() - self._last_loud_s

    def onset_after(self, time_s: float) -> float | None:
        """Return when speech first started after this time."""
        return next((onset for onset in self.onsets_s if onset > time_s), None)

    def push(self, pcm: bytes) -> None:
        if len(self.kept) < self._max_kept:
            self.kept += pcm
        self._partial += pcm
        while len(self._partial) >= FRAME_BYTES:
            self._hear(bytes(self._partial[:FRAME_BYTES]))
            del self._partial[:FRAME_BYTES]

    def _hear(self, frame: bytes) -> None:
        samples = np.frombuffer(frame, np.int16).astype(np.float32)
        is_loud = float(np.dot(samples, samples)) > _LOUD_RMS**2 * samples.size
        now_s = self._now_s()
        self.heard_ms += FRAME_MS
        self._recent.append((now_s, is_loud))
        if not is_loud:
            self._quiet_ms += FRAME_MS
            return
        loud = [at_s for at_s, was_loud in self._recent if was_loud]
        if self._last_loud_s is None or now_s - self._last_loud_s >= _QUIET_S:
            if len(loud) < _ONSET_FRAMES:
                return  # a click, or the first of an onset not yet sure
            self.onsets_s.append(loud[0])
            self.speech_ms += FRAME_MS * len(loud)
        else:
            self.speech_ms += FRAME_MS + self._quiet_ms
        self._last_loud_s = now_s
        self._quiet_ms = 0
