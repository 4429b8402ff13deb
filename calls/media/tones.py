"""Tones of a telephone, as s16 mono PCM: keys in the audio itself, and the ringing heard. Pure.

Keys go as tones where a carrier has no command for them. ITU-T Q.23 has the frequencies,
ETSI TR 101 041 the ringing of most of Europe.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np

from calls.media.dtmf import GAP_MS, PAUSE_MS, PRESS_MS
from calls.media.link import FRAME_MS

_ROWS_HZ: Final = (697, 770, 852, 941)
_COLUMNS_HZ: Final = (1209, 1336, 1477, 1633)
_KEYPAD: Final = "123A456B789C*0#D"
_KEY_LEVEL: Final = 0.25  # of full scale, each tone: -9 dBm0, as exchanges expect
_RING_HZ: Final = 425
_RING_LEVEL: Final = 0.12
RING_MS: Final = 1_000
RING_PAUSE_MS: Final = 4_000


def _sound(
    frequencies_hz: tuple[int, ...], duration_ms: int, rate_hz: int, level: float
) -> bytes:
    at_s = np.arange(rate_hz * duration_ms // 1000) / rate_hz
    mixed = np.sum([np.sin(2 * np.pi * hz * at_s) for hz in frequencies_hz], axis=0)
    return bytes((mixed * level * 32_767).astype("<i2"))


@lru_cache(maxsize=64)
def key_tone(key: str, rate_hz: int) -> bytes:
    """Return a key and the gap after it; `w` is a pause."""
    if key == "w":
        return bytes(rate_hz * PAUSE_MS // 1000 * 2)
    place = _KEYPAD.index(key)
    pair = (_ROWS_HZ[place // 4], _COLUMNS_HZ[place % 4])
    return _sound(pair, PRESS_MS, rate_hz, _KEY_LEVEL) + bytes(
        rate_hz * GAP_MS // 1000 * 2
    )


@lru_cache(maxsize=4)
def ringing(rate_hz: int) -> bytes:
    """Return one ring and the silence before the next."""
    return _sound((_RING_HZ,), RING_MS, rate_hz, _RING_LEVEL) + bytes(
        rate_hz * RING_PAUSE_MS // 1000 * 2
    )


def frames_of(pcm: bytes, rate_hz: int) -> Iterator[bytes]:
    """Cut audio into frames of `FRAME_MS`; what is left over is dropped."""
    length = rate_hz * FRAME_MS // 1000 * 2
    for start in range(0, len(pcm) - length + 1, length):
        yield pcm[start : start + length]
