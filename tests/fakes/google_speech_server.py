"""Google's Speech and Text-to-Speech over gRPC, with the messages of its own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import grpc  # type: ignore[import-untyped]  # ships no types
from google.cloud import texttospeech_v1 as tts
from google.cloud.speech_v2.types import cloud_speech as speech

from tests.fakes.hearing import Heard, Hearing
from tests.fakes.openai_server import tone

MS_A_CHARACTER = 60


@dataclass(frozen=True)
class Refusal:
    """`after`: how many messages come first."""

    code: grpc.StatusCode
    after: int = 0


@dataclass
class GoogleSpeechServer:
    transcripts: list[str] = field(default_factory=lambda: ["Hello there."])
    refusals: list[Refusal] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    url: str = ""
    _server: grpc.aio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = server = grpc.aio.server()
        recognise = grpc.stream_stream_rpc_method_handler(
            self._recognise,
            request_deserializer=speech.StreamingRecognizeRequest.deserialize,
            response_serializer=speech.StreamingRecognizeResponse.serialize,
        )
        stream = grpc.stream_stream_rpc_method_handler(
            self._speak,
            request_deserializer=tts.StreamingSynthesizeRequest.deserialize,
            response_serializer=tts.StreamingSynthesizeResponse.serialize,
        )
        for service, methods in {
            "google.cloud.speech.v2.Speech": {"StreamingRecognize": recognise},
            "google.cloud.texttospeech.v1.TextToSpeech": {
                "StreamingSynthesize": stream
            },
        }.items():
            handler = grpc.method_handlers_generic_handler(service, methods)
            server.add_generic_rpc_handlers((handler,))
        self.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._server is not None:
            await self._server.stop(0)

    async def _refuse(
        self, context: grpc.aio.ServicerContext, refusal: Refusal | None, count: int
    ) -> None:
        if refusal is not None and count >= refusal.after:
            # While the client still writes, a failed write sets a status of its own.
            await asyncio.sleep(0.2)
            await context.abort(refusal.code, "Scripted failure.")

    def _next_refusal(self) -> Refusal | None:
        return self.refusals.pop(0) if self.refusals else None

    async def _recognise(
        self,
        requests: AsyncIterator[speech.StreamingRecognizeRequest],
        context: grpc.aio.ServicerContext,
    ) -> AsyncIterator[speech.StreamingRecognizeResponse]:
        refusal, hearing, count = self._next_refusal(), Hearing(16_000), 0
        await self._refuse(context, refusal, 0)
        async for request in requests:
            if request.recognizer:
                self.requests.append(request)
                continue
            count += 1
            await self._refuse(context, refusal, count)
            for heard in hearing.hear(request.audio):
                if heard is Heard.INTERIM:
                    word = self.transcripts[0].split(" ")[0]
                    yield _result(word, hearing, is_final=False)
                elif heard is Heard.ENDED:
                    yield _result(self.transcripts.pop(0), hearing, is_final=True)
                    hearing.end()

    async def _speak(
        self,
        requests: AsyncIterator[tts.StreamingSynthesizeRequest],
        context: grpc.aio.ServicerContext,
    ) -> AsyncIterator[tts.StreamingSynthesizeResponse]:
        refusal, count = self._next_refusal(), 0
        rate_hz = 0
        async for request in requests:
            self.requests.append(request)
            if request.streaming_config.voice.name:
                sound = request.streaming_config.streaming_audio_config
                rate_hz = sound.sample_rate_hertz
                await self._refuse(context, refusal, 0)
                continue
            count += 1
            text = (request.input.text or request.input.markup).strip()
            pcm = tone(len(text) * MS_A_CHARACTER, rate_hz)
            yield tts.StreamingSynthesizeResponse(audio_content=pcm)
            await self._refuse(context, refusal, count)


def _result(
    text: str, hearing: Hearing, *, is_final: bool
) -> speech.StreamingRecognizeResponse:
    heard = timedelta(milliseconds=hearing.heard_ms)
    return speech.StreamingRecognizeResponse(
        results=[
            speech.StreamingRecognitionResult(
                alternatives=[
                    speech.SpeechRecognitionAlternative(transcript=text, confidence=0.9)
                ],
                is_final=is_final,
                result_end_offset=heard,
                language_code="nl-NL",
            )
        ],
        metadata=speech.RecognitionResponseMetadata(total_billed_duration=heard),
    )
