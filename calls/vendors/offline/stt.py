"""LiveKit's speech-to-text interface over the offline recogniser."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import pocketsphinx
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, stt, utils
from livekit.agents.language import LanguageCode
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer

from calls.vendors.offline.decoders import (
    DecoderPool,
    DecoderStream,
    RecogniserLost,
)

RATE_HZ = 16_000
LANGUAGE = LanguageCode("en")
USAGE_EVERY_S = 5.0

_FRAME_MS = 20
_FRAME_BYTES = RATE_HZ * 2 * _FRAME_MS // 1000
_PREROLL_FRAMES = 400 // _FRAME_MS
_ONSET_FRAMES = 200 // _FRAME_MS  # of which most must be speech
_ONSET_SPEECH = 6
# Only when nobody flushes: the session's own detector ends a turn long before.
_SILENCE_FRAMES = 800 // _FRAME_MS
_BATCH_BYTES = _FRAME_BYTES * 5


class OfflineSTT(stt.STT[Any]):
    """Recognises English; `phrases` are what the caller is likely to say."""

    def __init__(self, pool: DecoderPool, phrases: Sequence[str] = ()) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=True,
                offline_recognize=True,
                manual_flush=True,
            )
        )
        self._pool = pool
        self._phrases = tuple(phrases)

    @property
    def model(self) -> str:
        return "pocketsphinx"

    @property
    def provider(self) -> str:
        return "offline"

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> OfflineRecognizeStream:
        return OfflineRecognizeStream(self, self._pool, self._phrases, conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        frame = utils.merge_frames(buffer)
        if frame.sample_rate != RATE_HZ or frame.num_channels != 1:
            raise ValueError("the offline recogniser takes mono audio at 16 kHz")
        try:
            stream = await self._pool.open_stream(self._phrases)
            try:
                await stream.hear(bytes(frame.data))
                await stream.end_utterance()
                async for transcript in stream.transcripts():
                    if transcript.is_final:
                        return _event(
                            stt.SpeechEventType.FINAL_TRANSCRIPT, transcript.text
                        )
            finally:
                await stream.aclose()
        except RecogniserLost as error:
            raise APIConnectionError("the offline recogniser stopped") from error
        raise AssertionError("transcripts() never just ends")


def _event(
    kind: stt.SpeechEventType, text: str, confidence: float = 0.0
) -> stt.SpeechEvent:
    data = stt.SpeechData(language=LANGUAGE, text=text, confidence=confidence)
    return stt.SpeechEvent(type=kind, alternatives=[data])


class SpeechGate:
    """Which frames belong to an utterance: 400 ms before its onset until silence.

    Silence costs nothing to decode this way. It only gates; when a turn ends is the
    session's decision, told by a flush.
    """

    def __init__(self) -> None:
        self._vad = pocketsphinx.Vad(
            mode=2, sample_rate=RATE_HZ, frame_length=_FRAME_MS / 1000
        )
        self._preroll: deque[bytes] = deque(maxlen=_PREROLL_FRAMES)
        self._recent: deque[bool] = deque(maxlen=_ONSET_FRAMES)
        self._silent = 0
        self.is_open = False

    @property
    def has_speech(self) -> bool:
        """Whether anything like a sound was heard since the last utterance."""
        return sum(self._recent) >= _ONSET_SPEECH // 2

    def push(self, frame: bytes) -> bytes:
        """Take 20 ms; return what of it and before it belongs to the utterance."""
        is_speech = bool(self._vad.is_speech(frame))
        if self.is_open:
            self._silent = 0 if is_speech else self._silent + 1
            return frame
        self._preroll.append(frame)
        self._recent.append(is_speech)
        if sum(self._recent) < _ONSET_SPEECH:
            return b""
        return self.open()

    def open(self) -> bytes:
        """Begin an utterance with what was kept."""
        self.is_open = True
        self._silent = 0
        kept = b"".join(self._preroll)
        self._preroll.clear()
        return kept

    @property
    def is_over(self) -> bool:
        return self.is_open and self._silent >= _SILENCE_FRAMES

    def close(self) -> None:
        self.is_open = False
        self._recent.clear()


class OfflineRecognizeStream(stt.RecognizeStream):
    """One caller's speech. Ends only with its input; a lost recogniser is retried."""

    def __init__(
        self,
        parent: OfflineSTT,
        pool: DecoderPool,
        phrases: tuple[str, ...],
        conn_options: APIConnectOptions,
    ) -> None:
        self._pool = pool
        self._phrases = phrases
        super().__init__(stt=parent, conn_options=conn_options, sample_rate=RATE_HZ)

    async def _run(self) -> None:
        try:
            decoder = await self._pool.open_stream(self._phrases)
        except (RecogniserLost, OSError) as error:
            raise APIConnectionError("the offline recogniser does not start") from error
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()
        listening = asyncio.create_task(self._listen(decoder))
        answering = asyncio.create_task(self._answer(decoder))
        try:
            await asyncio.wait(
                (listening, answering), return_when=asyncio.FIRST_COMPLETED
            )
            if listening.done() and not answering.done():
                await listening
                waiting = asyncio.create_task(self._idle.wait())
                await asyncio.wait(
                    (waiting, answering), return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
            if answering.done():
                await answering
        except RecogniserLost as error:
            # Ending normally here would leave the session deaf without a word.
            raise APIConnectionError("the offline recogniser stopped") from error
        finally:
            await utils.aio.cancel_and_wait(listening, answering)
            await decoder.aclose()

    async def _listen(self, decoder: DecoderStream) -> None:
        gate = SpeechGate()
        waiting = bytearray()
        batch = bytearray()
        heard_s = 0.0
        async for item in self._input_ch:
            if isinstance(item, self._FlushSentinel):
                if not gate.is_open and gate.has_speech:
                    batch += gate.open()
                if gate.is_open:
                    batch += waiting
                    waiting.clear()
                    await self._end(decoder, gate, batch)
                continue
            waiting += bytes(item.data)
            heard_s += item.duration
            if heard_s >= USAGE_EVERY_S:
                self._report_usage(heard_s)
                heard_s = 0.0
            while len(waiting) >= _FRAME_BYTES:
                frame = bytes(waiting[:_FRAME_BYTES])
                del waiting[:_FRAME_BYTES]
                was_open = gate.is_open
                batch += gate.push(frame)
                if gate.is_open and not was_open:
                    self._send(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
                if len(batch) >= _BATCH_BYTES:
                    await decoder.hear(bytes(batch))
                    batch.clear()
                if gate.is_over:
                    await self._end(decoder, gate, batch)
        self._report_usage(heard_s)

    async def _end(
        self, decoder: DecoderStream, gate: SpeechGate, batch: bytearray
    ) -> None:
        gate.close()
        self._pending += 1
        self._idle.clear()
        if batch:
            await decoder.hear(bytes(batch))
            batch.clear()
        await decoder.end_utterance()

    async def _answer(self, decoder: DecoderStream) -> None:
        async for transcript in decoder.transcripts():
            kind = stt.SpeechEventType.INTERIM_TRANSCRIPT
            if transcript.is_final:
                kind = stt.SpeechEventType.FINAL_TRANSCRIPT
            if transcript.text:
                self._send(_event(kind, transcript.text, transcript.confidence))
            if transcript.is_final:
                self._send(stt.SpeechEvent(stt.SpeechEventType.END_OF_SPEECH))
                self._pending -= 1
                if not self._pending:
                    self._idle.set()

    def _report_usage(self, heard_s: float) -> None:
        if heard_s > 0:
            self._send(
                stt.SpeechEvent(
                    type=stt.SpeechEventType.RECOGNITION_USAGE,
                    recognition_usage=stt.RecognitionUsage(audio_duration=heard_s),
                )
            )

    def _send(self, event: stt.SpeechEvent) -> None:
        self._event_ch.send_nowait(event)


def frame_of(pcm: bytes) -> rtc.AudioFrame:
    """Wrap s16 mono 16 kHz audio for a stream's `push_frame`."""
    return rtc.AudioFrame(pcm, RATE_HZ, 1, len(pcm) // 2)
