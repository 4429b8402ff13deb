"""Records both sides of a call on one timeline: caller left, assistant right.

While a call runs, PCM goes to a WAV file a second at a time, placed by the offset each
tap gives: silence and interruptions leave their true length. One thread writes for all
calls, so a slow disk delays no audio. What a killed process leaves behind plays up to
its last seconds (`calls.media.growing`).

Afterwards `encode_webm` makes the file people get: Opus in WebM, a fifteenth of the
size, which browsers play and seek (Ogg would need Safari 18.4). It costs about 0.8 % of
the call's length in CPU, so run it in a worker or a thread, when the call is over.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

import av
import numpy as np

from calls.media.growing import (
    IN_THE_CLEAR,
    RATE_HZ,
    Growth,
    Samples,
    blocks_of,
)

logger = logging.getLogger(__name__)

RECORDING_RATE_HZ = RATE_HZ
BUCKET_MS = 100
WEBM_CONTENT_TYPE = "audio/webm"

_SHIP_MS = 1_000  # audio goes to the writer in pieces of this length
_HELD_MS = 2_500  # a side that comes later than this is left out
_SLACK_MS = 60  # pieces this near to the last one's end follow it without a seam
_BUCKET_SAMPLES = RECORDING_RATE_HZ * BUCKET_MS // 1000
_SAMPLES_PER_MS = RECORDING_RATE_HZ // 1000

_Piece = tuple[str, bytes, int, int]  # side, PCM, rate in Hz, offset in ms


class Waveform(TypedDict):
    """The loudest sample of each side in each bucket, 0 to 100."""

    bucket_ms: int
    caller: list[int]
    assistant: list[int]


@dataclass(frozen=True)
class Recording:
    """A finished two-track file; `path` is None when the disk let none be kept."""

    path: Path | None
    duration_ms: int
    waveform: Waveform
    growth: Growth = IN_THE_CLEAR


def peaks(samples: Samples, *, bucket_samples: int = _BUCKET_SAMPLES) -> list[int]:
    """Return the loudest sample of each bucket, 0 to 100; the last may be short."""
    if not samples.size:
        return []
    loud = np.abs(samples.astype(np.int32))
    missing = -loud.size % bucket_samples
    if missing:
        loud = np.concatenate([loud, np.zeros(missing, np.int32)])
    highest = loud.reshape(-1, bucket_samples).max(axis=1)
    return [int(value) for value in np.minimum(100, -(-highest * 100 // 32_767))]


def _waveform(*, caller: list[int], assistant: list[int]) -> Waveform:
    return {"bucket_ms": BUCKET_MS, "caller": caller, "assistant": assistant}


class _Track:
    """One side's samples that are not yet written, at their place on the timeline."""

    def __init__(self) -> None:
        self._pieces: list[Samples] = []
        self._start = 0  # of the first piece, in samples
        self._end = 0
        self._resampler: av.AudioResampler | None = None
        self._rate_hz = 0

    def add(self, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        """Place PCM; what overlaps samples already placed is left out."""
        samples = self._resampled(pcm, rate_hz)
        start = offset_ms * _SAMPLES_PER_MS
        away = start - self._end
        if abs(away) <= _SLACK_MS * _SAMPLES_PER_MS and self._end:
            away = 0
        if away > 0:
            self._append(np.zeros(away, np.int16))
        elif away < 0:
            samples = samples[-away:]
        self._append(samples)

    def take(self, end: int) -> Samples:
        """Return everything before `end`, silence where nothing came."""
        if self._end < end:
            self._append(np.zeros(end - self._end, np.int16))
        waiting = (
            np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
        )
        count = end - self._start
        self._pieces = [waiting[count:]]
        self._start = end
        return waiting[:count]

    @property
    def end(self) -> int:
        return self._end

    def _append(self, samples: Samples) -> None:
        self._pieces.append(samples)
        self._end += samples.size

    def _resampled(self, pcm: bytes, rate_hz: int) -> Samples:
        samples = np.frombuffer(pcm, np.int16)
        if rate_hz == RECORDING_RATE_HZ:
            return samples
        if self._resampler is None or self._rate_hz != rate_hz:
            self._rate_hz = rate_hz
            self._resampler = av.AudioResampler(
                format="s16", layout="mono", rate=RECORDING_RATE_HZ
            )
        frame = av.AudioFrame(format="s16", layout="mono", samples=samples.size)
        frame.planes[0].update(pcm)
        frame.sample_rate = rate_hz
        pieces = [
            np.frombuffer(bytes(out.planes[0])[: out.samples * 2], np.int16)
            for out in self._resampler.resample(frame)
        ]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


class TwoTrackFile:
    """Writes both sides as they come, in order or not. Synchronous."""

    def __init__(self, path: Path, growth: Growth = IN_THE_CLEAR) -> None:
        self.path, self._growth = path, growth
        self._file = growth.create(path)
        self._tracks = {"caller": _Track(), "assistant": _Track()}
        self._written = 0
        self._peaks: dict[str, list[int]] = {"caller": [], "assistant": []}

    def add(self, side: str, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        self._tracks[side].add(pcm, rate_hz, offset_ms)

    def write_until(self, offset_ms: int) -> None:
        """Write what is placed before `offset_ms`, in whole buckets."""
        end = offset_ms * _SAMPLES_PER_MS
        self._write(end - end % _BUCKET_SAMPLES)

    def close(self, duration_ms: int | None = None) -> Recording:
        """Write the rest; it lasts `duration_ms`, or as long as its longer side."""
        end = max(track.end for track in self._tracks.values())
        if duration_ms is not None:
            end = duration_ms * _SAMPLES_PER_MS
        self._write(max(end, self._written))
        self._file.close()
        return Recording(
            self.path,
            self._written // _SAMPLES_PER_MS,
            _waveform(**self._peaks),
            self._growth,
        )

    def _write(self, end: int) -> None:
        if end <= self._written:
            return
        sides = [track.take(end) for track in self._tracks.values()]
        for side, samples in zip(self._peaks, sides, strict=True):
            self._peaks[side] += peaks(samples)
        self._file.append(np.stack(sides, axis=1).tobytes())
        self._written = end


class Recorder:
    """Feeds a `TwoTrackFile` from a link's taps, without blocking the event loop.

    Give `caller` and `assistant` to `MediaLink.set_taps`, take them away, then `close`.
    A disk that fails ends the recording with one log line, never the call.
    """

    def __init__(self, path: Path, growth: Growth = IN_THE_CLEAR) -> None:
        self._path, self._growth = path, growth
        self._file: TwoTrackFile | None = None
        self._waiting: list[_Piece] = []
        self._latest_ms = 0
        self._shipped_ms = 0
        self._has_failed = False
        self._is_closed = False

    def caller(self, pcm: bytes, sample_rate_hz: int, offset_ms: int) -> None:
        self._add("caller", pcm, sample_rate_hz, offset_ms)

    def assistant(self, pcm: bytes, sample_rate_hz: int, offset_ms: int) -> None:
        self._add("assistant", pcm, sample_rate_hz, offset_ms)

    def close(self, duration_ms: int | None = None) -> Recording:
        """Write the rest and return the recording. Blocks: call it in a thread."""
        self._is_closed = True
        waiting, self._waiting = self._waiting, []
        return _writer.submit(self._write_last, waiting, duration_ms).result()

    def _add(self, side: str, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        if self._is_closed or self._has_failed:
            return
        self._waiting.append((side, pcm, rate_hz, offset_ms))
        self._latest_ms = max(self._latest_ms, offset_ms)
        if self._latest_ms - self._shipped_ms >= _SHIP_MS:
            self._shipped_ms = self._latest_ms
            waiting, self._waiting = self._waiting, []
            _writer.submit(self._write, waiting, self._latest_ms - _HELD_MS)

    # --- on the writer's thread -----------------------------------------------------

    def _write(self, waiting: list[_Piece], until_ms: int) -> None:
        if self._has_failed:
            return
        try:
            self._placed(waiting).write_until(max(0, until_ms))
        except OSError:
            self._has_failed = True
            logger.exception("a recording stopped: its file cannot be written")

    def _write_last(self, waiting: list[_Piece], duration_ms: int | None) -> Recording:
        if not self._has_failed:
            try:
                return self._placed(waiting).close(duration_ms)
            except OSError:
                self._has_failed = True
                logger.exception("a recording was lost: its file cannot be written")
        return Recording(None, 0, _waveform(caller=[], assistant=[]))

    def _placed(self, waiting: list[_Piece]) -> TwoTrackFile:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = TwoTrackFile(self._path, self._growth)
        for side, pcm, rate_hz, offset_ms in waiting:
            self._file.add(side, pcm, rate_hz, offset_ms)
        return self._file


# One thread for all calls: what one call hands over is written in that order.
_writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recording")


def read_recording(path: Path, growth: Growth = IN_THE_CLEAR) -> Recording:
    """Return what a file of ours holds, also one whose process was killed.

    Raises `OSError` when it cannot be read and `ValueError` when it is none of ours.
    """
    loud: dict[str, list[int]] = {"caller": [], "assistant": []}
    count = 0
    with growth.open(path) as wav:
        for samples in blocks_of(wav):
            count += len(samples)
            for side, column in zip(loud, samples.T, strict=True):
                loud[side] += peaks(column)
    return Recording(path, count // _SAMPLES_PER_MS, _waveform(**loud), growth)


def encode_webm(
    source: IO[bytes], target: IO[bytes], *, bit_rate: int = 40_000
) -> None:
    """Write a recording as stereo Opus in WebM, about 300 kB a minute; blocks."""
    with (
        av.open(source, "r") as reader,
        av.open(target, "w", format="webm") as writer,
    ):
        stream = writer.add_stream("libopus", rate=RECORDING_RATE_HZ)
        stream.layout = "stereo"
        stream.bit_rate = bit_rate
        # "voip" would predict one side from the other and let it be heard there.
        stream.codec_context.options = {
            "application": "audio",
            "compression_level": "3",
        }
        resampler = av.AudioResampler(
            format="s16", layout="stereo", rate=RECORDING_RATE_HZ, frame_size=320
        )
        for frame in reader.decode(audio=0):
            for out in resampler.resample(frame):
                writer.mux(stream.encode(out))
        for out in resampler.resample(None):
            writer.mux(stream.encode(out))
        writer.mux(stream.encode(None))
