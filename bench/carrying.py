"""How many calls one core carries, and what each of them costs.

A round measures ours, the echo and the peer one after the other, each in a fresh
process: first at fixed numbers of calls, where the CPU a call takes is steady to a few
percent, then by adding and taking away calls until the largest number that is carried
cleanly is known. Rounds interleave, so that a slow minute of the machine hits all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.caller import Crowd
from bench.figures import (
    Figure,
    all_met,
    at_least,
    at_most,
    median,
    percentile,
    ratio,
    spread,
)
from bench.machine import Cores
from bench.processes import ECHO, OURS, PEER, VENDORS_MS, Bot, bot
from bench.window import Window, measure
from calls.media.caller.utterance import Utterance

PEER_NAME = "pipecat 1.14, SmallWebRTC, as it comes"
LIMIT_NAME = "aiortc echo, audio level by numpy"
FEWEST = 2  # to tell the memory of a call from that of a process
FULL_PERCENT = 92.0  # of the core, at which the first guess of the capacity is
MOST_WINDOWS = 10
LARGE = 64
SILENCE_MS = 400  # ends a turn, in ours and in the peer


@dataclass(frozen=True)
class Plan:
    """How much time to spend."""

    rounds: int
    searches: int  # rounds that also look for the capacity
    fixed: tuple[int, ...]
    fixed_s: float
    search_s: float


FULL = Plan(rounds=3, searches=2, fixed=(4, 8), fixed_s=12, search_s=10)
QUICK = Plan(rounds=1, searches=0, fixed=(2, 4), fixed_s=7, search_s=0)


@dataclass
class Carried:
    """What one process was seen to carry."""

    windows: list[Window] = field(default_factory=list)
    capacity: int | None = None
    timings: list[dict[str, int]] = field(default_factory=list)

    def at(self, calls: int) -> Window | None:
        return next((w for w in self.windows if w.calls == calls), None)


Round = dict[str, Carried]


async def measure_rounds(
    plan: Plan,
    cores: Cores,
    vendor_urls: list[str],
    peer: Path | None,
    utterance: Utterance,
) -> list[Round]:
    """Measure everything, in another order each round."""
    kinds = [OURS, ECHO, *([PEER] if peer else [])]
    rounds: list[Round] = []
    for number in range(plan.rounds):
        found: Round = {}
        is_search = number < plan.searches
        for kind in kinds[number % len(kinds) :] + kinds[: number % len(kinds)]:
            with bot(kind, cores, vendor_urls, peer) as running:
                crowd = Crowd(running.url, utterance)
                try:
                    found[kind] = await _carry(plan, running, crowd, cores, is_search)
                finally:
                    await crowd.aclose()
        rounds.append(found)
    return rounds


async def _carry(
    plan: Plan, running: Bot, crowd: Crowd, cores: Cores, is_search: bool
) -> Carried:
    carried = Carried()
    for calls in plan.fixed:
        window = await measure(running, crowd, calls, cores, length_s=plan.fixed_s)
        _note(carried, window)
    if running.kind == OURS:
        carried.timings = await crowd.timings()
    if is_search:

        async def measured(calls: int) -> Window:
            return await measure(running, crowd, calls, cores, length_s=plan.search_s)

        carried.capacity = await find_capacity(carried, measured)
    return carried


async def find_capacity(
    carried: Carried, measured: Callable[[int], Awaitable[Window]]
) -> int:
    """Return the largest number of calls carried cleanly, to one call in sixteen.

    Up from a guess by a fifth, or down by halves. A number that failed is tried once
    more before it is believed when the core was not full or the machine not quiet: one
    stall of the machine is not the bot's.
    """
    clean = max((w.calls for w in carried.windows if w.is_clean), default=0)
    failed: int | None = None
    tries = max(clean + 1, int(FULL_PERCENT / carried.windows[-1].cpu_per_call))
    is_second_try = False
    for _ in range(MOST_WINDOWS):
        window = await measured(min(LARGE, tries))
        _note(carried, window)
        is_doubtful = window.cpu_percent < FULL_PERCENT or bool(window.doubts)
        if not window.is_clean and is_doubtful and not is_second_try:
            is_second_try = True
            continue
        is_second_try = False
        if window.is_clean:
            clean = max(clean, window.calls)
        else:
            failed = window.calls
        if clean == LARGE:
            break
        if failed is None:
            tries = clean + max(1, clean // 5)
        elif failed - clean <= max(1, clean // 16):
            break
        else:
            tries = (failed + clean) // 2
    return clean


def _note(carried: Carried, window: Window) -> None:
    carried.windows.append(window)
    print(
        f"  {window.kind:5} {window.calls:3} calls  {window.cpu_per_call:5.2f} % each"
        f"  late p99 {window.late_p99_ms:6.1f} ms  glitches"
        f" {window.glitch_percent:6.3f} %  {window.resident_mb:4.0f} MB"
        f"  {'clean' if window.is_clean else 'not clean'}"
        f"{f' ({window.doubts})' if window.doubts else ''}",
        flush=True,
    )


# --- figures --------------------------------------------------------------------------
def figures(plan: Plan, rounds: list[Round]) -> list[Figure]:
    found = [_capacity(rounds)] if plan.searches else []
    found += [_cpu(rounds, calls) for calls in plan.fixed]
    found.append(_memory(plan, rounds))
    found += _latency(rounds)
    return found


def _of(rounds: list[Round], kind: str, read: Any) -> list[float | None]:
    return [read(one[kind]) if kind in one else None for one in rounds]


def _capacity(rounds: list[Round]) -> Figure:
    def read(carried: Carried) -> float | None:
        return carried.capacity

    ours, peer, echo = (_of(rounds, kind, read) for kind in (OURS, PEER, ECHO))
    to_peer, to_echo = ratio(ours, peer), ratio(ours, echo)
    return Figure(
        name="web calls held cleanly by one core",
        unit="calls",
        ours=median(ours),
        peer=median(peer),
        peer_name=PEER_NAME,
        limit=median(echo),
        limit_name=LIMIT_NAME,
        ratio_to_peer=to_peer[0],
        ratio_to_limit=to_echo[0],
        goal="at least 2.5 × peer and 0.7 × limit",
        met=all_met(at_least(to_peer[0], 2.5), at_least(to_echo[0], 0.7)),
        runs=[
            {
                kind: {
                    "capacity": carried.capacity,
                    "windows": [w.as_json() for w in carried.windows],
                }
                for kind, carried in one.items()
            }
            for one in rounds
        ]
        + [{"ratio_to_peer": spread(to_peer), "ratio_to_limit": spread(to_echo)}],
    )


def _cpu(rounds: list[Round], calls: int) -> Figure:
    def read(carried: Carried) -> float | None:
        window = carried.at(calls)
        return window.cpu_per_call if window else None

    ours, peer, echo = (_of(rounds, kind, read) for kind in (OURS, PEER, ECHO))
    to_peer, to_echo = ratio(ours, peer), ratio(ours, echo)
    return Figure(
        name=f"CPU of a web call, {calls} at once",
        unit="% of a core",
        ours=median(ours),
        peer=median(peer),
        peer_name=PEER_NAME,
        limit=median(echo),
        limit_name=LIMIT_NAME,
        ratio_to_peer=to_peer[0],
        ratio_to_limit=to_echo[0],
        goal="at most 0.4 × peer and 1.43 × limit",
        met=all_met(at_most(to_peer[0], 0.4), at_most(to_echo[0], 1.43)),
        runs=[
            {
                kind: window.as_json()
                for kind, carried in one.items()
                if (window := carried.at(calls))
            }
            for one in rounds
        ]
        + [{"ratio_to_peer": spread(to_peer), "ratio_to_limit": spread(to_echo)}],
    )


def _memory(plan: Plan, rounds: list[Round]) -> Figure:
    def read(carried: Carried) -> float | None:
        few, many = carried.at(plan.fixed[0]), carried.windows[-1]
        many = max(carried.windows, key=lambda w: w.calls, default=many)
        if few is None or few.calls == many.calls:
            return None
        return (many.resident_mb - few.resident_mb) / (many.calls - few.calls)

    ours, peer, echo = (_of(rounds, kind, read) for kind in (OURS, PEER, ECHO))
    return Figure(
        name="resident memory of a call more",
        unit="MB",
        ours=median(ours),
        peer=median(peer),
        peer_name=PEER_NAME,
        limit=median(echo),
        limit_name=LIMIT_NAME,
        ratio_to_peer=ratio(ours, peer)[0],
        ratio_to_limit=ratio(ours, echo)[0],
        goal="under 10 MB",
        met=at_most(median(ours), 10.0),
        runs=[
            {
                kind: {w.calls: round(w.resident_mb, 1) for w in carried.windows}
                for kind, carried in one.items()
            }
            for one in rounds
        ],
    )


def _latency(rounds: list[Round]) -> list[Figure]:
    """From the caller's last sound to the first packet with sound, less the vendors."""

    def read(share: float) -> Any:
        def of(carried: Carried) -> float | None:
            fixed = [w for w in carried.windows if w.is_clean and w.calls <= 8]
            waits = [ms for w in fixed for ms in w.responses_ms]
            found = percentile(waits, share)
            return None if found is None else found - VENDORS_MS

        return of

    found = []
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        ours, peer = (_of(rounds, kind, read(share)) for kind in (OURS, PEER))
        to_peer = ratio(ours, peer)
        found.append(
            Figure(
                name=f"turn latency less the vendors' own time, {name}",
                unit="ms",
                ours=median(ours),
                peer=median(peer),
                peer_name=PEER_NAME,
                limit=SILENCE_MS,
                limit_name="the silence that ends a turn",
                ratio_to_peer=to_peer[0],
                ratio_to_limit=ratio(ours, [SILENCE_MS] * len(ours))[0],
                goal="no slower than the peer",
                met=at_most(to_peer[0], 1.0),
                runs=[
                    {
                        kind: [
                            round(ms) for w in carried.windows for ms in w.responses_ms
                        ]
                        for kind, carried in one.items()
                        if kind != ECHO
                    }
                    for one in rounds
                ],
            )
        )
    found += _parts(rounds)
    return found


def _parts(rounds: list[Round]) -> list[Figure]:
    """Ours by the session's own marks; the rest is between it and the caller."""
    timings = [t for one in rounds for t in one[OURS].timings]
    names = {
        "endpointing_ms": "silence that ends a turn",
        "stt_ms": "transcript later than that",
        "llm_ms": "model's first token later than that",
        "tts_ms": "voice's first sound",
        "transport_ms": "from the voice to the first packet",
    }
    limits = {"endpointing_ms": SILENCE_MS, "tts_ms": 100}
    found = []
    for key, what in names.items():
        values = [float(timing[key]) for timing in timings]
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        found.append(
            Figure(
                name=f"turn latency, part: {what}",
                unit="ms, p50",
                ours=p50,
                limit=limits.get(key),
                limit_name="what it was told to take" if key in limits else None,
                goal="shown",
                met=True if values else None,
                runs=[{"p50": p50, "p95": p95, "turns": len(values)}],
            )
        )
    return found
