"""Functions the model calls are run by whoever runs them, and told of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from assistants.tool_shapes import FunctionTool
from calls.session.events import ToolCalled
from calls.session.patience import Patience
from calls.session.ports import ToolFailed
from calls.session.tools import ACCEPTED, CALL_ENDED, TOO_SLOW
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import ToolUse, answer, script, user_says
from tests.virtual_time import virtual_time


class FakeRunner:
    """Answers after a while, or fails."""

    def __init__(self, result: str = "sunny", *, takes_s: float = 0.5) -> None:
        self.result, self.takes_s = result, takes_s
        self.ran: list[tuple[str, dict[str, Any]]] = []
        self.fails = False

    async def run(
        self, tool: FunctionTool, arguments: dict[str, Any], *, use_id: str
    ) -> str:
        self.ran.append((tool.function.name, arguments))
        await asyncio.sleep(self.takes_s)
        if self.fails:
            raise ToolFailed(self.result)
        return self.result


def weather(**options: Any) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
            },
        },
        "server": {"url": "https://example.com/weather"},
    } | options


def asks_for_weather(runner: FakeRunner | None, **options: Any) -> Conversation:
    talk = script(
        user_says("How is the weather?", from_s=1.0, to_s=2.0),
        answers=[
            answer(calls=(ToolUse("weather", '{"city": "Utrecht"}'),), after_s=0.3),
            answer("It is sunny.", after_s=0.3),
        ],
    )
    spec = make_spec(tools=(weather(**options),))
    return Conversation(talk, spec, tool_runner=runner)


def told_to_model(call: Conversation) -> list[str]:
    return [
        item.output
        for item in call.vendors.llm.requests[-1].items
        if item.type == "function_call_output"
    ]


@virtual_time
async def test_result_of_a_function_reaches_the_model_and_the_caller():
    runner = FakeRunner()
    call = asks_for_weather(runner)
    await call.run(hangs_up_s=6)
    assert runner.ran == [("weather", {"city": "Utrecht"})]
    assert told_to_model(call) == ["sunny"]
    assert call.said[-1] == ("assistant", "It is sunny.")
    [used] = call.of(ToolCalled)
    assert (used.name, used.arguments) == ("weather", {"city": "Utrecht"})
    assert (used.result, used.is_error) == ("sunny", False)
    assert used.ended_ms - used.started_ms == 500
    # latency: model twice (0.1 of the first is hidden by the silence), function, voice
    timing = call.turns()[-1].timing
    assert timing is not None
    assert timing.response_ms == pytest.approx(400 + 500 + 300 + 100, abs=60)


@virtual_time
async def test_failure_of_a_function_is_told_to_the_model():
    runner = FakeRunner("the city is unknown")
    runner.fails = True
    call = asks_for_weather(runner)
    await call.run(hangs_up_s=6)
    assert told_to_model(call) == ["the city is unknown"]
    [used] = call.of(ToolCalled)
    assert used.is_error


@virtual_time
async def test_function_that_hangs_is_stopped():
    call = asks_for_weather(FakeRunner(takes_s=1_000))
    call.session._patience = Patience(tool_s=3)
    await call.run(hangs_up_s=9)
    assert told_to_model(call) == [TOO_SLOW]
    [used] = call.of(ToolCalled)
    # latency: 3 s, the limit
    assert used.ended_ms - used.started_ms == 3_000


@virtual_time
async def test_caller_hears_a_message_while_a_function_runs():
    call = asks_for_weather(FakeRunner(takes_s=3), message="One moment please.")
    await call.run(hangs_up_s=9)
    assert [text for _, text in call.said] == [
        "How is the weather?",
        "One moment please.",
        "It is sunny.",
    ]


@virtual_time
async def test_async_function_does_not_keep_the_caller_waiting():
    call = asks_for_weather(FakeRunner(takes_s=5), **{"async": True})
    await call.run(hangs_up_s=9)
    assert told_to_model(call) == [ACCEPTED]
    [used] = call.of(ToolCalled)
    assert used.ended_ms - used.started_ms == 5_000
    timing = call.turns()[-1].timing
    assert timing is not None
    assert timing.response_ms < 1_000


@virtual_time
async def test_functions_are_not_offered_without_a_runner():
    call = asks_for_weather(None)
    await call.run(hangs_up_s=6)
    assert call.vendors.llm.offered_tools == []


@virtual_time
async def test_hanging_up_stops_the_function_the_call_waits_for():
    call = asks_for_weather(FakeRunner(takes_s=15))
    baseline = asyncio.all_tasks()
    await call.run(hangs_up_s=4)
    [used] = call.of(ToolCalled)
    assert (used.result, used.is_error) == (CALL_ENDED, True)
    # latency: released at once, not when the function would have been done
    assert call.link.now_s < 4.1
    assert asyncio.all_tasks() == baseline


@virtual_time
async def test_async_function_may_finish_after_the_caller_hung_up():
    call = asks_for_weather(FakeRunner(takes_s=4), **{"async": True})
    await call.run(hangs_up_s=5)
    [used] = call.of(ToolCalled)
    assert (used.result, used.is_error) == ("sunny", False)


@virtual_time
async def test_async_function_that_hangs_is_given_up_with_the_call():
    call = asks_for_weather(FakeRunner(takes_s=1_000), **{"async": True})
    call.session._patience = Patience(tool_s=500)
    baseline = asyncio.all_tasks()
    ended = await call.run(hangs_up_s=5)
    assert ended.at_ms == 5_000
    assert call.link.now_s < 5 + 5.1
    assert asyncio.all_tasks() == baseline
