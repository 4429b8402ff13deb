"""Composes the four ambience clips: `python -m calls.media.ambience.compose`.

Everything is filtered noise and sines from a fixed seed, so a run gives the same sounds.
Each clip loops: its filters work on a circle (the spectrum of the whole clip), so the
last sample leads into the first.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from calls.media.ambience import clip_file

RATE_HZ = 16_000
LENGTH_S = 24
BIT_RATE = 20_000
LOUDNESS_RMS = 2_600  # of 32,768: about 22 dB below full scale, at volume 1

Sound = npt.NDArray[np.float64]
COUNT = RATE_HZ * LENGTH_S


def noise(
    dice: np.random.Generator, low_hz: float, high_hz: float, slope: float
) -> Sound:
    """A circle of noise between two frequencies, `slope` of -1 is pink, -2 brown."""
    hertz = np.fft.rfftfreq(COUNT, 1 / RATE_HZ)
    size = np.where((hertz >= low_hz) & (hertz <= high_hz), 1.0, 0.0)
    size[1:] *= hertz[1:] ** (slope / 2)
    turns = np.exp(2j * np.pi * dice.random(len(hertz)))
    return scaled(np.fft.irfft(size * turns, COUNT))


def swell(dice: np.random.Generator, slowest_hz: float, depth: float) -> Sound:
    """A slow rise and fall around 1."""
    curve = np.zeros(COUNT)
    at = np.arange(COUNT) / COUNT
    for waves in range(1, max(2, int(slowest_hz * LENGTH_S))):
        curve += np.sin(2 * np.pi * (waves * at + dice.random())) / waves
    found: Sound = 1 + depth * curve / np.abs(curve).max()
    return found


def scaled(sound: Sound) -> Sound:
    return np.asarray(sound / np.sqrt(np.mean(sound**2)), dtype=np.float64)


def placed(sound: Sound, piece: Sound, at_s: float) -> None:
    """Add a short sound, around the end of the circle if it must."""
    at = (int(at_s * RATE_HZ) + np.arange(len(piece))) % COUNT
    np.add.at(sound, at, piece)


def decay(seconds: float, fall: float) -> Sound:
    return np.exp(-fall * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)


def office(dice: np.random.Generator) -> Sound:
    """Air conditioning, typing, somebody far away."""
    sound = 0.9 * noise(dice, 60, 900, -1.6) + 0.12 * noise(dice, 900, 5_000, -1)
    sound += 0.25 * babble(dice, talkers=2)
    at_s = 0.4
    while at_s < LENGTH_S:
        for _ in range(dice.integers(3, 14)):
            click = decay(0.03, 260) * dice.normal(size=int(0.03 * RATE_HZ))
            placed(sound, 0.9 * dice.uniform(0.4, 1) * click, at_s)
            at_s += dice.uniform(0.07, 0.24)
        at_s += dice.uniform(0.8, 3.0)
    return sound


def city(dice: np.random.Generator) -> Sound:
    """Traffic that comes and goes."""
    sound = noise(dice, 40, 600, -1.8) * swell(dice, 0.3, 0.35)
    for _ in range(7):
        seconds = dice.uniform(3, 6)
        count = int(seconds * RATE_HZ)
        shape = np.sin(np.pi * np.arange(count) / count) ** 3
        start = dice.integers(0, COUNT - count)
        pass_by = noise(dice, 120, 2_500, -1.2)[start : start + count] * shape
        placed(sound, dice.uniform(0.6, 1.4) * pass_by, dice.uniform(0, LENGTH_S))
    for at_s in (7.3, 18.1):
        horn = np.arange(int(0.35 * RATE_HZ)) / RATE_HZ
        tone = np.sin(2 * np.pi * 392 * horn) + 0.7 * np.sin(2 * np.pi * 494 * horn)
        edge = np.minimum(1, np.minimum(horn, horn[-1] - horn) * 40)
        placed(sound, 0.10 * tone * edge, at_s)
    return sound


def forest(dice: np.random.Generator) -> Sound:
    """Wind in leaves, and birds."""
    sound = 0.8 * noise(dice, 150, 4_000, -1.3) * swell(dice, 0.25, 0.55)
    for bird in range(4):
        pitch_hz = dice.uniform(2_200, 4_800)
        at_s = dice.uniform(0, 4) + bird
        while at_s < LENGTH_S:
            for _ in range(dice.integers(2, 6)):
                time_s = np.arange(int(dice.uniform(0.06, 0.16) * RATE_HZ)) / RATE_HZ
                bend = dice.uniform(-5_000, 5_000)
                phase = 2 * np.pi * (pitch_hz * time_s + bend * time_s**2)
                chirp = np.sin(phase) * np.sin(np.pi * time_s / time_s[-1])
                placed(sound, dice.uniform(0.2, 0.6) * chirp, at_s)
                at_s += dice.uniform(0.1, 0.22)
            at_s += dice.uniform(2.5, 7)
    return sound


def crowded_room(dice: np.random.Generator) -> Sound:
    """Many people at once, and a glass now and then."""
    sound = babble(dice, talkers=14) + 0.25 * noise(dice, 80, 1_200, -1.5)
    for _ in range(9):
        ring = np.arange(int(0.4 * RATE_HZ)) / RATE_HZ
        pitch_hz = dice.uniform(2_300, 4_200)
        glass = np.sin(2 * np.pi * pitch_hz * ring) * decay(0.4, 14)[: len(ring)]
        placed(sound, dice.uniform(0.15, 0.4) * glass, dice.uniform(0, LENGTH_S))
    return sound


def babble(dice: np.random.Generator, *, talkers: int) -> Sound:
    """Voices without words: formants of noise that open and close like syllables."""
    sound = np.zeros(COUNT)
    for _ in range(talkers):
        pitch = dice.uniform(0.85, 1.25)
        voice = noise(dice, 280 * pitch, 650 * pitch, 0)
        voice += 0.5 * noise(dice, 950 * pitch, 1_700 * pitch, 0)
        voice += 0.15 * noise(dice, 2_200 * pitch, 3_000 * pitch, 0)
        syllables = np.zeros(COUNT)
        at_s = dice.uniform(0, 2)
        while at_s < LENGTH_S:
            for _ in range(dice.integers(4, 16)):
                count = int(dice.uniform(0.09, 0.26) * RATE_HZ)
                shape = np.sin(np.pi * np.arange(count) / count)
                placed(syllables, dice.uniform(0.4, 1) * shape, at_s)
                at_s += dice.uniform(0.12, 0.26)
            at_s += dice.uniform(0.4, 2.2)
        sound += voice * syllables
    return scaled(sound)


def written(clip: str, sound: Sound) -> None:
    """Store a clip as Opus."""
    pcm = np.clip(scaled(sound) * LOUDNESS_RMS, -32_768, 32_767).astype(np.int16)
    with av.open(str(clip_file(clip)), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ)
        stream.bit_rate = BIT_RATE
        stream.layout = "mono"
        for at in range(0, COUNT, RATE_HZ // 50):
            piece = pcm[at : at + RATE_HZ // 50]
            frame = av.AudioFrame.from_ndarray(piece[None, :], "s16", "mono")
            frame.sample_rate = RATE_HZ
            frame.pts, frame.time_base = at, Fraction(1, RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def main() -> None:
    for seed, compose in enumerate((office, city, forest, crowded_room)):
        written(compose.__name__, compose(np.random.default_rng(seed)))


if __name__ == "__main__":
    main()
