"""Words said on a link outside a conversation: announcements, questions, briefings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from livekit.agents import tts

from calls.media.link import MediaLink
from calls.session.release import in_time
from common.edges import contained

logger = logging.getLogger(__name__)

FIRST_SOUND_S: Final = 6.0
SLOW_SPEECH: Final = 8  # characters a second
_CLOSE_S: Final = 3.0


async def announce(link: MediaLink, voices: Sequence[tts.TTS[Any]], text: str) -> bool:
    """Say `text` with the first voice that can; return whether it was heard whole.

    Ends early when the link does. Cancelling it cuts the words short.
    """
    closed = asyncio.ensure_future(link.wait_closed())
    try:
        for voice in voices:
            speaking = asyncio.create_task(_speak(link, voice, text))
            try:
                await asyncio.wait(
                    {speaking, closed},
                    timeout=FIRST_SOUND_S + len(text) / SLOW_SPEECH,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if closed.done() or not speaking.done():
                    return False
                # Each vendor has its own kinds; the next voice is tried.
                with contained(
                    logger, "announcement not spoken", level=logging.WARNING
                ):
                    speaking.result()
                    return True
            finally:
                if not speaking.done():
                    link.audio_output.clear_buffer()
                    speaking.cancel()
                    await asyncio.gather(speaking, return_exceptions=True)
        return False
    finally:
        closed.cancel()


async def _speak(link: MediaLink, voice: tts.TTS[Any], text: str) -> None:
    output = link.audio_output
    stream = voice.synthesize(text)
    try:
        async for piece in stream:
            await output.capture_frame(piece.frame)
    finally:
        output.flush()
        await in_time("announcement", stream.aclose(), _CLOSE_S)
    await output.wait_for_playout()
