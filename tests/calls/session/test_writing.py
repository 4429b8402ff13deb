"""A conversation in writing, held by the session of every call."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from assistants.spec import AssistantSpec
from calls.media.text_link import TextLink
from calls.session.events import Caption, EndReason, SessionEnded, Speaker, ToolCalled
from calls.vendors.offline.mute import DeafSTT, MuteTTS
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import answer, script
from tests.virtual_time import virtual_time


class Chat:
    """A session over a `TextLink` with a scripted model."""

    def __init__(
        self, *answers: Any, spec: AssistantSpec | None = None, **options: Any
    ) -> None:
        self.link = TextLink(**options)
        self.call = Conversation(script(answers=list(answers)), spec, link=self.link)  # type: ignore[arg-type]  # a link is a link
        self.call.vendors.stt = DeafSTT()  # type: ignore[assignment]
        self.call.vendors.tts = MuteTTS()  # type: ignore[assignment]
        self.running = self.call.start()

    async def write(self, text: str, *, wait_s: float = 3.0) -> None:
        self.link.touch()
        await self.call.session.hear(text)
        await asyncio.sleep(wait_s)

    async def end(self) -> SessionEnded:
        await self.call.session.end(EndReason.USER_HANGUP)
        return await self.running


@virtual_time
async def test_what_is_written_is_answered() -> None:
    chat = Chat(answer("From nine to five."), spec=make_spec("Hello there."))
    await asyncio.sleep(2)
    await chat.write("When are you open?")
    ended = await chat.end()
    assert chat.call.said == [
        ("assistant", "Hello there."),
        ("user", "When are you open?"),
        ("assistant", "From nine to five."),
    ]
    user = chat.call.turns(Speaker.USER)[0]
    assert user.started_ms == pytest.approx(2_000, abs=50)
    assert ended.reason is EndReason.USER_HANGUP
    assert chat.call.troubles == []


@virtual_time
async def test_the_answer_appears_as_it_is_made() -> None:
    chat = Chat(answer("one two three four five six seven eight nine ten " * 20))
    await asyncio.sleep(1)
    await chat.write("Count.", wait_s=8)
    captions = [c.text for c in chat.call.captions(Speaker.ASSISTANT)]
    await chat.end()
    assert len(captions) > 3
    assert all(
        later.startswith(earlier.strip()) for earlier, later in pairwise(captions)
    )
    [own] = [c for c in chat.call.of(Caption) if c.speaker is Speaker.USER]
    assert (own.text, own.is_final) == ("Count.", True)


@virtual_time
async def test_what_is_written_before_the_beginning_is_kept() -> None:
    chat = Chat(answer("Yes."))
    await chat.write("Are you there?")
    await chat.end()
    assert chat.call.said == [("user", "Are you there?"), ("assistant", "Yes.")]


@virtual_time
async def test_an_assistant_may_end_it_with_its_tool() -> None:
    chat = Chat(
        answer("Goodbye.", calls="end_call"),
        spec=make_spec(tools=({"type": "end_call"},)),
    )
    await asyncio.sleep(1)
    await chat.write("Bye.", wait_s=0)
    ended = await asyncio.wait_for(chat.running, 30)
    assert ended.reason is EndReason.ASSISTANT_HANGUP
    assert [tool.name for tool in chat.call.of(ToolCalled)] == ["end_call"]


@virtual_time
async def test_who_writes_no_more_is_gone_after_a_while() -> None:
    chat = Chat(spec=make_spec(), idle_limit_s=30)
    await asyncio.sleep(20)
    chat.link.touch()
    await asyncio.sleep(20)
    assert not chat.running.done()
    ended = await asyncio.wait_for(chat.running, 30)
    assert ended.reason is EndReason.USER_HANGUP
