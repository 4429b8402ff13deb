"""Trying an assistant in writing: a call like any other, that costs what its model costs."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.models import Assistant
from assistants.services import save_draft
from calls.models import Call, Turn
from calls.node import database
from calls.services.own_settings import spec_of
from calls.services.web import start_text_chat
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FULL, wallet
from tests.calls.node.serving import Page, row, serving, until
from tests.fakes.script import answer, script
from tests.world import House, desk_spec

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


async def start_chat(house: House) -> Call:
    def start() -> Call:
        with organization_scope(house.organization):
            return start_text_chat(
                organization=house.organization,
                assistant=Assistant.objects.get(pk=house.assistant.pk),
                actor=None,
            ).call

    return await database.ask(start)


def turns_of(call: Call) -> list[tuple[str, str]]:
    with all_organizations("test"):
        rows = Turn.objects.filter(call=call).order_by("started_ms")
        return [(str(turn.speaker), turn.text) for turn in rows]


async def test_a_chat_is_a_test_call_that_costs_nothing(bakery: House) -> None:
    async with serving(script=script(answers=[answer("From nine.")])):
        call = await start_chat(bakery)
        async with Page(call) as page:
            await page.tell("begin")
            await page.hears("turn")  # the first message
            await page.tell("text", text="When are you open?")

            async def is_answered() -> bool:
                return len(page.of("turn")) == 3

            await until(is_answered)
            await page.tell("begin")  # the socket came back: nothing begins anew
            await page.tell("hangup")
            await page.hears("ended")
    ended = await row(call.pk)
    assert (ended.status, ended.carrier, ended.is_test) == ("ended", "text", True)
    assert ended.recording == ""
    assert ended.usage["tts_characters"] == 0
    assert await database.ask(lambda: turns_of(call)) == [
        ("assistant", "Hello, how can I help you?"),
        ("user", "When are you open?"),
        ("assistant", "From nine."),
    ]
    assert await database.ask(lambda: wallet(bakery)) == FULL
    assert ended.cost_microcredits == 0


async def test_a_chat_tries_the_draft(bakery: House) -> None:
    def draft() -> None:
        with organization_scope(bakery.organization):
            save_draft(
                assistant=Assistant.objects.get(pk=bakery.assistant.pk),
                spec=desk_spec(first_message="Draft words"),
                actor=None,
            )

    await database.ask(draft)
    async with serving():
        call = await start_chat(bakery)
        async with Page(call) as page:
            await page.tell("begin")
            turn: dict[str, Any] = await page.hears("turn")
            await page.tell("hangup")
            await page.hears("ended")
    assert turn["text"] == "Draft words"
    assert spec_of(await row(call.pk)).first_message == "Draft words"
