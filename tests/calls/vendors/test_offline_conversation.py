"""A whole call with nothing but offline vendors: real speech in, real speech out."""

from __future__ import annotations

import asyncio

import pytest

from calls.media.link import FRAME_MS
from calls.session.events import EndReason, SessionEvent, Speaker, TurnSpoken
from calls.session.voice_session import VoiceSession
from calls.vendors.registry import build_vendors
from tests.calls.vendors.conftest import OFFLINE, make_spec
from tests.calls.vendors.speech import needs_flite, silence, spoken
from tests.fakes.link import FakeLink
from tests.fakes.script import Script

RULES = """
When the caller says "what are your opening hours", say "From nine to five."
When the caller says "goodbye", say "Goodbye, {{caller_name}}." and end the call.
"""
FRAME_BYTES = FRAME_MS * 32


class SpeakingLink(FakeLink):
    """A caller who waits until the assistant is quiet and then says the next thing."""

    def __init__(self, *phrases: str) -> None:
        super().__init__(Script())
        self.phrases = list(phrases)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        speech, quiet_ms, number = b"", 0, 0
        while True:
            number += 1
            quiet_ms = 0 if self._output.pull() is not None else quiet_ms + FRAME_MS
            if self.heard_anything and quiet_ms > 600 and not speech and self.phrases:
                speech = spoken(self.phrases.pop(0)) + silence(1_500)
                self.heard_anything = False
            self.heard_anything = self.heard_anything or quiet_ms == 0
            frame, speech = speech[:FRAME_BYTES], speech[FRAME_BYTES:]
            self._input.push(frame.ljust(FRAME_BYTES, b"\0"))
            due_s = self.connected_s + number * FRAME_MS / 1000
            await asyncio.sleep(due_s - loop.time())

    heard_anything = False


@needs_flite
@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_caller_asks_by_voice_and_is_answered_until_goodbye(shared):
    await shared.decoders.warm()
    message = {"role": "system", "content": RULES}
    llm = OFFLINE["llm_config"] | {
        "messages": [message],
        "tools": [{"type": "end_call"}],
    }
    spec = make_spec(**(OFFLINE | {"llm_config": llm})).model_copy(
        update={"first_message": "Welcome to Acme."}
    )
    events: list[SessionEvent] = []

    async def sink(event: SessionEvent) -> None:
        events.append(event)

    link = SpeakingLink(
        "what are your opening hours", "my name is peter johnson", "goodbye"
    )
    session = VoiceSession(spec, link, build_vendors(spec, {}, shared), sink)
    async with asyncio.timeout(60):
        ended = await session.run()
    turns = [(e.speaker, e.text) for e in events if isinstance(e, TurnSpoken)]
    assert turns == [
        (Speaker.ASSISTANT, "Welcome to Acme."),
        (Speaker.USER, "what are your opening hours"),
        (Speaker.ASSISTANT, "From nine to five."),
        (Speaker.USER, "my name is peter johnson"),
        (Speaker.ASSISTANT, "Nice to meet you, Peter Johnson. How can I help you?"),
        (Speaker.USER, "goodbye"),
        (Speaker.ASSISTANT, "Goodbye, Peter Johnson."),
    ]
    assert ended.reason == EndReason.ASSISTANT_HANGUP
    assert ended.usage.tts_characters > 0
