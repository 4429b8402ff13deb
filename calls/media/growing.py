"""How a recording is kept while its call goes on: as a WAV that always plays, or sealed.

A WAV says at its front how long it is, so its header is written again with every piece.
Under a seal nothing may be written twice; there only sound is kept, and whoever reads
gets the header that fits.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from common.growing_file import GrowingFile, GrownReader
from common.placed_reader import PlacedReader
from common.sealing import KeyRing

RATE_HZ: Final = 16_000
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_BYTES: Final = _HEADER.size
_FRAME_BYTES: Final = 4  # one sample of each side
BLOCK_FRAMES: Final = 10 * RATE_HZ  # ten seconds, in whole buckets of a waveform

Samples = NDArray[np.int16]
# Gets a stretch of both sides and how many frames came before it; changes it in place.
Change = Callable[[Samples, int], None]


class Sink(Protocol):
    """A file that grows. Both raise `OSError`."""

    def append(self, pcm: bytes) -> None:
        """Keep more sound, both sides interleaved."""

    def close(self) -> None: ...


class Growth(Protocol):
    """A way to keep a recording while it grows."""

    suffix: ClassVar[str]

    def create(self, path: Path) -> Sink: ...

    def open(self, path: Path) -> BinaryIO:
        """Open what was written whole, as a WAV; `ValueError` for what is none of ours."""

    def change(self, path: Path, change: Change) -> None:
        """Change the sound of a file that is closed."""


def wav_header(data_bytes: int) -> bytes:
    """Return what stands before so much sound."""
    return _HEADER.pack(
        b"RIFF",
        36 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        1,
        2,
        RATE_HZ,
        RATE_HZ * _FRAME_BYTES,
        _FRAME_BYTES,
        16,
        b"data",
        data_bytes,
    )


class _WavSink:
    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._bytes = 0
        self._file.write(wav_header(0))

    def append(self, pcm: bytes) -> None:
        self._file.write(pcm)
        self._bytes += len(pcm)
        self._file.seek(0)
        self._file.write(wav_header(self._bytes))
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        self._file.close()


class InTheClear:
    """A WAV whose header is true after every write."""

    suffix: ClassVar[str] = ".wav"

    def create(self, path: Path) -> Sink:
        return _WavSink(path)

    def open(self, path: Path) -> BinaryIO:
        """Mends the header when the last write was cut off."""
        with path.open("r+b") as file:
            if file.read(4) != b"RIFF":
                raise ValueError(f"{path.name} is no recording")
            kept = max(0, path.stat().st_size - HEADER_BYTES)
            file.seek(0)
            file.write(wav_header(kept // _FRAME_BYTES * _FRAME_BYTES))
        return path.open("rb")

    def change(self, path: Path, change: Change) -> None:
        file = np.memmap(path, dtype=np.int16, mode="r+", offset=HEADER_BYTES)
        change(file.reshape(-1, 2), 0)
        file.flush()


IN_THE_CLEAR: Final = InTheClear()


@dataclass(frozen=True)
class Sealed:
    """Each piece sealed as it comes; without the ring nothing on the disk can be heard."""

    ring: KeyRing = field(repr=False)
    suffix: ClassVar[str] = ".grown"
    draft_suffix: ClassVar[str] = ".draft"

    def create(self, path: Path) -> Sink:
        return GrowingFile(path, self.ring, name=path.name)

    def open(self, path: Path) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(_GrownWav(self._sound(path))))

    def change(self, path: Path, change: Change) -> None:
        """Seals it anew, in the place of the old one, which stays until it is whole."""
        draft = path.with_suffix(self.draft_suffix)
        draft.unlink(missing_ok=True)
        with self._sound(path) as sound:
            file = GrowingFile(draft, self.ring, name=path.name)
            try:
                for start, samples in _blocks(io.BufferedReader(sound)):
                    change(samples, start)
                    file.append(samples.tobytes())
            finally:
                file.close()
        draft.replace(path)

    def _sound(self, path: Path) -> GrownReader:
        return GrownReader(path.open("rb"), self.ring, name=path.name)


def _blocks(sound: BinaryIO | io.BufferedReader) -> Iterator[tuple[int, Samples]]:
    """Give whole frames of both sides, and how many came before."""
    start = 0
    while block := sound.read(BLOCK_FRAMES * _FRAME_BYTES):
        whole = block[: len(block) // _FRAME_BYTES * _FRAME_BYTES]
        samples = np.frombuffer(bytearray(whole), np.int16).reshape(-1, 2)
        yield start, samples
        start += len(samples)


def blocks_of(wav: BinaryIO) -> Iterator[Samples]:
    """Give the sound of a WAV of ours, `BLOCK_FRAMES` at a time."""
    wav.seek(HEADER_BYTES)
    for _start, samples in _blocks(wav):
        yield samples


class _GrownWav(PlacedReader):
    """The sound of a file that grew, behind the header that fits."""

    def __init__(self, sound: GrownReader) -> None:
        super().__init__(sound)
        self._sound = sound
        kept = sound.size // _FRAME_BYTES * _FRAME_BYTES
        self._head = wav_header(kept)
        self.size = HEADER_BYTES + kept

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        wanted = memoryview(buffer)[: max(0, self.size - self._at)]
        if self._at < HEADER_BYTES:
            piece = self._head[self._at : self._at + len(wanted)]
            wanted[: len(piece)] = piece
            count = len(piece)
        else:
            self._sound.seek(self._at - HEADER_BYTES)
            count = self._sound.readinto(wanted)
        self._at += count
        return count
