"""A caller is handed on by the model or by a person, after the words that announce it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calls.session.events import EndReason, ToolCalled, TransferAsked
from calls.session.patience import Patience
from calls.session.ports import TransferFailed
from calls.session.tools import NO_SUCH_DESTINATION
from calls.session.voice_session import NO_TRANSFER
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import Script, ToolUse, answer, script, user_says
from tests.virtual_time import virtual_time

DESK, SALES = "+31201234567", "sip:sales@example.com"
TOOL = {
    "type": "transfer_call",
    "destinations": [
        {"number": DESK, "description": "the front desk", "message": "Hold on."},
        {"number": SALES, "description": "sales"},
    ],
}


class FakeTransfer:
    """Hands over after a while, or refuses."""

    def __init__(self, *, takes_s: float = 1.0, refusal: str = "") -> None:
        self.takes_s, self.refusal = takes_s, refusal
        self.asked: list[tuple[str, str | None]] = []

    async def transfer(self, destination: str, message: str | None) -> None:
        self.asked.append((destination, message))
        await asyncio.sleep(self.takes_s)
        if self.refusal:
            raise TransferFailed(self.refusal)


def asks_for(destination: str) -> Script:
    return script(
        user_says("The front desk, please.", from_s=1.0, to_s=2.0),
        answers=[
            answer(
                "I will connect you.",
                calls=(
                    ToolUse("transfer_call", f'{{"destination": "{destination}"}}'),
                ),
            ),
            answer("I am sorry, they do not answer."),
        ],
    )


def call_of(talk: Script, transfer: Any, **options: Any) -> Conversation:
    return Conversation(talk, make_spec(tools=(TOOL,)), transfer=transfer, **options)


@virtual_time
async def test_model_hands_the_caller_on_after_it_has_said_so():
    desk = FakeTransfer()
    call = call_of(asks_for(DESK), desk)
    ended = await call.run(hangs_up_s=30)
    assert desk.asked == [(DESK, "Hold on.")]
    assert [text for _, text in call.said] == [
        "The front desk, please.",
        "I will connect you.",
        "Hold on.",
    ]
    [asked] = call.of(TransferAsked)
    assert (asked.destination, asked.message) == (DESK, "Hold on.")
    assert ended.reason is EndReason.TRANSFERRED
    [used] = call.of(ToolCalled)
    assert not used.is_error


@virtual_time
async def test_failed_transfer_leaves_the_caller_with_the_assistant():
    call = call_of(asks_for(SALES), FakeTransfer(refusal="They are busy."))
    ended = await call.run(hangs_up_s=15)
    assert call.said[-1] == ("assistant", "I am sorry, they do not answer.")
    [used] = call.of(ToolCalled)
    assert (used.result, used.is_error) == ("They are busy.", True)
    assert ended.reason is EndReason.USER_HANGUP


@virtual_time
async def test_transfer_that_nobody_answers_is_given_up():
    call = call_of(
        asks_for(SALES), FakeTransfer(takes_s=1_000), patience=Patience(transfer_s=5)
    )
    await call.run(hangs_up_s=20)
    [used] = call.of(ToolCalled)
    assert (used.result, used.is_error) == ("Nobody took the call in time.", True)
    assert call.said[-1] == ("assistant", "I am sorry, they do not answer.")


@virtual_time
async def test_destination_that_is_not_listed_is_not_dialled():
    desk = FakeTransfer()
    call = call_of(asks_for("+31900123456"), desk)
    await call.run(hangs_up_s=15)
    assert desk.asked == []
    [used] = call.of(ToolCalled)
    assert (used.result, used.is_error) == (NO_SUCH_DESTINATION, True)


@virtual_time
async def test_call_that_cannot_be_transferred_says_so_to_the_model():
    call = call_of(asks_for(DESK), None)
    await call.run(hangs_up_s=15)
    [used] = call.of(ToolCalled)
    assert (used.result, used.is_error) == (NO_TRANSFER, True)
    assert call.of(TransferAsked) == []


@virtual_time
async def test_person_hands_the_caller_on():
    desk = FakeTransfer()
    call = call_of(script(), desk)
    running = call.start()
    await call.at(2.0)
    await call.session.transfer(DESK, "I connect you now.")
    ended = await running
    assert desk.asked == [(DESK, "I connect you now.")]
    assert call.said == [("assistant", "I connect you now.")]
    assert ended.reason is EndReason.TRANSFERRED
    with pytest.raises(TransferFailed):
        await call.session.transfer(DESK)
