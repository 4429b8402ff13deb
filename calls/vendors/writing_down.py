"""Writing pieces of recorded speech down, outside of any call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from livekit import rtc
from livekit.agents import APIConnectOptions, APIError

from assistants.spec import AssistantSpec
from assistants.vendor_shapes import STTChoice
from calls.vendors.errors import Owner, provider_error
from calls.vendors.order import Credentials
from calls.vendors.registry import build_ears
from calls.vendors.shared import SharedResources

RATE_HZ: Final = 16_000
LIMIT_S: Final = 200.0
AT_ONCE: Final = 8
_OPTIONS: Final = APIConnectOptions(max_retry=2, retry_interval=1.0, timeout=20.0)


@dataclass(frozen=True)
class WrittenDown:
    """The words of each piece, and with whose key they were had."""

    texts: tuple[str, ...]
    owner: Owner


async def write_down(
    *,
    spec: AssistantSpec,
    choice: STTChoice,
    credentials: Credentials,
    pieces: Sequence[bytes],
    limit_s: float = LIMIT_S,
) -> WrittenDown:
    """Recognise pieces of s16 mono at 16 kHz, each by itself.

    Raises `ProviderError` within `limit_s`, and then for all of them.
    """
    async with SharedResources() as shared:
        ears, owner = await build_ears(spec, choice, credentials, shared)
        places = asyncio.Semaphore(AT_ONCE)

        async def text_of(pcm: bytes) -> str:
            async with places:
                event = await ears.recognize([_frame(pcm)], conn_options=_OPTIONS)
            return event.alternatives[0].text.strip() if event.alternatives else ""

        try:
            async with asyncio.timeout(limit_s):
                texts = await _all([text_of(pcm) for pcm in pieces])
        except (APIError, TimeoutError) as error:
            raise provider_error(
                error, stage="stt", provider=choice.provider, owner=owner
            ) from error
        finally:
            await ears.aclose()
    return WrittenDown(tuple(texts), owner)


async def _all(works: Sequence[Any]) -> list[str]:
    """The results in order; the first failure stops the others."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _frame(pcm: bytes) -> rtc.AudioFrame:
    return rtc.AudioFrame(pcm, RATE_HZ, 1, len(pcm) // 2)
