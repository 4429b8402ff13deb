"""A person who talks with the caller in the assistant's place, until somebody leaves.

    caller ◀──── bridge ────▶ person      until
                                │ the caller hangs up, or the person does: over
                                │ they give the caller back ─────────▶ the assistant
                                ╰ their connection breaks ───────────▶ the assistant

Somebody dialled by a transfer gives nobody back: when they hang up, the call is over.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from calls.media.bridge import bridge
from calls.media.link import LinkEnd, MediaLink
from calls.media.output import PulledAudioOutput
from calls.node.passing_keys import passing_keys


class Parting(StrEnum):
    """How a person and the caller left each other."""

    OVER = "over"
    GIVEN_BACK = "given_back"
    LOST = "lost"


@dataclass
class Person:
    """Whoever has the caller; `returns` where the assistant may have them again."""

    link: MediaLink
    returns: bool = False
    who: str = ""
    user_id: str = ""
    has_given_back: asyncio.Event = field(default_factory=asyncio.Event)


async def talk(caller: MediaLink, person: Person) -> Parting:
    """Join the two; return how they parted. Both links stay as they are then."""
    caller.audio_output.resume()  # a barge-in may have made it wait for the assistant
    async with passing_keys(caller, person.link):
        joined = asyncio.create_task(bridge(caller, person.link), name="joined")
        back = asyncio.create_task(person.has_given_back.wait(), name="given back")
        try:
            await asyncio.wait({joined, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (joined, back):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
    _hush(caller)
    if joined.cancelled():
        return Parting.GIVEN_BACK
    left, end = joined.result()
    if not person.returns or left is caller or end is LinkEnd.LOCAL_CLOSE:
        return Parting.OVER
    return Parting.LOST


def _hush(link: MediaLink) -> None:
    """Let nothing of what the person said be heard after they have left."""
    output = link.audio_output
    if isinstance(output, PulledAudioOutput):
        output.flush()
        output.clear_buffer()
