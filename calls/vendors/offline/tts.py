"""LiveKit's text-to-speech interface over the offline voices."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from livekit.agents import APIConnectionError, APIConnectOptions, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

from calls.vendors.offline import voices

_CacheKey = tuple[voices.OfflineVoice, float, str]


class SentenceCache:
    """Sentences already spoken in this process, the least recently used dropped first.

    Greetings and rules repeat in every call of an assistant. Held in memory only.
    """

    def __init__(self, max_bytes: int = 16 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._entries: OrderedDict[_CacheKey, bytes] = OrderedDict()

    def get(self, key: _CacheKey) -> bytes | None:
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: _CacheKey, pcm: bytes) -> None:
        if len(pcm) > self._max_bytes or key in self._entries:
            return
        self._entries[key] = pcm
        self._size += len(pcm)
        while self._size > self._max_bytes:
            _, dropped = self._entries.popitem(last=False)
            self._size -= len(dropped)

    def __len__(self) -> int:
        return len(self._entries)


class Speaker:
    """The threads and the cache every call's `OfflineTTS` of a process shares."""

    def __init__(self) -> None:
        self.cache = SentenceCache()
        self.executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="speak")

    def close(self) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)


class OfflineTTS(tts.TTS[Any]):
    """Speaks with a voice of the catalogue; one sentence at a time.

    It takes whole sentences, so a session feeds it through LiveKit's sentence splitter.
    """

    def __init__(self, speaker: Speaker, *, voice_id: str, speed: float = 1.0) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=voices.RATE_HZ,
            num_channels=1,
        )
        self.speaker = speaker
        self.voice = voices.resolve_voice(voice_id)
        self.speed = speed

    @property
    def model(self) -> str:
        return "offline-1"

    @property
    def provider(self) -> str:
        return "offline"

    def synthesize(
        self,
        text: str,
        *,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> tts.ChunkedStream:
        return _Sentence(self, text, conn_options)


class _Sentence(tts.ChunkedStream):
    def __init__(
        self, parent: OfflineTTS, text: str, conn_options: APIConnectOptions
    ) -> None:
        self._parent = parent
        super().__init__(tts=parent, input_text=text, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        parent = self._parent
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=voices.RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
        )
        text = self.input_text.strip()
        key = (parent.voice, parent.speed, text)
        cached = parent.speaker.cache.get(key)
        if cached is not None:
            output_emitter.push(cached)
            output_emitter.flush()
            return
        spoken = bytearray()
        async for piece in _spoken(parent, text):
            spoken += piece
            output_emitter.push(piece)
        if not spoken:
            # Nothing to pronounce ("…"): a breath, as silence would count as a failure.
            output_emitter.push(bytes(voices.RATE_HZ * 2 // 10))
        output_emitter.flush()
        parent.speaker.cache.put(key, bytes(spoken))


class _Pieces:
    """Audio on its way from a thread to the loop."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._is_stopped = threading.Event()

    def emit(self, piece: bytes) -> bool:
        """Called in the thread."""
        if self._is_stopped.is_set():
            return False
        self._loop.call_soon_threadsafe(self.queue.put_nowait, piece)
        return True

    def stop(self) -> None:
        self._is_stopped.set()


async def _spoken(parent: OfflineTTS, text: str) -> AsyncIterator[bytes]:
    pieces = _Pieces()
    speaking = asyncio.get_running_loop().run_in_executor(
        parent.speaker.executor,
        voices.speak,
        parent.voice,
        text,
        parent.speed,
        pieces.emit,
    )
    speaking.add_done_callback(lambda _: pieces.queue.put_nowait(None))
    try:
        while (piece := await pieces.queue.get()) is not None:
            yield piece
        await speaking
    except voices.SpeechFailed as error:
        raise APIConnectionError(str(error), retryable=False) from error
    finally:
        pieces.stop()
