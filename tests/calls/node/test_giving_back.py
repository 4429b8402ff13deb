"""A person who took a call over gives the caller back to the assistant, or is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from calls.media.link import LinkEnd
from calls.models import Call
from calls.node.listening import ListenIn
from calls.queries import has_assistant_left, is_with_a_person
from calls.services.running import CallOrder
from calls.session.events import EndReason
from portal.models import AuditRecord
from portal.scope import all_organizations
from tests.calls.node.held import FULL, HeldCall, cost_of, wallet
from tests.calls.session.conversation import make_spec
from tests.fakes.incoming import FakeIncomingLeg
from tests.fakes.link import FakeLink
from tests.fakes.llm import FakeLLM
from tests.fakes.script import Script, answer, script, user_says
from tests.world import House

BACK = "I am back with you. How can I help you further?"


def held_call(order: CallOrder, *, ends_at_s: float, by_telephone: bool) -> HeldCall:
    """A caller who says a word to the assistant before, to the person, and after."""
    talk = script(
        user_says("A cake please", from_s=3.0, to_s=4.0),
        user_says("Thank you", from_s=ends_at_s - 6, to_s=ends_at_s - 5),
        answers=[answer("For when?"), answer("You are welcome.")],
    )
    spec = make_spec("Hello.")
    if by_telephone:
        leg = FakeIncomingLeg(talk, ends_at_s=ends_at_s)
        return HeldCall(order, talk, spec=spec, incoming=leg)
    link = FakeLink(talk, ends_at_s=ends_at_s)
    return HeldCall(order, talk, spec=spec, link=link)


class Colleague:
    """Somebody whose browser listens; speaks, gives back, or is cut off."""

    def __init__(self, held: HeldCall, speaks: Script | None = None) -> None:
        self.link = FakeLink(speaks or Script())
        self.ear = ListenIn("w", held.live, cast(Any, self.link))
        self.loud_ms: list[int] = []
        self.link.set_taps(caller=None, assistant=self._note)

    def _note(self, pcm: bytes, sample_rate_hz: int, offset_ms: int) -> None:
        if any(pcm):
            self.loud_ms.append(offset_ms)

    async def takes_over(self, house: House) -> None:
        await self.ear.take_over("Dora", str(house.people["dora"].pk))


@asynccontextmanager
async def listening(
    held: HeldCall, speaks: Script | None = None
) -> AsyncIterator[Colleague]:
    """One who listens in, until the page is closed."""
    colleague = Colleague(held, speaks)
    await colleague.link.wait_connected(1)
    hearing = asyncio.create_task(colleague.ear.run())
    await asyncio.sleep(0.1)
    try:
        yield colleague
    finally:
        await colleague.link.aclose()
        await hearing


@asynccontextmanager
async def taken_over(
    held: HeldCall, house: House, *, at_s: float = 8.0, speaks: Script | None = None
) -> AsyncIterator[Colleague]:
    """One who listens in and takes over at a moment."""
    await held.at(at_s)
    async with listening(held, speaks) as colleague:
        await colleague.takes_over(house)
        yield colleague


@pytest.mark.parametrize("by_telephone", [False, True])
def test_the_assistant_goes_on_where_it_stopped(
    order: CallOrder, bakery: House, by_telephone: bool
) -> None:
    held = held_call(order, ends_at_s=40, by_telephone=by_telephone)
    seen: list[Any] = []

    async def work(held: HeldCall) -> None:
        words = script(user_says("Hi there", from_s=3, to_s=5))
        async with taken_over(held, bakery, speaks=words) as colleague:
            await held.at(20.0)
            assert held.live.conversation is not None
            seen.append(held.live.conversation.is_joined)
            colleague.ear.give_back()
            await held.at(30.0)
            seen.extend([held.live.conversation.is_joined, colleague.loud_ms])

    call = held.run(work)
    was_joined, is_joined, heard_by_her = seen
    assert (was_joined, is_joined) == (True, False)
    assert [text for speaker, text in held.turns()] == [
        "Hello.",
        "A cake please",
        "For when?",
        BACK,
        "Thank you",
        "You are welcome.",
    ]
    # The recording has her where the assistant is before and after.
    bucket_ms = call.waveform["bucket_ms"]

    def is_heard(from_ms: int, to_ms: int) -> bool:
        side = call.waveform["assistant"]
        return max(side[from_ms // bucket_ms : to_ms // bucket_ms]) > 0

    assert is_heard(11_300, 12_900)
    assert not is_heard(14_000, 19_500)
    assert is_heard(20_500, 23_000)
    assert any(at_ms > 12_000 for at_ms in heard_by_her)  # the assistant, again
    assert (call.status, call.end_reason) == ("ended", "user_hangup")
    assert call.duration_ms == pytest.approx(40_000, abs=500)
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)
    assert call.usage["tts_characters"] >= len("Hello.For when?" + BACK)


def test_the_model_remembers_and_is_told(order: CallOrder, bakery: House) -> None:
    held = held_call(order, ends_at_s=40, by_telephone=False)

    async def work(held: HeldCall) -> None:
        async with taken_over(held, bakery) as colleague:
            await held.at(20.0)
            colleague.ear.give_back()
            await held.at(38.0)

    held.run(work)
    model = held.studio.made[-1].llm
    assert isinstance(model, FakeLLM)
    told = [
        (item.role, item.text_content or "")
        for item in model.requests[-1].items
        if item.type == "message"
    ]
    assert ("user", "A cake please") in told
    news = [text for role, text in told if "gave" in text or "given" in text]
    assert len(news) == 1
    assert "Dora took this call over" in news[0]
    assert "12 s" in news[0]
    (event,) = held.events("given_back")
    assert event.data == {"who": "Dora", "is_lost": False}
    assert event.at_ms == pytest.approx(20_000, abs=300)
    with all_organizations("test"):
        record = AuditRecord.objects.get(action="call.given_back")
    assert record.actor == bakery.people["dora"]


@pytest.mark.parametrize("end", [LinkEnd.LOST, LinkEnd.REMOTE_HANGUP])
def test_a_browser_that_goes_away_leaves_the_caller_to_the_assistant(
    order: CallOrder, bakery: House, end: LinkEnd
) -> None:
    held = held_call(order, ends_at_s=30, by_telephone=True)

    async def work(held: HeldCall) -> None:
        async with taken_over(held, bakery) as colleague:
            await held.at(12.0)
            colleague.link.hang_up(end)

    call = held.run(work)
    assert call.end_reason == "user_hangup"
    said = [text for _, text in held.turns()]
    assert said[3].startswith("We lost my colleague")
    assert said[-1] == "You are welcome."
    (event,) = held.events("given_back")
    assert event.data["is_lost"]


def test_a_person_who_hangs_up_ends_the_call(order: CallOrder, bakery: House) -> None:
    held = held_call(order, ends_at_s=30, by_telephone=True)

    async def work(held: HeldCall) -> None:
        async with taken_over(held, bakery) as colleague:
            await held.at(12.0)
            await colleague.link.aclose()

    call = held.run(work)
    assert (call.end_reason, held.events("given_back")) == ("taken_over", [])
    assert call.duration_ms == pytest.approx(12_000, abs=500)


def test_it_may_be_taken_and_given_again_and_the_time_limit_is_the_assistants(
    order: CallOrder, bakery: House
) -> None:
    held = held_call(order, ends_at_s=90, by_telephone=False)
    spec = make_spec("Hello.", max_duration_seconds=60)
    held.order = replace(held.order, spec=spec)

    async def work(held: HeldCall) -> None:
        for from_s, to_s in ((8.0, 30.0), (35.0, 50.0)):
            async with taken_over(held, bakery, at_s=from_s) as colleague:
                await held.at(to_s)
                colleague.ear.give_back()
                await held.at(to_s + 1)

    call = held.run(work)
    assert [text for _, text in held.turns()].count(BACK) == 2
    assert call.end_reason == "user_hangup"  # 90 s, of which persons had 37
    assert len(held.events("given_back")) == 2


@pytest.mark.parametrize("at_s", [8.0, 8.05, 8.3, 9.0])
def test_a_caller_may_hang_up_while_given_back(
    order: CallOrder, bakery: House, at_s: float
) -> None:
    held = held_call(order, ends_at_s=at_s, by_telephone=True)

    async def work(held: HeldCall) -> None:
        async with taken_over(held, bakery, at_s=7.0) as colleague:
            await held.at(8.0)
            colleague.ear.give_back()
            await held.at(10.0)

    call = held.run(work)
    assert call.end_reason in ("user_hangup", "taken_over")
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_given_back_before_the_assistant_has_left_it_stays(
    order: CallOrder, bakery: House
) -> None:
    held = held_call(order, ends_at_s=30, by_telephone=False)

    async def work(held: HeldCall) -> None:
        async with taken_over(held, bakery) as colleague:
            colleague.ear.give_back()
            await held.at(20.0)

    call = held.run(work)
    assert call.end_reason == "user_hangup"
    assert held.turns()[-1] == ("assistant", "You are welcome.")


def test_a_call_can_be_stopped_as_the_assistant_comes_back(
    order: CallOrder, bakery: House
) -> None:
    held = held_call(order, ends_at_s=60, by_telephone=True)

    async def work(held: HeldCall) -> None:
        async with taken_over(held, bakery) as colleague:
            await held.at(12.0)
            colleague.ear.give_back()
            await held.at(12.0)
            await held.live.stop(EndReason.OPERATOR_HANGUP)

    call = held.run(work)
    assert call.end_reason in ("operator_hangup", "taken_over")
    assert call.duration_ms < 16_000


@pytest.mark.parametrize(
    ("kinds", "transfers", "has_left"),
    [
        ([], [], False),
        (["taken_over"], [], True),
        (["given_back", "taken_over"], [], False),  # as clocks that differ order them
        (["taken_over", "given_back", "taken_over"], [], True),
        ([], ["failed"], False),
        (["taken_over", "given_back"], ["failed", "bridged"], True),
    ],
)
def test_one_rule_says_who_has_the_caller(
    bakery: House, kinds: list[str], transfers: list[str], has_left: bool
) -> None:
    assert has_assistant_left(kinds, transfers) is has_left


def test_the_rule_reads_the_rows(order: CallOrder, bakery: House) -> None:
    with all_organizations("test"):
        call = Call.objects.get(pk=order.call_id)
        assert not is_with_a_person(call)
