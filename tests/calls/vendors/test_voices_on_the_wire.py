"""Cartesia, Inworld, xAI, Groq and Mistral speak over their real protocols."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.agents import APIError

from assistants.catalogue import Stage, catalogue
from calls.vendors.registry import SharedResources, VendorSet
from tests.calls.vendors.wire import KEY, SENTENCE, made, refused, spoken
from tests.fakes.cartesia_server import CartesiaServer
from tests.fakes.vendor_wire import (
    BAD_KEY,
    BROKEN,
    RATE_LIMITED,
    TRUNCATE,
    Fault,
    Kind,
    VendorServer,
)
from tests.fakes.voices_server import VoicesServer

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

SENTENCE_S = pytest.approx(len(SENTENCE) * 0.06, abs=0.03)
NO_CREDIT = Fault(Kind.STATUS, 402, code="payment_required")
NO_VOICE = Fault(Kind.STATUS, 404, code="voice_not_found")
REFUSALS = [
    (BAD_KEY, 401, False, "the key was refused"),
    (NO_CREDIT, 402, False, "the account has no credit"),
    (NO_VOICE, 404, False, "no such model or voice"),
    (RATE_LIMITED, 429, True, "too many requests or no quota left"),
    (BROKEN, 500, True, "status 500"),
]
PATHS = {
    "cartesia": "",
    "inworld": "/",
    "xai": "/v1",
    "groq": "/openai/v1",
    "mistral": "",
}
MODELS = [
    (provider.id, model.id)
    for provider in catalogue().stage(Stage.TTS)
    if provider.id in PATHS
    for model in provider.models
]
SOCKETS = ["cartesia", "inworld", "xai"]


def server_of(provider: str, **options: Any) -> VendorServer:
    return (CartesiaServer if provider == "cartesia" else VoicesServer)(**options)


async def voice(
    shared: SharedResources, server: VendorServer, provider: str, **config: Any
) -> VendorSet:
    entry = catalogue().find(Stage.TTS, provider)
    assert entry is not None
    config = {"provider": provider, "voice_id": entry.default_voice} | config
    url = server.url + PATHS[provider]
    return await made(shared, provider, url, tts_config=config)


@pytest.mark.parametrize(("provider", "model"), MODELS)
async def test_every_model_speaks(shared: SharedResources, provider: str, model: str):
    async with server_of(provider) as server:
        vendors = await voice(shared, server, provider, model=model)
        assert await spoken(vendors) == SENTENCE_S
        await vendors.aclose()
    assert KEY in str(server.requests[0]["key"])


@pytest.mark.parametrize("provider", PATHS)
@pytest.mark.parametrize(("fault", "status", "retryable", "reason"), REFUSALS)
async def test_a_refusal_keeps_its_status(
    shared: SharedResources,
    provider: str,
    fault: Fault,
    status: int,
    retryable: bool,
    reason: str,
):
    async with server_of(provider, faults=[fault]) as server:
        vendors = await voice(shared, server, provider)
        found = await refused(vendors, "tts")
        await vendors.aclose()
    told = (found.status_code, found.retryable, found.reason)
    assert told == (status, retryable, reason)


@pytest.mark.parametrize("provider", SOCKETS)
async def test_a_socket_that_drops_is_an_error_and_not_an_end(
    shared: SharedResources, provider: str
):
    async with server_of(provider, faults=[TRUNCATE]) as server:
        vendors = await voice(shared, server, provider)
        with pytest.raises(APIError):
            await spoken(vendors)
        await vendors.aclose()


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("cartesia", {"status_code": 402, "error_code": "quota_exceeded"}),
        ("inworld", {"code": 8, "message": "Out of credits."}),
        ("xai", {"message": "Unknown voice."}),
    ],
)
async def test_a_refusal_on_an_open_socket_is_an_error(
    shared: SharedResources, provider: str, told: dict[str, Any]
):
    async with server_of(provider, told=told) as server:
        vendors = await voice(shared, server, provider)
        found = await refused(vendors, "tts")
        await vendors.aclose()
    assert (
        found.retryable
    )  # their plugins keep no status of it: another try, or a stand-in
    assert told.get("message", "quota") not in found.message


async def test_cartesia_is_told_what_was_chosen(shared: SharedResources):
    async with CartesiaServer() as server:
        vendors = await voice(
            shared, server, "cartesia", model="sonic-3", language="nl", speed=1.2
        )
        await spoken(vendors)
        await vendors.aclose()
    packet = server.said[0]
    assert (packet["model_id"], packet["language"]) == ("sonic-3", "nl")
    assert packet["voice"]["mode"] == "id"
    assert packet["output_format"]["sample_rate"] == 16_000
    assert packet["generation_config"] == {"speed": 1.2}


async def test_inworlds_speed_stays_within_its_bounds(shared: SharedResources):
    async with VoicesServer() as server:
        vendors = await voice(shared, server, "inworld", language="nl", speed=2.0)
        await spoken(vendors)
        await vendors.aclose()
    created = server.said[0]["create"]
    assert created["audioConfig"]["speakingRate"] == 1.5
    assert created["audioConfig"]["audioEncoding"] == "PCM"
    assert (created["modelId"], created["language"]) == ("inworld-tts-2", "nl")


async def test_xai_speaks_the_language_chosen(shared: SharedResources):
    async with VoicesServer() as server:
        vendors = await voice(shared, server, "xai", voice_id="eve", language="de")
        await spoken(vendors)
        await vendors.aclose()
    [request] = server.requests
    assert (request["voice"], request["language"]) == ("eve", "de")
    deltas = [packet.get("delta", "") for packet in server.said]
    assert "".join(deltas).strip() == SENTENCE
