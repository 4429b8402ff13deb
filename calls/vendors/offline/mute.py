"""For conversations in writing: a voice that makes silence, ears that hear nothing.

They take the places of the assistant's own, so that a text chat is held by the same
session as a call, and costs what its language model costs.
"""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import APIConnectOptions, stt, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

RATE_HZ: Final = 16_000
_FRAME: Final = bytes(RATE_HZ // 50 * 2)  # 20 ms
_CHARACTERS_A_FRAME: Final = 4  # taken at twice the pace of the clock: 400 a second


class MuteTTS(tts.TTS[Any]):
    """Makes as much silence as there are words, as they come."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True),
            sample_rate=RATE_HZ,
            num_channels=1,
        )

    @property
    def model(self) -> str:
        return "mute"

    @property
    def provider(self) -> str:
        return "offline"

    def synthesize(
        self,
        text: str,
        *,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> tts.ChunkedStream:
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _Silence(tts=self, conn_options=conn_options)


class _Silence(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
            frame_size_ms=20,
            stream=True,
        )
        output_emitter.start_segment(segment_id=utils.shortuuid())
        async for text in self._input_ch:
            if isinstance(text, str) and text:
                self._mark_started()
                frames = -(-len(text) // _CHARACTERS_A_FRAME)
                output_emitter.push(_FRAME * frames)
        output_emitter.end_input()


class DeafSTT(stt.STT[Any]):
    """Never recognises a word, and is content with it."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(streaming=True, interim_results=False)
        )

    @property
    def model(self) -> str:
        return "deaf"

    @property
    def provider(self) -> str:
        return "offline"

    async def _recognize_impl(self, *_: Any, **__: Any) -> stt.SpeechEvent:
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return _Nothing(stt=self, conn_options=conn_options)


class _Nothing(stt.RecognizeStream):
    async def _run(self) -> None:
        async for _sound in self._input_ch:
            pass
