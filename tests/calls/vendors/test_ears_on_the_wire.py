"""ElevenLabs, Gladia, Cartesia and Azure hear over their real protocols, or say why not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit.agents import APIError

from calls.vendors.offline.stt import frame_of
from calls.vendors.registry import SharedResources, VendorSet
from tests.calls.vendors.wire import KEY, ONE_TRY, Kind as Event, heard, made, refused
from tests.fakes.azure_speech_server import AzureSpeechServer
from tests.fakes.cartesia_server import CartesiaServer
from tests.fakes.elevenlabs_ears_server import ElevenLabsEarsServer
from tests.fakes.gladia_server import GladiaServer
from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import (
    BAD_KEY,
    BROKEN,
    RATE_LIMITED,
    TRUNCATE,
    Fault,
    Kind,
)

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

NO_CREDIT = Fault(Kind.STATUS, 402, code="payment_required")
NO_MODEL = Fault(Kind.STATUS, 404, code="model_not_found")
REFUSALS = [
    (BAD_KEY, 401, False, "the key was refused"),
    (NO_CREDIT, 402, False, "the account has no credit"),
    (NO_MODEL, 404, False, "no such model or voice"),
    (RATE_LIMITED, 429, True, "too many requests or no quota left"),
    (BROKEN, 500, True, "status 500"),
]
LOST = (None, True, "the connection failed")


# --- ElevenLabs ---


async def elevenlabs(
    shared: SharedResources, server: ElevenLabsEarsServer, **config: Any
) -> VendorSet:
    config = {"provider": "elevenlabs", "model": "scribe_v2_realtime"} | config
    return await made(shared, "elevenlabs", server.base_url, stt_config=config)


async def test_elevenlabs_commits_when_the_caller_has_spoken(shared: SharedResources):
    async with ElevenLabsEarsServer() as server:
        vendors = await elevenlabs(shared, server, language="nl", keyterms=["Acme"])
        assert vendors.stt is not None
        assert vendors.stt.capabilities.manual_flush
        words = await heard(vendors, flushed=True)
        await vendors.aclose()
    assert words == [
        ("interim_transcript", "Hello"),
        ("final_transcript", "Hello there."),
    ]
    [request] = server.requests
    assert request["key"] == KEY
    assert request["model_id"] == "scribe_v2_realtime"
    assert request["audio_format"] == "pcm_16000"
    assert (request["language_code"], request["keyterms"]) == ("nl", ["Acme"])
    assert request["commit_strategy"] == "manual"


async def test_elevenlabs_passes_over_what_it_cannot_read(shared: SharedResources):
    async with ElevenLabsEarsServer(faults=[Fault(Kind.MALFORMED)]) as server:
        vendors = await elevenlabs(shared, server, language="en")
        assert (await heard(vendors, flushed=True))[-1][1] == "Hello there."
        await vendors.aclose()


@pytest.mark.parametrize(("fault", "status", "retryable", "reason"), REFUSALS)
async def test_elevenlabs_refuses_a_connection(
    shared: SharedResources, fault: Fault, status: int, retryable: bool, reason: str
):
    async with ElevenLabsEarsServer(faults=[fault]) as server:
        vendors = await elevenlabs(shared, server)
        found = await refused(vendors, "stt")
        await vendors.aclose()
    told = (found.status_code, found.retryable, found.reason)
    assert told == (status, retryable, reason)


@pytest.mark.parametrize(
    ("told", "status", "retryable"),
    [
        ("auth_error", 401, False),
        ("quota_exceeded", 402, False),
        ("input_error", 422, False),
        ("rate_limited", 429, True),
        ("transcriber_error", 500, True),
    ],
)
async def test_elevenlabs_refuses_on_an_open_socket(
    shared: SharedResources, told: str, status: int, retryable: bool
):
    async with ElevenLabsEarsServer(told=told) as server:
        vendors = await elevenlabs(shared, server)
        found = await refused(vendors, "stt")
        await vendors.aclose()
    assert (found.status_code, found.retryable) == (status, retryable)


async def test_elevenlabs_breaks_off(shared: SharedResources):
    async with ElevenLabsEarsServer(faults=[TRUNCATE]) as server:
        vendors = await elevenlabs(shared, server)
        assert (await refused(vendors, "stt")).retryable
        await vendors.aclose()


# --- Gladia ---


async def gladia(
    shared: SharedResources, server: GladiaServer, **config: Any
) -> VendorSet:
    config = {"provider": "gladia", "model": "solaria-1"} | config
    return await made(shared, "gladia", server.base_url, stt_config=config)


async def test_gladia_hears_in_the_eu(shared: SharedResources):
    async with GladiaServer() as server:
        vendors = await gladia(
            shared, server, language="nl", keyterms=["Acme"], endpointing=0.3
        )
        words = await heard(vendors)
        await vendors.aclose()
    assert words == [
        ("interim_transcript", "Hello"),
        ("final_transcript", "Hello there."),
    ]
    [request] = server.requests
    assert (request["key"], request["region"]) == (KEY, "eu-west")
    assert request["model"] == "solaria-1"
    assert request["endpointing"] == 0.3
    assert request["language_config"] == {"languages": ["nl"], "code_switching": False}
    vocabulary = request["realtime_processing"]["custom_vocabulary_config"]
    assert vocabulary == {"vocabulary": ["Acme"]}


async def test_gladia_translates_what_the_model_is_told(shared: SharedResources):
    async with GladiaServer(
        transcripts=["Hoe laat is het?"], translations=["What time is it?"]
    ) as server:
        vendors = await gladia(
            shared,
            server,
            translation_enabled=True,
            translation_target_languages=["en"],
        )
        assert (await heard(vendors))[-1] == ("final_transcript", "What time is it?")
        await vendors.aclose()


@pytest.mark.parametrize(("fault", "status", "retryable", "reason"), REFUSALS)
async def test_gladia_refuses_a_session(
    shared: SharedResources, fault: Fault, status: int, retryable: bool, reason: str
):
    async with GladiaServer(faults=[fault]) as server:
        vendors = await gladia(shared, server)
        found = await refused(vendors, "stt")
        await vendors.aclose()
    told = (found.status_code, found.retryable, found.reason)
    assert told == (status, retryable, reason)


@pytest.mark.parametrize("fault", [TRUNCATE, Fault(Kind.STATUS, 4408, code="expired")])
async def test_a_session_that_gladia_ends_is_an_end_and_not_a_silence(
    shared: SharedResources, fault: Fault
):
    """The plugin's stream ends politely; the session then opens another, or replaces it."""
    async with GladiaServer(socket_faults=[fault]) as server:
        vendors = await gladia(shared, server)
        with pytest.raises((APIError, AssertionError)):
            await heard(vendors)
        await vendors.aclose()


# --- Cartesia ---

INKS = ["ink-whisper", "ink-2"]


async def cartesia(
    shared: SharedResources, server: CartesiaServer, model: str
) -> VendorSet:
    config = {"provider": "cartesia", "model": model, "language": "en"}
    return await made(shared, "cartesia", server.url, stt_config=config)


@pytest.mark.parametrize("model", INKS)
async def test_cartesia_hears(shared: SharedResources, model: str):
    async with CartesiaServer() as server:
        vendors = await cartesia(shared, server, model)
        words = await heard(vendors)
        await vendors.aclose()
    assert words[-1] == ("final_transcript", "Hello there.")
    [request] = server.requests
    assert (request["key"], request["model"]) == (KEY, model)
    assert (request["sample_rate"], request["encoding"]) == ("16000", "pcm_s16le")


@pytest.mark.parametrize("model", INKS)
@pytest.mark.parametrize(("fault", "status", "retryable", "reason"), REFUSALS)
async def test_cartesia_refuses_a_connection(
    shared: SharedResources,
    model: str,
    fault: Fault,
    status: int,
    retryable: bool,
    reason: str,
):
    async with CartesiaServer(faults=[fault]) as server:
        vendors = await cartesia(shared, server, model)
        found = await refused(vendors, "stt")
        await vendors.aclose()
    told = (found.status_code, found.retryable, found.reason)
    assert told == (status, retryable, reason)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("ink-whisper", {"code": 402, "message": "Out of credits."}),
        ("ink-2", {"status_code": 402, "error_code": "quota_exceeded"}),
    ],
)
async def test_cartesia_refuses_on_an_open_socket(
    shared: SharedResources, model: str, told: dict[str, Any]
):
    async with CartesiaServer(told=told) as server:
        vendors = await cartesia(shared, server, model)
        found = await refused(vendors, "stt")
        await vendors.aclose()
    assert (found.status_code, found.retryable) == (402, False)


@pytest.mark.parametrize("model", INKS)
async def test_cartesia_breaks_off(shared: SharedResources, model: str):
    async with CartesiaServer(faults=[TRUNCATE]) as server:
        vendors = await cartesia(shared, server, model)
        found = await refused(vendors, "stt")
        await vendors.aclose()
    assert (found.status_code, found.retryable, found.reason) == LOST


# --- Azure ---


async def azure(shared: SharedResources, server: AzureSpeechServer) -> VendorSet:
    config = {
        "provider": "azure",
        "model": "azure-realtime",
        "language": "nl",
        "keyterms": ["Portavoce"],
    }
    return await made(shared, "azure", server.url, stt_config=config)


async def test_azures_native_client_hears(shared: SharedResources):
    async with AzureSpeechServer() as server:
        vendors = await azure(shared, server)
        words = await heard(vendors)
        await vendors.aclose()
    assert words == [
        ("interim_transcript", "hello"),
        ("final_transcript", "Hello there."),
    ]
    [request] = server.requests
    assert (request["key"], request["language"]) == (KEY, "nl-NL")
    [context] = server.contexts
    [group] = context["dgi"]["Groups"]
    assert group["Items"] == [{"Text": "Portavoce"}]


@pytest.mark.parametrize("fault", [BAD_KEY, Fault(Kind.STATUS, 403)])
async def test_azure_refuses_a_key(shared: SharedResources, fault: Fault):
    """Its native client makes one of the two, and does not try again."""
    async with AzureSpeechServer(faults=[fault] * 9) as server:
        vendors = await azure(shared, server)
        found = await refused(vendors, "stt")
        await vendors.aclose()
    assert (found.status_code, found.retryable) == (401, False)
    assert len(server.requests) == 1


async def test_azures_native_client_connects_again_by_itself(shared: SharedResources):
    """What is said after a socket dropped is heard; a session need not notice."""
    async with AzureSpeechServer(faults=[TRUNCATE]) as server:
        vendors = await azure(shared, server)
        assert vendors.stt is not None
        async with vendors.stt.stream(conn_options=ONE_TRY) as stream:
            async with asyncio.timeout(20):
                while len(server.requests) < 2:
                    stream.push_frame(frame_of(bytes(640)))
                    await asyncio.sleep(0.02)
                for at in range(0, 64_000, 640):
                    sound = tone(20, 16_000) if at < 16_000 else bytes(640)
                    stream.push_frame(frame_of(sound))
                async for event in stream:
                    if event.type == Event.FINAL_TRANSCRIPT:
                        break
        assert event.alternatives[0].text == "Hello there."
        await vendors.aclose()
