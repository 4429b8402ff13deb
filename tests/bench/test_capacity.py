"""How the bench finds the largest number of calls, and what it counts as clean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.caller import TICKS, Arrivals
from bench.carrying import MOST_WINDOWS, Carried, find_capacity
from bench.window import Window

CLEAN = Window(
    kind="ours",
    calls=8,
    cpu_percent=32.0,
    resident_mb=200.0,
    late_p99_ms=4.0,
    worst_ms=9.0,
    late_percent=0.0,
    glitch_percent=0.0,
    asked=16,
    responses_ms=(600.0,) * 16,
    calling_lag_p99_ms=0.1,
    calling_load_percent=20.0,
    stolen_percent=0.0,
)


async def capacity(clean_up_to: Callable[[int], bool]) -> tuple[int, list[int]]:
    """Search on a bot that carries what it is told to; also return what was tried."""
    tried: list[int] = []

    async def measured(calls: int) -> Window:
        tried.append(calls)
        glitches = 0.0 if clean_up_to(calls) else 5.0
        return replace(
            CLEAN, calls=calls, cpu_percent=3.9 * calls, glitch_percent=glitches
        )

    found = await find_capacity(Carried(windows=[CLEAN]), measured)
    return found, tried


@pytest.mark.asyncio
@pytest.mark.parametrize("limit", [9, 14, 19, 21, 22, 23, 26])
async def test_the_largest_clean_number_is_found_to_one_in_sixteen(limit):
    found, tried = await capacity(lambda calls: calls <= limit)
    assert limit - max(1, limit // 16) < found <= limit
    assert len(tried) <= MOST_WINDOWS


@pytest.mark.asyncio
async def test_one_stall_of_the_machine_does_not_count():
    stalls = iter([False])
    found, _ = await capacity(lambda calls: calls <= 24 and next(stalls, True))
    assert found == 24


def test_a_call_that_is_not_answered_is_not_carried():
    assert CLEAN.is_clean
    assert not replace(CLEAN, responses_ms=()).is_clean
    assert replace(CLEAN, kind="echo", responses_ms=()).is_clean


def arrivals(late: dict[int, float], lost: set[int], count: int = 50) -> Arrivals:
    start = 2**32 - 10 * TICKS  # the clock wraps in the middle
    found = Arrivals()
    for number in range(count):
        if number not in lost:
            found.arrived_s.append(100 + number * 0.02 + late.get(number, 0.0))
            found.timestamps.append((start + number * TICKS) % 2**32)
            found.sequences.append(number)
    return found


def test_lateness_counts_from_the_quickest_packet():
    late_ms = arrivals({20: 0.055}, set()).late_ms()
    assert late_ms.max() == pytest.approx(55)
    assert (late_ms > 1).sum() == 1


def test_packets_that_never_came_are_missing_wherever_they_were():
    assert arrivals({}, set()).missing(1.0) == 0
    assert arrivals({}, {7, 8}).missing(1.0) == 2
    assert arrivals({}, set(range(40, 50))).missing(1.0) == 8  # two may be to come
