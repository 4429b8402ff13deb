"""What the proofs of a vendor's wire share: make it, feed it, and judge its refusals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit.agents import APIConnectOptions, APIError, stt

from calls.vendors.errors import ProviderError
from calls.vendors.offline.stt import frame_of
from calls.vendors.registry import (
    Credential,
    SharedResources,
    VendorSet,
    build_vendors,
    prepare_vendors,
)
from tests.calls.vendors.conftest import OFFLINE, make_spec
from tests.fakes.openai_server import tone

ONE_TRY = APIConnectOptions(max_retry=0, timeout=3)
SENTENCE = "It is nine."
KEY = "the-key-of-acme"
Kind = stt.SpeechEventType


async def made(
    shared: SharedResources, key: str, url: str, secret: str = KEY, **parts: Any
) -> VendorSet:
    """The offline assistant with one stage at a vendor whose address is `url`."""
    spec = make_spec(**OFFLINE | parts)
    keys = {key: Credential(secret, url)}
    await prepare_vendors(spec, keys, shared)
    return build_vendors(spec, keys, shared)


async def heard(vendors: VendorSet, *, flushed: bool = False) -> list[tuple[str, str]]:
    """The kinds and words a stream gives for half a second of sound, then silence."""
    assert vendors.stt is not None
    events: list[tuple[str, str]] = []
    async with vendors.stt.stream(conn_options=ONE_TRY) as stream:
        pcm = tone(500, 16_000) + bytes(32_000)
        for at in range(0, len(pcm), 640):
            stream.push_frame(frame_of(pcm[at : at + 640]))
        if flushed:
            stream.flush()
        async with asyncio.timeout(10):
            async for event in stream:
                if event.alternatives:
                    events.append((event.type.value, event.alternatives[0].text))
                if event.type == Kind.FINAL_TRANSCRIPT:
                    return events
    raise AssertionError("the stream ended")


async def spoken(vendors: VendorSet) -> float:
    """Seconds of speech for a sentence, through the vendor's streaming if any."""
    assert vendors.tts is not None
    if not vendors.tts.capabilities.streaming:
        async with vendors.tts.synthesize(SENTENCE, conn_options=ONE_TRY) as whole:
            return sum([event.frame.duration async for event in whole])
    async with vendors.tts.stream(conn_options=ONE_TRY) as stream:
        stream.push_text(SENTENCE)
        stream.end_input()
        return sum([event.frame.duration async for event in stream])


async def refused(vendors: VendorSet, stage: str) -> ProviderError:
    """How the failure of a stage is judged; no key is in anything that is told."""
    ask = {"stt": heard, "tts": spoken}[stage]
    with pytest.raises(APIError) as caught:
        await ask(vendors)
    found = vendors.trouble(stage, caught.value)
    assert KEY not in f"{found.message}{found.reason}"
    return found
