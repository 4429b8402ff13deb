"""A voice that speaks every word in the same time, faster than it is heard."""

from __future__ import annotations

import asyncio
import struct

from livekit.agents import APIConnectOptions, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

from tests.fakes.script import Script

SAMPLE_RATE_HZ = 16_000
LOUDNESS = 7_000


class FakeTTS(tts.TTS):
    """Give all audio of a reply at once, `first_audio_s` after its last word came."""

    def __init__(self, script: Script, *, is_streaming: bool = True) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=is_streaming),
            sample_rate=SAMPLE_RATE_HZ,
            num_channels=1,
        )
        self.script = script
        self.requests = 0
        self.sentences: list[str] = []  # given whole, by one who does not stream
        self.texts: list[str] = []  # what it was asked to say, reply by reply
        self.is_closed = False

    @property
    def provider(self) -> str:
        return "fake-tts"

    def synthesize(
        self,
        text: str,
        *,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> tts.ChunkedStream:
        self.sentences.append(text)
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        self.requests += 1
        return _Stream(tts=self, conn_options=conn_options)

    async def aclose(self) -> None:
        self.is_closed = True


class _Stream(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, FakeTTS)
        script = self._tts.script
        text = ""
        async for part in self._input_ch:
            if isinstance(part, str):
                self._mark_started()
                text += part
        self._tts.texts.append(text)
        output_emitter.initialize(
            request_id="request",
            sample_rate=SAMPLE_RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        output_emitter.start_segment(segment_id="segment")
        failure = script.tts_fails.pop(0) if script.tts_fails else None
        words = len(text.split())
        if failure is not None:
            if failure.work_first:
                output_emitter.push(_speech(words / 2 * script.voice.word_s))
                output_emitter.flush()
            await asyncio.sleep(failure.after_s)
            if failure.error is None:
                await asyncio.Event().wait()
            else:
                raise failure.error
        await asyncio.sleep(script.voice.first_audio_s)
        output_emitter.push(_speech(words * script.voice.word_s))
        output_emitter.end_segment()


def _speech(duration_s: float) -> bytes:
    return struct.pack("<h", LOUDNESS) * round(duration_s * SAMPLE_RATE_HZ)
