"""From a spec to vendors: fresh objects over shared connections, in no time."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from livekit.agents import Plugin, inference
from livekit.plugins import deepgram, elevenlabs, openai

from assistants.catalogue import Provider, Stage, catalogue, load, validate_spec
from assistants.spec import AssistantSpec
from calls.vendors import plugins, registry
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
    prepare_vendors,
)
from tests.calls.vendors.conftest import OFFLINE, keys_for, make_spec
from tests.fakes.vendor_servers import VendorServers

KEYS = keys_for(VendorServers())


def make_realtime(parts: dict[str, Any]) -> AssistantSpec:
    return AssistantSpec.model_validate({"name": "Live", **parts})


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


ACCOUNT = Credential("account", "http://127.0.0.1:1")
ALL_KEYS = {
    **dict.fromkeys(catalogue().keys(), Credential("key")),
    **KEYS,
    "google_vertex": ACCOUNT,
}


def parts_for(provider: Provider, model: str) -> dict[str, Any]:
    config: dict[str, Any] = {"provider": provider.id, "model": model or "any"}
    if provider.is_realtime:
        return {"llm_config": config}
    if provider.stage == Stage.TTS:
        config["voice_id"] = provider.default_voice
    return OFFLINE | {f"{provider.stage}_config": config}


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize(
    "provider", catalogue().providers, ids=lambda p: f"{p.stage}-{p.id}"
)
async def test_every_model_of_the_catalogue_can_be_built(shared, provider):
    assert plugins.makes(provider.protocol, provider.stage)
    stage = Stage.LLM if provider.is_realtime else provider.stage
    for model in provider.models or (None,):
        parts = parts_for(provider, model.id if model else "any")
        spec = make_realtime(parts) if provider.is_realtime else make_spec(**parts)
        assert validate_spec(spec) == []
        await prepare_vendors(spec, ALL_KEYS, shared)
        vendors = build_vendors(spec, ALL_KEYS, shared)
        assert vendors.sources[stage].provider == provider.id
        await vendors.aclose()


@pytest.mark.asyncio
async def test_an_operators_server_is_built_by_its_protocol(
    shared, monkeypatch, tmp_path
):
    (tmp_path / "own.toml").write_text(OWN_SERVER)
    monkeypatch.setattr(registry, "catalogue", lambda: load(str(tmp_path)))
    spec = make_spec(
        **OFFLINE | {"llm_config": {"provider": "our_llama", "model": "llama"}}
    )
    vendors = build_vendors(spec, {}, shared)
    assert vendors.providers["llm"] == "our_llama"
    assert str(vendors.llm._client.base_url) == "http://10.0.0.5:8000/v1/"
    await vendors.aclose()


OWN_SERVER = """
[[providers]]
stage = "llm"
id = "our_llama"
protocol = "openai_compatible"
label = "Our Llama"
region = "own"
base_url = "http://10.0.0.5:8000/v1"
models = [{ id = "llama", label = "Llama", is_default = true }]
"""


@pytest.mark.asyncio
async def test_an_account_that_is_none_is_told_before_the_call(shared):
    spec = make_spec(
        **OFFLINE | {"llm_config": {"provider": "google", "model": "gemini-2.5-flash"}}
    )
    keys = {"google_vertex": Credential("no json", owner=Owner.ORGANIZATION)}
    await prepare_vendors(spec, keys, shared)
    with pytest.raises(ProviderError, match="The key for Google") as caught:
        build_vendors(spec, keys, shared)
    assert caught.value.owner is Owner.ORGANIZATION
    assert "no json" not in str(caught.value)


@pytest.mark.asyncio
async def test_a_stand_in_takes_over_and_its_key_pays(shared):
    spec = make_spec(
        llm_config={
            "fallbacks": [{"provider": "groq", "model": "llama-3.1-8b-instant"}]
        },
        tts_config={"fallbacks": [{"provider": "openai", "voice_id": "alloy"}]},
    )
    vendors = build_vendors(spec, ALL_KEYS, shared)
    assert vendors.has_stand_in("llm")
    assert not vendors.has_stand_in("stt")
    assert vendors.llm.model == "gpt-4.1"
    assert vendors.take_over("llm")
    assert vendors.llm.model == "llama-3.1-8b-instant"
    assert vendors.providers["llm"] == "groq"
    assert vendors.owners["llm"] == "platform"
    assert not vendors.take_over("llm")
    assert vendors.tts.capabilities.streaming
    assert vendors.take_over("tts")
    assert not vendors.tts.capabilities.streaming
    await vendors.aclose()


@pytest.mark.asyncio
async def test_a_stand_in_without_a_key_is_left_out(shared):
    spec = make_spec(
        llm_config={
            "fallbacks": [{"provider": "mistral", "model": "ministral-3b-latest"}]
        }
    )
    vendors = build_vendors(spec, KEYS, shared)
    assert not vendors.has_stand_in("llm")
    await vendors.aclose()


@pytest.mark.slow
def test_a_process_imports_only_what_its_calls_use():
    """Said in a process of its own: this one has imported them all."""
    check = (
        "import sys, calls.vendors.registry, assistants.catalogue\n"
        "heavy = ['google.genai', 'anthropic', 'mistralai', 'livekit.plugins.openai',"
        " 'azure.cognitiveservices.speech', 'livekit.plugins.deepgram']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


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


def test_a_plugin_is_imported_by_whichever_thread_first_needs_it() -> None:
    """A page that asks a model does so on a thread of the web process."""
    plugins.plugin("offline")
    noted = list(Plugin.registered_plugins)
    one = Plugin("test", "1", "test")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(Plugin.register_plugin, one).result()
    assert Plugin.registered_plugins == [*noted, one]
    Plugin.registered_plugins.remove(one)
