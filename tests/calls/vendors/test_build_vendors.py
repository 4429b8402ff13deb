"""From a spec to vendors: fresh objects over shared connections, in no time."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import pytest
from livekit.agents import inference
from livekit.plugins import deepgram, elevenlabs, openai

from assistants.catalogue import Stage, catalogue
from calls.vendors import registry
from calls.vendors.errors import NoCredential
from calls.vendors.offline.llm import DemoLLM
from calls.vendors.offline.stt import OfflineSTT
from calls.vendors.offline.tts import OfflineTTS
from calls.vendors.registry import (
    Credential,
    Owner,
    ProviderError,
    SharedResources,
    build_vendors,
    platform_credentials,
)
from tests.calls.vendors.conftest import OFFLINE, keys_for, make_spec
from tests.fakes.vendor_servers import VendorServers

KEYS = keys_for(VendorServers())


@pytest.mark.asyncio
async def test_an_offline_assistant_needs_no_key(shared):
    vendors = build_vendors(make_spec(**OFFLINE), {}, shared)
    assert isinstance(vendors.stt, OfflineSTT)
    assert isinstance(vendors.llm, DemoLLM)
    assert isinstance(vendors.tts, OfflineTTS)
    assert isinstance(vendors.vad, inference.VAD)
    assert {source.owner for source in vendors.sources.values()} == {Owner.PLATFORM}
    assert shared.decoders.process_ids == []
    await vendors.aclose()


@pytest.mark.asyncio
async def test_the_vendors_of_a_spec_are_the_plugins(shared):
    vendors = build_vendors(make_spec(), KEYS, shared)
    assert isinstance(vendors.stt, deepgram.STT)
    assert isinstance(vendors.llm, openai.LLM)
    assert isinstance(vendors.tts, elevenlabs.TTS)
    assert vendors.owners == {
        "stt": "platform",
        "llm": "organization",
        "tts": "platform",
    }
    assert vendors.providers == {
        "stt": "deepgram",
        "llm": "openai",
        "tts": "elevenlabs",
    }
    await vendors.aclose()


@pytest.mark.parametrize("parts", [{}, OFFLINE])
@pytest.mark.asyncio
async def test_no_object_is_shared_between_calls(shared, parts):
    one = build_vendors(make_spec(**parts), KEYS, shared)
    two = build_vendors(make_spec(**parts), KEYS, shared)
    for name in ("stt", "llm", "tts", "vad"):
        assert getattr(one, name) is not getattr(two, name)
    await one.aclose()
    await two.aclose()


@pytest.mark.asyncio
async def test_closing_a_call_leaves_the_connections_of_others(shared, servers):
    keys = keys_for(servers)
    one, two = (build_vendors(make_spec(), keys, shared) for _ in range(2))
    await one.aclose()
    assert not shared.http.closed
    client = shared.openai_client("sk-o", servers.openai.base_url)
    assert not client.is_closed()
    await two.aclose()


@pytest.mark.asyncio
async def test_one_client_for_a_key_at_a_server(shared):
    one = shared.openai_client("a", "http://x/v1")
    assert shared.openai_client("a", "http://x/v1") is one
    assert shared.openai_client("b", "http://x/v1") is not one
    assert shared.openai_client("a", "http://y/v1") is not one


@pytest.mark.parametrize(
    ("part", "stage", "provider"),
    [("llm_config", "llm", "OpenAI"), ("stt_config", "stt", "Deepgram")],
)
@pytest.mark.asyncio
async def test_a_missing_key_is_told_before_the_call(shared, part, stage, provider):
    spec = make_spec(**(OFFLINE | {part: getattr(make_spec(), part).model_dump()}))
    with pytest.raises(NoCredential, match=f"No key for {provider}") as caught:
        build_vendors(spec, {}, shared)
    assert (caught.value.stage, caught.value.retryable) == (stage, False)


@pytest.mark.asyncio
async def test_a_provider_that_is_gone_is_told_before_the_call(shared):
    spec = make_spec(llm_config={"provider": "gone"})
    with pytest.raises(ProviderError, match="gone is no longer offered"):
        build_vendors(spec, KEYS, shared)


@pytest.mark.asyncio
async def test_every_provider_of_the_catalogue_can_be_built(shared):
    for provider in catalogue().providers:
        part = {"provider": provider.id, "model": provider.default_model or "any"}
        if provider.stage == Stage.TTS:
            part["voice_id"] = provider.default_voice
        spec = make_spec(**(OFFLINE | {f"{provider.stage}_config": part}))
        vendors = build_vendors(spec, KEYS, shared)
        assert vendors.sources[provider.stage].provider == provider.id
        await vendors.aclose()


@pytest.mark.asyncio
async def test_an_organizations_key_never_goes_to_the_installations_server(
    shared, monkeypatch
):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://own-server.test/v1")
    vendors = build_vendors(
        make_spec(), KEYS | {"openai": Credential("sk", None)}, shared
    )
    assert vendors.llm.provider == "api.openai.com"
    await vendors.aclose()


def test_a_key_is_not_printed():
    assert "sk-secret" not in repr(Credential("sk-secret"))


def test_the_installations_keys_come_from_its_settings():
    assert platform_credentials({"openai": "", "deepgram": ""}, {}) == {}
    found = platform_credentials(
        {"openai": "", "deepgram": "d"}, {"openai": "http://llm/v1", "deepgram": ""}
    )
    assert found == {
        "deepgram": Credential("d", None),
        "openai_compatible": Credential("none", "http://llm/v1"),
    }


def test_every_catalogue_provider_has_a_builder_and_the_other_way_round():
    tables = {
        Stage.STT: registry._STT,
        Stage.LLM: registry._LLM,
        Stage.TTS: registry._TTS,
    }
    for stage, table in tables.items():
        assert set(table) == {p.id for p in catalogue().stage(stage)}


@pytest.mark.asyncio
async def test_building_holds_the_loop_for_milliseconds(shared):
    build_vendors(make_spec(), KEYS, shared)
    took = []
    for parts in ({}, OFFLINE) * 10:
        began = time.perf_counter()
        build_vendors(make_spec(**parts), KEYS, shared)
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.005


@pytest.mark.asyncio
async def test_shared_resources_close_twice_and_unstarted():
    shared = SharedResources()
    with pytest.raises(RuntimeError):
        _ = shared.http
    await shared.aclose()
    await shared.aclose()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_servers_run_as_a_process_and_end_on_a_signal():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fakes.vendor_servers",
        "--final-ms",
        "5",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    addresses = json.loads(await process.stdout.readline())
    assert addresses["OPENAI_BASE_URL"].endswith("/v1")
    assert addresses["DEEPGRAM_BASE_URL"].endswith("/v1/listen")
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0
