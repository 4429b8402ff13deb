"""Which tones a telephone line carries after an answer: a beep, a fax, ringing, a tune.

    beep      a steady tone of 0.18 s or more, with stillness before or after it
    fax       2,100 Hz for over a second: a machine that waits for another one
    ringing   tones at the pitches of an exchange before anybody spoke: not answered yet
    tune      many tones of several pitches in a row, as telephones hold people with

A voice is none of these: its energy lies in many places at once. Pure: 20 ms in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

BEEP_MS: Final = 180
BEEP_HZ: Final = (350.0, 2_500.0)
PURE: Final = 0.85  # of a frame's energy in one narrow band: no voice is
FAX_HZ: Final = 2_100.0  # CED of ITU-T V.25; its phase turns every 450 ms
FAX_MS: Final = 1_200
EXCHANGE_HZ: Final = 500.0  # ringing, busy and dial tones lie at or below it
STILL_MS: Final = 200  # without a tone for so long, what was heard can be told
_SAME_HZ: Final = 60.0  # frames of 20 ms tell pitches 50 Hz apart
_GAP_MS: Final = 40  # a shorter one does not end a tone
_SHORTEST_MS: Final = 60  # what is shorter may be a vowel
_TUNE_TONES: Final = 4
_TUNE_PITCHES: Final = 3
_QUIET_BEFORE_MS: Final = 100


@dataclass
class _Tone:
    hz: float
    lasts_ms: int
    quiet_before_ms: int


class LineTones:
    """Follows the tones of a line; what was found once stays found."""

    def __init__(self) -> None:
        self.beep_hz = 0.0  # of the last beep; 0: there was none
        self.is_fax = False
        self.is_tune = False
        self.rang_until_ms = 0  # of what was heard, 0: it has not rung
        self._now_ms = 0
        self._tone: _Tone | None = None
        self._row: list[_Tone] = []  # tones with nothing but stillness between them
        self._gap_ms = 0  # since the last frame of a tone
        self._noise_ms = 0  # of the gap, what was loud
        self._quiet_ms = 0

    @property
    def is_sounding(self) -> bool:
        """Whether a tone that is no vowel goes on."""
        return self._tone is not None and self._tone.lasts_ms >= BEEP_MS

    def hear(
        self,
        samples: np.ndarray,
        rate_hz: int,
        *,
        is_loud: bool,
        somebody_spoke: bool,
    ) -> bool:
        """Take a piece of audio; return whether it may be part of a tone."""
        lasts_ms = len(samples) * 1000 // rate_hz
        self._now_ms += lasts_ms
        hz = _tone_of(samples, rate_hz) if is_loud else 0.0
        if hz:
            self._take_tone(hz, lasts_ms)
        else:
            self._take_gap(lasts_ms, is_loud=is_loud, somebody_spoke=somebody_spoke)
        self._quiet_ms = 0 if is_loud else self._quiet_ms + lasts_ms
        return bool(hz)

    def _take_tone(self, hz: float, lasts_ms: int) -> None:
        tone = self._tone
        if tone is not None and abs(hz - tone.hz) <= _SAME_HZ:
            tone.lasts_ms += lasts_ms + self._gap_ms
        else:
            self._end_tone()
            self._tone = tone = _Tone(hz, lasts_ms, self._quiet_ms)
        self._gap_ms = self._noise_ms = 0
        if abs(tone.hz - FAX_HZ) <= _SAME_HZ and tone.lasts_ms >= FAX_MS:
            self.is_fax = True

    def _take_gap(self, lasts_ms: int, *, is_loud: bool, somebody_spoke: bool) -> None:
        self._gap_ms += lasts_ms
        self._noise_ms += lasts_ms if is_loud else 0
        if self._gap_ms <= _GAP_MS:
            return
        self._end_tone()
        if self._row and (self._noise_ms > _GAP_MS or self._gap_ms >= STILL_MS):
            self._tell(is_still=self._noise_ms == 0, somebody_spoke=somebody_spoke)

    def _end_tone(self) -> None:
        tone, self._tone = self._tone, None
        if tone is None or tone.lasts_ms < _SHORTEST_MS:
            return
        self._row.append(tone)
        self.is_tune = self.is_tune or _is_tune(self._row)

    def _tell(self, *, is_still: bool, somebody_spoke: bool) -> None:
        """Say what a row of tones was, now that it is over."""
        row, self._row = self._row, []
        steady = [tone for tone in row if tone.lasts_ms >= BEEP_MS]
        if not steady or _is_tune(row):
            return
        if not somebody_spoke and all(tone.hz <= EXCHANGE_HZ for tone in steady):
            self.rang_until_ms = self._now_ms
        elif is_still or steady[0].quiet_before_ms >= _QUIET_BEFORE_MS:
            self.beep_hz = max(tone.hz for tone in steady)


def _is_tune(row: list[_Tone]) -> bool:
    pitches = {round(tone.hz / _SAME_HZ) for tone in row}
    return len(row) >= _TUNE_TONES and len(pitches) >= _TUNE_PITCHES


def _tone_of(samples: np.ndarray, rate_hz: int) -> float:
    """Return the frequency of a pure tone, or 0 for anything else."""
    window = samples * np.hanning(len(samples))
    energy = np.abs(np.fft.rfft(window)) ** 2
    energy[:2] = 0  # a constant is no tone
    total = float(energy.sum())
    if total <= 0:
        return 0.0
    peak = int(energy.argmax())
    around = float(energy[max(0, peak - 2) : peak + 3].sum())
    hz = peak * rate_hz / len(samples)
    is_tone = around / total >= PURE and BEEP_HZ[0] <= hz <= BEEP_HZ[1]
    return hz if is_tone else 0.0
