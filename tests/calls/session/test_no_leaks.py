"""Sessions come and go; tasks, timers and memory return without a full collection."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from calls.session.events import EndReason
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import Voice, answer, script, user_says
from tests.virtual_time import run_virtually, virtual_time


def busy() -> Conversation:
    """A call with everything in it: opening, turn, barge-in, goodbye."""
    talk = script(
        user_says("Tell me a story", from_s=2.0, to_s=3.0),
        user_says("no stop it", from_s=5.0, to_s=6.0),
        answers=[answer("one two three four five six seven eight"), answer("Fine.")],
        voice=Voice(word_s=0.5),
    )
    return Conversation(talk, make_spec("Hello."))


@pytest.mark.slow
@virtual_time
async def test_tasks_return_to_the_baseline():
    baseline = asyncio.all_tasks()
    calls = [busy() for _ in range(5)]
    endings = await asyncio.gather(*(call.run(hangs_up_s=8) for call in calls))
    assert {ended.reason for ended in endings} == {EndReason.USER_HANGUP}
    assert asyncio.all_tasks() == baseline


@virtual_time
async def test_no_timer_outlives_a_call():
    call = busy()
    await call.run(hangs_up_s=8)
    loop = asyncio.get_running_loop()
    live = [t for t in loop._scheduled if not t.cancelled()]
    assert live == []


@pytest.mark.slow
def test_a_session_is_freed_without_the_collector():
    freed: list[bool] = []

    async def scenario() -> None:
        call = busy()
        running = call.start()
        await call.at(1.0)
        pipeline = call.session._pipeline
        assert pipeline is not None
        watched = [
            weakref.ref(thing)
            for thing in (
                pipeline,
                pipeline._session,
                pipeline._agent,
                pipeline._heard,
                call.vendors.llm,
                call.link,
            )
        ]
        del pipeline
        await call.at(8.0)
        call.link.hang_up()
        await running
        del call, running
        await asyncio.sleep(1)
        freed.extend(reference() is None for reference in watched)

    gc.collect()
    gc.disable()
    try:
        run_virtually(scenario())
    finally:
        gc.enable()
    assert freed == [True] * 6


@pytest.mark.slow
def test_memory_of_forty_calls_is_that_of_four():
    async def hold(calls: int) -> int:
        for _ in range(calls):
            await busy().run(hangs_up_s=8)
        await asyncio.sleep(10)
        return len(gc.get_objects())

    async def scenario() -> tuple[int, int]:
        return await hold(4), await hold(40)

    gc.collect()
    gc.disable()
    try:
        few, many = run_virtually(scenario())
    finally:
        gc.enable()
    # what the library's recursive closures and cancelled tasks leave to the collector:
    # 76 kB a call, and none of its audio
    assert many - few < 40 * 600
