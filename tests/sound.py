"""Sound for tests: a caller's words on a timeline, and whether a file holds speech."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import pocketsphinx

from tests.plugins.servers import program

RATE_HZ = 48_000


def say(
    path: Path,
    *phrases: tuple[float, str],
    length_s: float,
    rate_hz: int = RATE_HZ,
) -> None:
    """Write a WAV of `length_s` in which each phrase begins at its second. Voice: rms."""
    track = np.zeros(int(length_s * rate_hz), np.int16)
    for at_s, words in phrases:
        spoken = _spoken(words, rate_hz)
        start = int(at_s * rate_hz)
        track[start : start + spoken.size] = spoken
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(track.tobytes())


def _spoken(words: str, rate_hz: int) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.wav"
        subprocess.run(
            [program("flite", "flite"), "-voice", "rms", "-t", words, "-o", str(raw)],
            check=True,
        )
        with wave.open(str(raw)) as file:
            rate = file.getframerate()
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    if rate_hz >= rate:
        return np.repeat(pcm, rate_hz // rate)
    thin = rate // rate_hz
    whole = pcm[: pcm.size // thin * thin].reshape(-1, thin)
    return whole.mean(axis=1).astype(np.int16)


def speech_share(samples: np.ndarray, rate_hz: int) -> float:
    """Return the share of 20 ms windows that are loud and voiced, 0 to 1.

    Voiced: its energy lies below 4 kHz, which noise's does not, and it is no pure tone.
    """
    size = rate_hz // 50
    windows = (
        samples[: samples.size // size * size].reshape(-1, size).astype(np.float64)
    )
    loud = np.sqrt((windows**2).mean(axis=1)) > 300
    spectrum = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    below = spectrum[:, : max(1, 4_000 * size // rate_hz)].sum(axis=1)
    total = spectrum.sum(axis=1) + 1e-9
    peak = spectrum.max(axis=1)
    voiced = (below / total > 0.7) & (peak / total < 0.9)
    return float((loud & voiced).mean())


def keys_in(samples: np.ndarray, rate_hz: int) -> str:
    """Return the telephone keys whose tones are heard, as an exchange tells them apart.

    A key is both its tones, each ten times as strong as any other, for 40 ms or more.
    """
    rows, columns, keypad = (
        (697, 770, 852, 941),
        (1209, 1336, 1477, 1633),
        "123A456B789C*0#D",
    )
    size = rate_hz // 50
    at_s = np.arange(size) / rate_hz
    waves = {hz: np.exp(-2j * np.pi * hz * at_s) for hz in rows + columns}
    found, last, lasts = "", "", 0
    for start in range(0, len(samples) - size + 1, size):
        window = samples[start : start + size].astype(np.float64)
        power = {hz: abs(window @ wave_) / size for hz, wave_ in waves.items()}
        key = ""
        row, column = (max(group, key=power.__getitem__) for group in (rows, columns))
        others = [power[hz] for hz in waves if hz not in (row, column)]
        if min(power[row], power[column]) > max(300.0, 3 * max(others)):
            key = keypad[rows.index(row) * 4 + columns.index(column)]
        lasts = lasts + 1 if key == last else 1
        last = key
        if key and lasts == 2:
            found += key
    return found


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """Return the samples of a mono WAV and their rate; a file cut short as far as it goes."""
    with wave.open(str(path)) as file:
        rate_hz = file.getframerate()
        pcm = file.readframes(file.getnframes())
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16), rate_hz


def words_in(samples: np.ndarray, rate_hz: int) -> set[str]:
    """Return the English words that a recogniser hears; some are always wrong."""
    if rate_hz == 8_000:
        at = np.arange(2 * samples.size) / 2
        samples = np.interp(at, np.arange(samples.size), samples).astype(np.int16)
    decoder = pocketsphinx.Decoder(samprate=16_000, loglevel="FATAL")
    words: set[str] = set()
    for _ in range(2):  # the first pass tells it what this voice sounds like
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), full_utt=True)
        decoder.end_utt()
        if (heard := decoder.hyp()) is not None:
            words |= set(heard.hypstr.lower().split())
    return words
