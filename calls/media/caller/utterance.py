"""What a synthetic caller says: a WAV file or a phrase, encoded before the call."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np

from calls.media.link import FRAME_MS
from calls.media.opus import OpusEncoder

_RATE_HZ = 16_000
_FRAME_SAMPLES = _RATE_HZ * FRAME_MS // 1000
_LOUD = 300  # of 32,767: below it a frame of a clean recording is silence
_SPEAK_S = 30


class NoSpeechProgram(Exception):
    """Neither flite nor espeak-ng is installed."""


@dataclass(frozen=True)
class Utterance:
    """One packet per 20 ms, and how many of them there are up to the last sound.

    `packets` are Opus; `frames` are the same as s16 mono PCM at 16 kHz.
    """

    packets: tuple[bytes, ...]
    speech_packets: int
    frames: tuple[bytes, ...] = ()

    @property
    def speech_ms(self) -> int:
        return self.speech_packets * FRAME_MS


def utterance_from_wav(path: Path) -> Utterance:
    """Return the sound file ready to send; raises `ValueError` if it holds no audio."""
    try:
        with av.open(str(path)) as reader:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
            pieces = [
                bytes(out.planes[0])[: out.samples * 2]
                for frame in (*reader.decode(audio=0), None)
                for out in resampler.resample(frame)
            ]
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path} cannot be read as audio: {error}") from error
    return utterance_from_pcm(np.frombuffer(b"".join(pieces), np.int16))


def utterance_from_pcm(samples: np.ndarray) -> Utterance:
    """Return s16 mono 16 kHz samples ready to send."""
    missing = -samples.size % _FRAME_SAMPLES
    frames = np.concatenate([samples, np.zeros(missing, np.int16)]).reshape(
        -1, _FRAME_SAMPLES
    )
    if not frames.size:
        raise ValueError("There is no audio in it.")
    encoder = OpusEncoder(sample_rate_hz=_RATE_HZ)
    packets = tuple(encoder.encode(frame.tobytes()) for frame in frames)
    loud = np.flatnonzero(np.abs(frames.astype(np.int32)).max(axis=1) > _LOUD)
    return Utterance(
        packets,
        int(loud[-1]) + 1 if loud.size else len(packets),
        tuple(frame.tobytes() for frame in frames),
    )


@cache
def silent_packets() -> tuple[bytes, ...]:
    """Return silence to send over and over; the encoder's rest after a sound."""
    encoder = OpusEncoder(sample_rate_hz=_RATE_HZ)
    return tuple(encoder.encode(None) for _ in range(20))[-1:]


def speak(text: str) -> Utterance:
    """Return a phrase spoken by flite's `rms`, or by espeak-ng where there is no flite.

    flite is what offline recognition understands best. Raises `NoSpeechProgram`.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "speech.wav"
        if flite := shutil.which("flite"):
            command = [flite, "-voice", "rms", "-t", text, "-o", str(target)]
        elif espeak := shutil.which("espeak-ng"):
            command = [espeak, "-s", "150", "-w", str(target), "--", text]
        else:
            raise NoSpeechProgram("Install flite or espeak-ng, or give a sound file.")
        # The program is a fixed one and the text is a single argument of it.
        subprocess.run(command, check=True, capture_output=True, timeout=_SPEAK_S)  # noqa: S603
        return utterance_from_wav(target)
