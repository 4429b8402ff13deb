"""The voice of simulated people: flite's `rms`, espeak-ng where flite is not installed.

It is another voice than the assistants' own, so that a listener, and a recogniser,
tells them apart. A phrase is made once a process, outside the event loop.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import wave
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import av
import numpy as np

from calls.media.link import INPUT_RATE_HZ
from calls.telephony.simulator.behaviour import BEEP

BEEP_HZ: Final = 1_000
BEEP_MS: Final = 500
_TIMEOUT_S: Final = 15


class NoVoice(RuntimeError):
    """Neither flite nor espeak-ng is installed."""


async def voices_for(phrases: Iterable[str]) -> dict[str, bytes]:
    """Return s16 mono PCM at 16 kHz for each phrase, and the beep."""
    wanted = list(phrases)
    made = await asyncio.to_thread(lambda: [render(phrase) for phrase in wanted])
    return dict(zip(wanted, made, strict=True)) | {BEEP: beep()}


@lru_cache(maxsize=256)
def render(phrase: str) -> bytes:
    """Return a phrase as s16 mono PCM at 16 kHz."""
    pcm, rate_hz = _read_wave(_synthesise(phrase))
    return pcm if rate_hz == INPUT_RATE_HZ else _resampled(pcm, rate_hz)


@lru_cache(maxsize=1)
def beep() -> bytes:
    """Return the tone after which a voicemail records."""
    times = np.arange(INPUT_RATE_HZ * BEEP_MS // 1000) / INPUT_RATE_HZ
    tone = 8_000 * np.sin(2 * np.pi * BEEP_HZ * times)
    return tone.astype(np.int16).tobytes()


def _synthesise(phrase: str) -> bytes:
    if flite := shutil.which("flite"):
        command = [flite, "-voice", "rms", "-t", phrase, "-o", "/dev/stdout"]
    elif espeak := shutil.which("espeak-ng"):
        command = [espeak, "-v", "en-us+m3", "--stdout", phrase]
    else:
        raise NoVoice("Install flite or espeak-ng: simulated callees need a voice.")
    done = subprocess.run(  # noqa: S603 — a fixed program; phrases are our own table
        command, capture_output=True, timeout=_TIMEOUT_S, check=True
    )
    return done.stdout


def _read_wave(data: bytes) -> tuple[bytes, int]:
    # A streamed WAV may state a length of 0 or 2 GiB: take what is there instead.
    with wave.open(io.BytesIO(data)) as reader:
        rate_hz, header = reader.getframerate(), data.index(b"data") + 8
    pcm = data[header:]
    return pcm[: len(pcm) // 2 * 2], rate_hz


def _resampled(pcm: bytes, rate_hz: int) -> bytes:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=INPUT_RATE_HZ)
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
    frame.planes[0].update(pcm)
    frame.sample_rate = rate_hz
    out = [*resampler.resample(frame), *resampler.resample(None)]
    return b"".join(bytes(piece.planes[0])[: piece.samples * 2] for piece in out)
