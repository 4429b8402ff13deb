"""Events reach the sink in order, and a slow sink costs captions only."""

from __future__ import annotations

import asyncio

from calls.session.events import (
    Caption,
    EndReason,
    SessionEnded,
    SessionEvent,
    Speaker,
    TurnSpoken,
)
from calls.session.outbox import MAX_WAITING_CAPTIONS, Outbox
from tests.virtual_time import virtual_time

ENDED = SessionEnded(EndReason.USER_HANGUP, at_ms=0)


def caption(number: int) -> Caption:
    return Caption(Speaker.USER, str(number), is_final=False, at_ms=number)


def turn(number: int) -> TurnSpoken:
    return TurnSpoken(Speaker.USER, str(number), started_ms=0, ended_ms=number)


@virtual_time
async def test_events_arrive_in_order():
    told: list[SessionEvent] = []

    async def sink(event: SessionEvent) -> None:
        await asyncio.sleep(0.01)
        told.append(event)

    outbox = Outbox(sink, timeout_s=5)
    events: list[SessionEvent] = [turn(1), caption(2), turn(3)]
    for event in events:
        outbox.put(event)
    await outbox.aclose(last=ENDED)
    assert told == [*events, ENDED]


@virtual_time
async def test_slow_sink_loses_captions_and_no_turn():
    told: list[SessionEvent] = []

    async def sink(event: SessionEvent) -> None:
        await asyncio.sleep(0.01)
        told.append(event)

    outbox = Outbox(sink, timeout_s=5)
    for number in range(100):
        outbox.put(caption(number))
    for number in range(20):
        outbox.put(turn(number))
    await outbox.aclose(last=ENDED)
    captions = [event for event in told if isinstance(event, Caption)]
    turns = [event for event in told if isinstance(event, TurnSpoken)]
    assert len(captions) == MAX_WAITING_CAPTIONS
    assert turns == [turn(number) for number in range(20)]


@virtual_time
async def test_the_end_is_tried_once_even_when_the_rest_is_stuck():
    tried: list[SessionEvent] = []

    async def sink(event: SessionEvent) -> None:
        tried.append(event)
        await asyncio.Event().wait()

    outbox = Outbox(sink, timeout_s=1)
    for number in range(10):
        outbox.put(turn(number))
    await outbox.aclose(last=ENDED)
    assert tried.count(ENDED) == 1
    # latency: two time limits at most
    assert asyncio.get_running_loop().time() <= 2.0


@virtual_time
async def test_nothing_is_told_after_the_end():
    told: list[SessionEvent] = []

    async def sink(event: SessionEvent) -> None:
        told.append(event)

    outbox = Outbox(sink, timeout_s=1)
    await outbox.aclose(last=ENDED)
    outbox.put(turn(1))
    await asyncio.sleep(1)
    assert told == [ENDED]
