"""The recogniser processes of one voice process, and how streams reach them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from calls.vendors.offline.recogniser import HEADER

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[3]
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 2.0


class RecogniserLost(Exception):
    """The recogniser process ended or does not answer; a new one starts on demand."""


@dataclass(frozen=True)
class Transcript:
    text: str
    is_final: bool
    confidence: float = 0.0


class DecoderStream:
    """One caller's way to a recogniser; each utterance ends in one final transcript."""

    def __init__(self, worker: _Worker, stream: int) -> None:
        self._worker = worker
        self._stream = stream
        self._answers: asyncio.Queue[Transcript | None] = asyncio.Queue()

    async def hear(self, pcm: bytes) -> None:
        """Pass on s16 mono 16 kHz audio; waits while the recogniser is behind."""
        await self._worker.send(b"A", self._stream, pcm)

    async def end_utterance(self) -> None:
        await self._worker.send(b"E", self._stream)

    async def transcripts(self) -> AsyncIterator[Transcript]:
        """Yield what is recognised; raises `RecogniserLost`, and never just ends."""
        while (transcript := await self._answers.get()) is not None:
            yield transcript
        raise RecogniserLost

    async def aclose(self) -> None:
        await self._worker.close_stream(self._stream)

    def put(self, transcript: Transcript | None) -> None:
        self._answers.put_nowait(transcript)


class _Worker:
    """One recogniser process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._streams: dict[int, DecoderStream] = {}
        self._reader = asyncio.create_task(self._read(), name="recogniser")
        self.is_ready = asyncio.Event()
        self.is_lost = False

    @property
    def load(self) -> int:
        return len(self._streams)

    @property
    def process_id(self) -> int:
        return self._process.pid

    @classmethod
    async def start(cls) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "calls.vendors.offline.recogniser",
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C in a terminal is for the parent, which then closes this one.
            start_new_session=True,
        )
        return cls(process)

    async def open_stream(self, stream: int, phrases: Sequence[str]) -> DecoderStream:
        self._streams[stream] = opened = DecoderStream(self, stream)
        await self.send(b"O", stream, json.dumps(list(phrases)).encode())
        return opened

    async def send(self, kind: bytes, stream: int, payload: bytes = b"") -> None:
        stdin = self._process.stdin
        assert stdin is not None
        if self.is_lost:
            raise RecogniserLost
        try:
            stdin.write(HEADER.pack(kind, stream, len(payload)) + payload)
            await stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise RecogniserLost from error

    async def close_stream(self, stream: int) -> None:
        if self._streams.pop(stream, None) is not None:
            with contextlib.suppress(RecogniserLost):
                await self.send(b"X", stream)

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            while line := await stdout.readline():
                answer = json.loads(line)
                if answer["kind"] == "ready":
                    self.is_ready.set()
                elif stream := self._streams.get(answer["stream"]):
                    is_final = answer["kind"] == "final"
                    stream.put(
                        Transcript(
                            answer["text"], is_final, answer.get("confidence", 0.0)
                        )
                    )
        finally:
            self.is_lost = True
            self.is_ready.set()
            for stream in self._streams.values():
                stream.put(None)

    async def aclose(self) -> None:
        """End the process; kill it when it is slow to go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader


class DecoderPool:
    """Recogniser processes, started when first needed and again when one is lost."""

    DEFAULT_SIZE: Final = max(1, min(4, (os.cpu_count() or 1) // 2))

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        self._size = size
        self._workers: list[_Worker] = []
        self._ids = count(1)
        self._lock = asyncio.Lock()
        self._is_closed = False

    @property
    def process_ids(self) -> list[int]:
        """For supervision: the processes that run now."""
        return [w.process_id for w in self._workers if not w.is_lost]

    async def warm(self) -> None:
        """Return when one recogniser is ready to decode."""
        worker = await self._worker()
        try:
            await asyncio.wait_for(worker.is_ready.wait(), START_TIMEOUT_S)
        except TimeoutError as error:
            raise RecogniserLost from error
        if worker.is_lost:
            raise RecogniserLost

    async def open_stream(self, phrases: Sequence[str]) -> DecoderStream:
        """Open a stream on the least busy recogniser; audio may be sent at once."""
        worker = await self._worker()
        return await worker.open_stream(next(self._ids), phrases)

    async def _worker(self) -> _Worker:
        async with self._lock:
            if self._is_closed:
                raise RecogniserLost
            for worker in [w for w in self._workers if w.is_lost]:
                logger.warning("recogniser lost; starting another")
                self._workers.remove(worker)
                await worker.aclose()
            least = min(self._workers, key=lambda w: w.load, default=None)
            if least is None or (least.load and len(self._workers) < self._size):
                least = await _Worker.start()
                self._workers.append(least)
            return least

    async def aclose(self) -> None:
        """End every recogniser; streams still open get `RecogniserLost`."""
        async with self._lock:
            self._is_closed = True
            workers, self._workers = self._workers, []
        await asyncio.gather(*(worker.aclose() for worker in workers))
