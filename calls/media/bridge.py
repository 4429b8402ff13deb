"""Two links joined: what one side says, the other hears, until either is gone.

    caller ──input──▶ pump ──▶ output── person
    caller ◀─output── pump ◀── input─── person

Taps stay with their links, so a recording goes on. Audio that would be late is dropped:
two people who talk notice a delay before they notice a gap of 20 ms.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from calls.media.link import LinkEnd, MediaLink
from calls.media.output import PulledAudioOutput

MAX_BEHIND_MS: Final = 200


async def bridge(one: MediaLink, other: MediaLink) -> tuple[MediaLink, LinkEnd]:
    """Join two connected links; return the one that ended first, and why.

    The other stays open: whoever joined them closes both.
    """
    pumps = [
        asyncio.create_task(_pump(one, other), name="bridge-there"),
        asyncio.create_task(_pump(other, one), name="bridge-back"),
    ]
    ends = {
        asyncio.create_task(one.wait_closed(), name="bridge-end"): one,
        asyncio.create_task(other.wait_closed(), name="bridge-end"): other,
    }
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        first = done.pop()
        return ends[first], first.result()
    finally:
        for task in (*pumps, *ends):
            task.cancel()
        for task in (*pumps, *ends):
            with suppress(asyncio.CancelledError):
                await task


async def _pump(source: MediaLink, sink: MediaLink) -> None:
    output = sink.audio_output
    source.audio_input.on_attached()
    async for frame in source.audio_input:
        if isinstance(output, PulledAudioOutput) and output.buffered_ms > MAX_BEHIND_MS:
            continue
        await output.capture_frame(frame)
