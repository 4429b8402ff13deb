"""Words to speech with flite (a program) or espeak-ng (a library from its wheel).

Both are blocking and are run in threads by `calls.vendors.offline.tts`. Both give s16
mono PCM at 16 kHz, in pieces, to a function that returns False to stop them.
"""

from __future__ import annotations

import ctypes
import io
import shutil
import subprocess
import threading
import wave
from collections.abc import Callable
from dataclasses import dataclass

import av
import espeakng_loader

RATE_HZ = 16_000
# Takes a piece of audio; False: nobody listens any more.
Emit = Callable[[bytes], bool]

_PIECE_BYTES = RATE_HZ * 2 // 10
_FLITE_TIMEOUT_S = 20.0


class SpeechFailed(Exception):
    """The text could not be spoken."""


@dataclass(frozen=True)
class OfflineVoice:
    """A voice as its engine names it."""

    engine: str  # flite or espeak
    name: str


def resolve_voice(voice_id: str) -> OfflineVoice:
    """The voice of a catalogue id ("flite-rms", "espeak-nl-f").

    Where flite is not installed its voices become espeak-ng's, of the same sex, so
    that an assistant made on one machine still speaks on another.
    """
    engine, _, name = voice_id.partition("-")
    if engine == "flite":
        if shutil.which("flite"):
            return OfflineVoice("flite", "kal16" if name == "kal" else name)
        return OfflineVoice("espeak", "en-us+f3" if name == "slt" else "en-us")
    if name.endswith("-f"):
        name = f"{name.removesuffix('-f')}+f3"
    return OfflineVoice("espeak", name or "en-us")


def speak_with_flite(text: str, name: str, speed: float, emit: Emit) -> None:
    """Speak one sentence. `speed` 2 is twice as fast."""
    command = [
        "flite", "-voice", name, "--setf", f"duration_stretch={1 / speed:.3f}",
        "-t", text, "-o", "/dev/stdout",
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the text is one argument
            command, capture_output=True, timeout=_FLITE_TIMEOUT_S, check=True
        )
        with wave.open(io.BytesIO(done.stdout)) as audio:
            if audio.getframerate() != RATE_HZ or audio.getnchannels() != 1:
                raise SpeechFailed(f"flite's {name} is not 16 kHz mono")
            while piece := audio.readframes(_PIECE_BYTES // 2):
                if not emit(piece):
                    return
    except (OSError, subprocess.SubprocessError, wave.Error, EOFError) as error:
        raise SpeechFailed(f"flite failed: {error}") from error


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
_OUTPUT_RETRIEVAL = 2  # the callback gets the audio before espeak_Synth returns
_BUFFER_MS = 60
_CHARS_UTF8 = 1
_RATE = 1
_NORMAL_WORDS_PER_MINUTE = 165


class Espeak:
    """The one espeak-ng of a process: its library keeps state and is not re-entrant."""

    _lock = threading.Lock()
    _library: ctypes.CDLL | None = None
    _rate_hz = 0

    def speak(self, text: str, name: str, speed: float, emit: Emit) -> None:
        """Speak `text`; the first piece comes within a millisecond or so."""
        with self._lock:
            library = self._load()
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
            failures: list[BaseException] = []

            def take(samples: object, count: int, events: object) -> int:
                if not samples or count <= 0:
                    return 0
                try:
                    pcm = ctypes.string_at(samples, count * 2)  # type: ignore[arg-type]
                    return 0 if emit(self._resample(resampler, pcm)) else 1
                except BaseException as error:
                    # Must not cross into C, where it would be printed and dropped.
                    failures.append(error)
                    return 1

            callback = _Callback(take)
            library.espeak_SetSynthCallback(callback)
            if library.espeak_SetVoiceByName(name.encode()) != 0:
                raise SpeechFailed(f"espeak-ng has no voice {name}")
            words = max(80, min(450, round(_NORMAL_WORDS_PER_MINUTE * speed)))
            library.espeak_SetParameter(_RATE, words, 0)
            data = text.encode()
            status = library.espeak_Synth(
                data, len(data) + 1, 0, 1, 0, _CHARS_UTF8, None, None
            )
            if failures:
                raise failures[0]
            if status != 0:
                raise SpeechFailed(f"espeak-ng failed with {status}")

    @classmethod
    def _load(cls) -> ctypes.CDLL:
        if cls._library is None:
            library = espeakng_loader.load_library()
            if library is None:
                raise SpeechFailed("espeak-ng's library cannot be loaded")
            data = espeakng_loader.get_data_path().encode()
            rate = library.espeak_Initialize(_OUTPUT_RETRIEVAL, _BUFFER_MS, data, 0)
            if rate <= 0:
                raise SpeechFailed("espeak-ng's voices cannot be loaded")
            cls._rate_hz, cls._library = rate, library
        return cls._library

    def _resample(self, resampler: av.AudioResampler, pcm: bytes) -> bytes:
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.planes[0].update(pcm)
        frame.sample_rate = self._rate_hz
        return b"".join(
            bytes(out.planes[0])[: out.samples * 2] for out in resampler.resample(frame)
        )


def speak(voice: OfflineVoice, text: str, speed: float, emit: Emit) -> None:
    """Speak `text` with `voice`; raises `SpeechFailed`."""
    if voice.engine == "flite":
        speak_with_flite(text, voice.name, speed, emit)
    else:
        Espeak().speak(text, voice.name, speed, emit)
