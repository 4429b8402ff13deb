"""Anthropic, Azure, Groq, Mistral and xAI over their wire protocols, errors included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from livekit.agents import APIConnectOptions, APIError, APIStatusError, llm

from calls.vendors.offline.stt import frame_of
from calls.vendors.registry import (
    Credential,
    SharedResources,
    VendorSet,
    build_vendors,
    prepare_vendors,
)
from tests.calls.vendors.conftest import OFFLINE, make_spec
from tests.fakes.http_vendors_server import HttpVendorsServer
from tests.fakes.openai_server import OpenAIServer, Reply, tone
from tests.fakes.vendor_wire import BAD_KEY, BROKEN, RATE_LIMITED, Fault

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

ONE_TRY = APIConnectOptions(max_retry=0, timeout=3)


@pytest_asyncio.fixture
async def http() -> AsyncIterator[HttpVendorsServer]:
    async with HttpVendorsServer() as server:
        yield server


@pytest_asyncio.fixture
async def chat() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        server.replies = [Reply("It is noon.")]
        yield server


async def made(shared: SharedResources, key: str, url: str, **parts: Any) -> VendorSet:
    spec = make_spec(**OFFLINE | parts)
    keys = {key: Credential("the-key", url)}
    await prepare_vendors(spec, keys, shared)
    return build_vendors(spec, keys, shared)


async def asked(vendors: VendorSet) -> str:
    context = llm.ChatContext()
    context.add_message(role="system", content="Be brief.")
    context.add_message(role="user", content="What time is it?")
    assert isinstance(vendors.llm, llm.LLM)
    stream = vendors.llm.chat(chat_ctx=context, conn_options=ONE_TRY)
    return (await stream.collect()).text.strip()


CHATS = [
    ("groq", "llama-3.1-8b-instant", "/v1"),
    ("xai", "grok-4.3", "/v1"),
    ("mistral", "mistral-small-latest", ""),
]


@pytest.mark.parametrize(("provider", "model", "path"), CHATS)
async def test_models_that_share_openais_chat_answer(
    shared: SharedResources, chat: OpenAIServer, provider: str, model: str, path: str
) -> None:
    config = {"provider": provider, "model": model, "temperature": 0.3}
    vendors = await made(shared, provider, chat.url + path, llm_config=config)
    assert await asked(vendors) == "It is noon."
    [request] = chat.requests
    assert (request["model"], request["temperature"]) == (model, 0.3)
    assert request["authorization"] == "the-key"
    await vendors.aclose()


@pytest.mark.parametrize(("provider", "model", "path"), CHATS)
@pytest.mark.parametrize("fault", [BAD_KEY, RATE_LIMITED, BROKEN])
async def test_their_refusals_keep_the_status(
    shared: SharedResources,
    chat: OpenAIServer,
    provider: str,
    model: str,
    path: str,
    fault: Fault,
) -> None:
    chat.faults = [fault]
    config = {"provider": provider, "model": model}
    vendors = await made(shared, provider, chat.url + path, llm_config=config)
    with pytest.raises(APIError) as caught:
        await asked(vendors)
    trouble = vendors.trouble("llm", caught.value)
    assert trouble.status_code == fault.status
    assert "the-key" not in str(trouble)
    await vendors.aclose()


ANTHROPIC = {
    "provider": "anthropic",
    "model": "claude-haiku-4-5",
    "max_completion_tokens": 300,
}


async def test_anthropic_answers(
    shared: SharedResources, http: HttpVendorsServer
) -> None:
    vendors = await made(shared, "anthropic", http.url, llm_config=ANTHROPIC)
    assert await asked(vendors) == "It is noon."
    [request] = http.requests
    assert (request["model"], request["max_tokens"]) == ("claude-haiku-4-5", 300)
    assert request["key"] == "the-key"
    await vendors.aclose()


@pytest.mark.parametrize("fault", [BAD_KEY, RATE_LIMITED, BROKEN])
async def test_anthropics_refusals_keep_the_status(
    shared: SharedResources, http: HttpVendorsServer, fault: Fault
) -> None:
    http.faults = [fault]
    vendors = await made(shared, "anthropic", http.url, llm_config=ANTHROPIC)
    with pytest.raises(APIStatusError) as caught:
        await asked(vendors)
    assert caught.value.status_code == fault.status
    await vendors.aclose()


EARS = [
    ("groq", "whisper-large-v3-turbo", "/v1"),
    ("mistral", "voxtral-mini-latest", ""),
]


@pytest.mark.parametrize(("provider", "model", "path"), EARS)
async def test_recognisers_of_whole_utterances_hear(
    shared: SharedResources,
    http: HttpVendorsServer,
    provider: str,
    model: str,
    path: str,
) -> None:
    config = {"provider": provider, "model": model, "language": "nl"}
    vendors = await made(shared, provider, http.url + path, stt_config=config)
    assert vendors.stt is not None
    sound = frame_of(tone(500, 16_000))
    event = await vendors.stt.recognize([sound], conn_options=ONE_TRY)
    assert event.alternatives[0].text == "hello there"
    assert http.requests[0]["language"] == "nl"
    assert http.requests[0]["authorization"] == "the-key"
    http.faults = [BAD_KEY]
    with pytest.raises(APIError):
        await vendors.stt.recognize([sound], conn_options=ONE_TRY)
    await vendors.aclose()


async def test_azure_speaks_at_the_speed_chosen(
    shared: SharedResources, http: HttpVendorsServer
) -> None:
    config = {"provider": "azure", "voice_id": "nl-NL-FennaNeural", "speed": 1.5}
    vendors = await made(shared, "azure", http.url, tts_config=config)
    assert vendors.tts is not None
    async with vendors.tts.synthesize("Hallo.", conn_options=ONE_TRY) as stream:
        seconds = sum([audio.frame.duration async for audio in stream])
    assert seconds == pytest.approx(0.5, abs=0.05)
    [request] = http.requests
    assert "nl-NL-FennaNeural" in request["ssml"]
    assert 'rate="1.5"' in request["ssml"]
    assert request["key"] == "the-key"
    http.faults = [BAD_KEY]
    with pytest.raises(APIError) as caught:
        async with vendors.tts.synthesize("Hallo.", conn_options=ONE_TRY) as stream:
            [audio async for audio in stream]
    assert vendors.trouble("tts", caught.value).status_code == 401
    await vendors.aclose()
