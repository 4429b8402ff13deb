"""The voice of simulated people: flite's `rms`, or espeak-ng's where flite is missing.

It is another voice than the assistants' own, so that a listener, and a recogniser,
tells them apart. A phrase is made once a process, outside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np

from calls.media.link import INPUT_RATE_HZ
from calls.telephony.simulator.behaviour import BEEP
from calls.vendors.offline.voices import resolve_voice, speak

BEEP_HZ: Final = 1_000
BEEP_MS: Final = 500
VOICE_ID: Final = "flite-rms"


async def voices_for(phrases: Iterable[str]) -> dict[str, bytes]:
    """Return s16 mono PCM at 16 kHz for each phrase, and the beep."""
    wanted = list(phrases)
    made = await asyncio.to_thread(lambda: [render(phrase) for phrase in wanted])
    return dict(zip(wanted, made, strict=True)) | {BEEP: beep()}


@lru_cache(maxsize=256)
def render(phrase: str) -> bytes:
    """Return a phrase as s16 mono PCM at 16 kHz; raises `SpeechFailed`."""
    pieces: list[bytes] = []

    def take(pcm: bytes) -> bool:
        pieces.append(pcm)
        return True

    speak(resolve_voice(VOICE_ID), phrase, 1.0, take)
    return b"".join(pieces)


@lru_cache(maxsize=1)
def beep() -> bytes:
    """Return the tone after which a voicemail records."""
    times = np.arange(INPUT_RATE_HZ * BEEP_MS // 1000) / INPUT_RATE_HZ
    tone = 8_000 * np.sin(2 * np.pi * BEEP_HZ * times)
    return tone.astype(np.int16).tobytes()
