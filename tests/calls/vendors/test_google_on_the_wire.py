"""Google's chat, ears and voices: HTTP and gRPC with the messages of its own clients."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc  # type: ignore[import-untyped]  # ships no types
import pytest
from google.cloud import texttospeech
from livekit.agents import APIConnectOptions, APIError, llm

from calls.vendors.registry import SharedResources, VendorSet
from tests.calls.vendors.wire import ONE_TRY, SENTENCE, heard, made, refused, spoken
from tests.fakes.gemini_server import TOKEN, GeminiServer
from tests.fakes.google_speech_server import GoogleSpeechServer, Refusal
from tests.fakes.vendor_wire import (
    BAD_KEY,
    BROKEN,
    RATE_LIMITED,
    TRUNCATE,
    Fault,
    Kind,
)

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

NO_MODEL = Fault(Kind.STATUS, 404)
GRPC_REFUSALS = [
    (grpc.StatusCode.UNAUTHENTICATED, 401, False),
    (grpc.StatusCode.PERMISSION_DENIED, 403, False),
    (grpc.StatusCode.NOT_FOUND, 404, False),
    (grpc.StatusCode.INVALID_ARGUMENT, 400, False),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, 429, True),
    (grpc.StatusCode.UNAVAILABLE, 503, True),
]


async def google(shared: SharedResources, url: str, **parts: Any) -> VendorSet:
    return await made(shared, "google_vertex", url, **parts)


async def asked(vendors: VendorSet) -> llm.CollectedResponse:
    context = llm.ChatContext()
    context.add_message(role="system", content="Be brief.")
    context.add_message(role="user", content="What time is it?")
    assert isinstance(vendors.llm, llm.LLM)
    stream = vendors.llm.chat(chat_ctx=context, conn_options=ONE_TRY)
    return await stream.collect()


async def gemini(
    shared: SharedResources, server: GeminiServer, **config: Any
) -> VendorSet:
    config = {"provider": "google", "model": "gemini-2.5-flash"} | config
    return await made(
        shared, "google_vertex", server.url, server.account, llm_config=config
    )


async def test_gemini_answers_from_the_eu(shared: SharedResources):
    async with GeminiServer() as server:
        vendors = await gemini(shared, server, max_completion_tokens=99)
        answer = await asked(vendors)
        await vendors.aclose()
    assert answer.text == "It is noon."
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (10, 5)
    [request] = server.requests
    where = "projects/acme-voice/locations/eu/publishers/google/models/gemini-2.5-flash"
    assert request["model"].endswith(where)
    assert request["key"] == f"Bearer {TOKEN}"
    assert request["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    generation = request["generationConfig"]
    assert generation["maxOutputTokens"] == 99
    assert generation["thinkingConfig"] == {"thinking_budget": 0}


@pytest.mark.parametrize(
    ("fault", "retryable"),
    [(BAD_KEY, False), (NO_MODEL, False), (RATE_LIMITED, True), (BROKEN, True)],
)
async def test_geminis_refusals_keep_the_status(
    shared: SharedResources, fault: Fault, retryable: bool
):
    async with GeminiServer(faults=[fault]) as server:
        vendors = await gemini(shared, server)
        with pytest.raises(APIError) as caught:
            await asked(vendors)
        await vendors.aclose()
    found = vendors.trouble("llm", caught.value)
    assert (found.status_code, found.retryable) == (fault.status, retryable)
    assert len(server.requests) == 1


async def test_a_broken_off_answer_is_an_error(shared: SharedResources):
    async with GeminiServer(faults=[TRUNCATE]) as server:
        vendors = await gemini(shared, server)
        with pytest.raises(APIError):
            await asked(vendors)
        await vendors.aclose()


EARS = {"stt_config": {"provider": "google", "model": "chirp_3", "language": "nl"}}


async def test_speech_hears_in_the_eu(shared: SharedResources):
    async with GoogleSpeechServer() as server:
        vendors = await google(shared, server.url, **EARS)
        words = await heard(vendors)
        await vendors.aclose()
    assert words == [
        ("interim_transcript", "Hello"),
        ("final_transcript", "Hello there."),
    ]
    [request] = server.requests
    assert request.recognizer == "projects/none/locations/eu/recognizers/_"
    config = request.streaming_config.config
    assert (config.model, list(config.language_codes)) == ("chirp_3", ["nl-NL"])


@pytest.mark.parametrize(("code", "status", "retryable"), GRPC_REFUSALS)
async def test_speech_refuses_to_hear(
    shared: SharedResources, code: grpc.StatusCode, status: int, retryable: bool
):
    async with GoogleSpeechServer(refusals=[Refusal(code, after=3)] * 5) as server:
        vendors = await google(shared, server.url, **EARS)
        found = await refused(vendors, "stt")
        await vendors.aclose()
    assert (found.status_code, found.retryable) == (status, retryable)


def voice(model: str, **config: Any) -> dict[str, Any]:
    given = {"provider": "google", "model": model, "voice_id": "Kore", "language": "nl"}
    return {"tts_config": given | config}


async def test_gemini_speaks_as_it_is_told_to(shared: SharedResources):
    async with GoogleSpeechServer() as server:
        parts = voice("gemini-2.5-flash-tts", instructions="Speak calmly.")
        vendors = await google(shared, server.url, **parts)
        assert await spoken(vendors) == pytest.approx(len(SENTENCE) * 0.06, abs=0.03)
        await vendors.aclose()
    first, said = server.requests
    chosen = first.streaming_config.voice
    assert (chosen.name, chosen.model_name) == ("Kore", "gemini-2.5-flash-tts")
    assert chosen.language_code == "nl-NL"
    assert said.input.prompt == "Speak calmly."


async def test_chirp_speaks_at_the_speed_chosen(shared: SharedResources):
    async with GoogleSpeechServer() as server:
        vendors = await google(
            shared, server.url, **voice("chirp-3-hd", speaking_rate=1.5)
        )
        assert await spoken(vendors) > 0.5
        await vendors.aclose()
    config = server.requests[0].streaming_config
    assert config.voice.name == "nl-NL-Chirp3-HD-Kore"
    assert config.streaming_audio_config.speaking_rate == 1.5
    encoding = config.streaming_audio_config.audio_encoding
    assert encoding == texttospeech.AudioEncoding.PCM


@pytest.mark.parametrize(("code", "status", "retryable"), GRPC_REFUSALS)
@pytest.mark.parametrize("after", [0, 1])
async def test_speech_refuses_to_speak(
    shared: SharedResources,
    code: grpc.StatusCode,
    status: int,
    retryable: bool,
    after: int,
):
    async with GoogleSpeechServer(refusals=[Refusal(code, after)]) as server:
        vendors = await google(shared, server.url, **voice("chirp-3-hd"))
        found = await refused(vendors, "tts")
        await vendors.aclose()
    assert (found.status_code, found.retryable) == (status, retryable)


async def test_a_reply_may_take_longer_than_the_wait_for_its_first_sound(
    shared: SharedResources,
):
    """The plugin takes that wait for the limit of the whole stream."""
    options = APIConnectOptions(max_retry=0, timeout=0.5)
    async with GoogleSpeechServer() as server:
        vendors = await google(shared, server.url, **voice("chirp-3-hd"))
        assert vendors.tts is not None
        async with vendors.tts.stream(conn_options=options) as stream:
            stream.push_text(f"{SENTENCE} {SENTENCE} ")
            await asyncio.sleep(1)
            stream.push_text(SENTENCE)
            stream.end_input()
            seconds = sum([event.frame.duration async for event in stream])
        await vendors.aclose()
    assert seconds == pytest.approx(3 * len(SENTENCE) * 0.06, abs=0.2)
