"""What the tests of the vendors share: servers, keys, a spec."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from assistants.spec import AssistantSpec
from calls.vendors.registry import Credential, Owner, SharedResources
from tests.fakes.vendor_servers import VendorServers


def make_spec(**parts: Any) -> AssistantSpec:
    base: dict[str, Any] = {
        "name": "Reception",
        "llm_config": {"provider": "openai", "model": "gpt-4.1"},
        "stt_config": {"provider": "deepgram", "model": "nova-3"},
        "tts_config": {"provider": "elevenlabs", "voice_id": "voice-1"},
    }
    for name, value in parts.items():
        base[name] = base.get(name, {}) | value
    return AssistantSpec.model_validate(base)


OFFLINE: dict[str, Any] = {
    "llm_config": {"provider": "demo", "model": "demo-1"},
    "stt_config": {"provider": "offline", "model": "pocketsphinx"},
    "tts_config": {"provider": "offline", "voice_id": "espeak-en-us"},
}


def keys_for(servers: VendorServers) -> dict[str, Credential]:
    return {
        "openai": Credential("sk-o", servers.openai.base_url, Owner.ORGANIZATION),
        "openai_compatible": Credential("none", servers.openai.base_url),
        "deepgram": Credential("key-d", servers.deepgram.base_url),
        "elevenlabs": Credential("key-e", servers.elevenlabs.base_url),
    }


@pytest_asyncio.fixture
async def servers() -> AsyncIterator[VendorServers]:
    async with VendorServers() as servers:
        yield servers


@pytest_asyncio.fixture
async def shared() -> AsyncIterator[SharedResources]:
    async with SharedResources() as shared:
        yield shared
