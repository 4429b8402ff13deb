"""G.711 in 20 ms packets: tables and one short filter, about 10 µs a packet.

A telephone's 8 kHz become the 16 kHz that a session hears by a half-band filter: even
samples are the line's own, odd ones are interpolated. The other way there is nothing to
do, because the output of such a link is made at 8 kHz from the start. Lost packets are
concealed as G.711 Appendix I means it: the last pitch period again, softer and softer.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

LINE_RATE_HZ: Final = 8_000
_PIECE: Final = 160


def _mulaw_to_linear() -> Samples:
    code = ~np.arange(256, dtype=np.uint8)
    mantissa = ((code & 0x0F).astype(np.int32) << 3) + 0x84
    magnitude = (mantissa << ((code & 0x70) >> 4).astype(np.int32)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_to_linear() -> Samples:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment = ((code & 0x70) >> 4).astype(np.int32)
    base = ((code & 0x0F).astype(np.int32) << 4) + 8
    magnitude = np.where(
        segment == 0, base, (base + 0x100) << np.maximum(segment - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _encoding_of(decoding: Samples) -> NDArray[np.uint8]:
    """Return the code of each 16-bit sample: the one whose value is nearest."""
    order = np.argsort(decoding, kind="stable")
    values = decoding[order].astype(np.int32)
    borders = (values[1:] + values[:-1]) / 2
    samples = np.arange(-32_768, 32_768)
    codes = order[np.searchsorted(borders, samples)].astype(np.uint8)
    return np.roll(codes, 32_768)  # indexed by the sample's own bits


_DECODING: Final = {"PCMU": _mulaw_to_linear(), "PCMA": _alaw_to_linear()}
_ENCODING: Final = {name: _encoding_of(table) for name, table in _DECODING.items()}
_ENCODING["PCMU"][0] = 0xFF  # there are two zeros; this one is silence


def _half_band() -> NDArray[np.float32]:
    """The odd phase of a windowed sinc that cuts at 4 kHz of 16."""
    taps = 12
    at = np.arange(taps) - (taps - 1) / 2
    kernel = np.sinc(at) * np.kaiser(taps, 5.0)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


_KERNEL: Final = _half_band()
_HISTORY: Final = len(_KERNEL) - 1
_CENTRE: Final = len(_KERNEL) // 2 - 1


class Upsampler:
    """8 kHz to 16 kHz, piece by piece without a seam, 0.75 ms late."""

    def __init__(self) -> None:
        self._past = np.zeros(_HISTORY, np.float32)

    def __call__(self, samples: Samples) -> bytes:
        line = np.concatenate([self._past, samples])
        self._past = line[-_HISTORY:]
        doubled = np.empty(2 * samples.size, np.float32)
        doubled[0::2] = line[_CENTRE : _CENTRE + samples.size]
        doubled[1::2] = np.convolve(line, _KERNEL, "valid")
        return np.clip(doubled, -32_768, 32_767).astype(np.int16).tobytes()


class Decimator:
    """24 kHz to 8 kHz: a low pass at 3.6 kHz, and every third sample of it."""

    _FACTOR = 3

    def __init__(self) -> None:
        taps = 48
        at = np.arange(taps) - (taps - 1) / 2
        kernel = np.sinc(at * 0.3) * np.kaiser(taps, 6.0)
        self._kernel = (kernel / kernel.sum()).astype(np.float32)
        self.rest()

    def rest(self) -> None:
        """Forget what came before: it was silence."""
        self._past = np.zeros(self._kernel.size - 1, np.float32)

    def __call__(self, pcm: bytes) -> bytes:
        line = np.concatenate([self._past, np.frombuffer(pcm, np.int16)])
        self._past = line[-self._past.size :]
        windows = np.lib.stride_tricks.sliding_window_view(line, self._kernel.size)
        thinned = windows[:: self._FACTOR] @ self._kernel
        pcm_8k: bytes = np.clip(thinned, -32_768, 32_767).astype(np.int16).tobytes()
        return pcm_8k


class G711Encoder:
    """Turns s16 mono PCM at 8 kHz into one packet; None is silence, made before."""

    def __init__(self, name: str) -> None:
        self._table = _ENCODING[name]
        self._silence = self.encode(bytes(2 * _PIECE))

    def encode(self, pcm: bytes | None) -> bytes:
        if pcm is None:
            return self._silence
        codes: bytes = self._table[np.frombuffer(pcm, np.uint16)].tobytes()
        return codes


class G711Decoder:
    """Turns packets of any length into s16 mono PCM at 16 kHz; conceals what was lost."""

    _KEPT = 480  # 60 ms: three of the longest pitch periods
    _FADE_AFTER, _GONE_AFTER = 80, 480  # samples: 10 ms as it was, silent at 60
    _SEAM = 32  # 4 ms from the concealment into speech, so that it does not click

    def __init__(self, name: str) -> None:
        self._table = _DECODING[name]
        self._upsample = Upsampler()
        self._recent = np.zeros(self._KEPT, np.int16)
        self._lost_samples = 0
        self._period: Samples | None = None
        self._noise = np.random.default_rng(0)
        self.noise_level = 0.0  # RMS of the pauses, as the other side has told it

    def decode(self, payload: bytes) -> bytes:
        samples = self._table[np.frombuffer(payload, np.uint8)]
        if self._lost_samples and samples.size >= self._SEAM:
            made = self._concealed(self._SEAM)
            ramp = np.linspace(0, 1, self._SEAM, dtype=np.float32)
            samples = samples.copy()
            samples[: self._SEAM] = samples[: self._SEAM] * ramp + made * (1 - ramp)
        self._lost_samples, self._period = 0, None
        self._remember(samples)
        return self._upsample(samples)

    def conceal(self, samples: int) -> bytes:
        """Return what lost packets may have held: at 16 kHz, silent in the end."""
        wanted = samples // 2
        made = self._concealed(min(wanted, self._GONE_AFTER))
        return self._upsample(np.concatenate([made, self._noisy(wanted - made.size)]))

    def pause(self, samples: int) -> bytes:
        """Return the comfort noise that was asked for, or silence."""
        return self._upsample(self._noisy(samples // 2))

    def _noisy(self, samples: int) -> Samples:
        if self.noise_level < 1:
            return np.zeros(samples, np.int16)
        noise = self._noise.standard_normal(samples, np.float32) * self.noise_level
        clipped: Samples = np.clip(noise, -32_768, 32_767).astype(np.int16)
        return clipped

    def _remember(self, samples: Samples) -> None:
        if samples.size >= self._KEPT:
            self._recent = samples[-self._KEPT :]
        else:
            self._recent = np.concatenate([self._recent[samples.size :], samples])

    def _concealed(self, wanted: int) -> Samples:
        if self._period is None:
            self._period = self._recent[-_pitch_of(self._recent) :]
        at = np.arange(self._lost_samples, self._lost_samples + wanted)
        self._lost_samples += wanted
        fade = (self._GONE_AFTER - at) / (self._GONE_AFTER - self._FADE_AFTER)
        repeated = self._period[at % self._period.size]
        faded: Samples = (repeated * np.clip(fade, 0, 1)).astype(np.int16)
        return faded


def _pitch_of(recent: Samples) -> int:
    """Return the likeliest pitch period in samples, 66 to 400 Hz, by correlation."""
    shortest, longest, window = 20, 120, 160
    line = recent.astype(np.float32)
    past = np.lib.stride_tricks.sliding_window_view(line, window)
    lags = np.arange(shortest, longest + 1)
    rows = past[line.size - window - lags]
    energy = np.einsum("ij,ij->i", rows, rows) + 1.0
    score = rows @ line[-window:] / np.sqrt(energy)
    return int(lags[int(np.argmax(score))])


def noise_level(payload: bytes) -> float:
    """Return the RMS that a comfort noise packet asks for (RFC 3389), within reason."""
    if not payload:
        return 0.0
    return min(2_000.0, float(32_768 * 10 ** (-(payload[0] & 0x7F) / 20)))
