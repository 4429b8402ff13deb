"""How soon a call obeys, and how soon all of them stop: real telephones, a real process.

    python -m bench.control ROUNDS CALLS

DATABASE_URL names a migrated, empty database to work in. A voice process is started on
it, telephones of the bench call it over SIP, and commands are given as pages and API
give them. Each is timed from handing it in to what is heard at the telephone: *say* to
the first sound, the making of the speech included; *keys* to the key; *mute* to the last
sound; *end* to the hang-up. A *halt* is timed to the last of its calls' hang-ups; once
more with no message sent, as if the broker were down.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import cache
from typing import Any

import django
import numpy as np

from bench.figures import Figure, at_most, median, percentile
from bench.switchboard import LOUD, Phone, Switchboard
from calls.vendors.offline.voices import resolve_voice, speak

COMMAND_LIMIT_MS, HALT_LIMIT_S = 200.0, 2.0
WORDS = "One moment please, I am looking for that in our books right now."


async def measure(rounds: int, calls: int) -> dict[str, list[float]]:
    """Milliseconds of each command and seconds of each halt, by name."""
    found: dict[str, list[float]] = {}
    async with Switchboard() as board:
        phone = await board.call()
        for _ in range(rounds + 1):
            for name, command in (("say", _say), ("mute", _mute), ("keys", _keys)):
                found.setdefault(name, []).append(await command(board, phone))
        await phone.leg.hang_up()
        for _ in range(rounds):
            phone = await board.call()
            took = await _end(board, phone)
            found.setdefault("end", []).append(took)
        for name in ("halt", "halt by row"):
            for _ in range(max(1, rounds // 8)):
                took = await _halt(board, calls, is_told=name == "halt")
                found.setdefault(name, []).append(took / 1000)
    # The first of each warms a voice up, which the process's next call finds warm.
    return {
        name: took[1:] if name in ("say", "mute", "keys") else took
        for name, took in found.items()
    }


async def _say(board: Switchboard, phone: Phone) -> float:
    await phone.ear.is_still(0.6)
    took = await board.timed(
        lambda: board.control.say(call=phone.row, text=WORDS), phone.ear.hears
    )
    await asyncio.sleep(0.5)
    return took - pause_before(WORDS)


@cache
def pause_before(words: str) -> float:
    """Milliseconds of silence with which the assistant's voice begins these words."""
    pieces: list[bytes] = []

    def keep(piece: bytes) -> bool:
        pieces.append(piece)
        return True

    speak(resolve_voice("flite-rms"), words, 1.0, keep)
    frames = np.frombuffer(b"".join(pieces), np.int16)
    frames = frames[: frames.size // 320 * 320].reshape(-1, 320)  # of 20 ms
    loud = np.sqrt((frames.astype(np.float32) ** 2).mean(axis=1)) > LOUD
    return float(loud.argmax()) * 20


async def _mute(board: Switchboard, phone: Phone) -> float:
    """Cut what is being said short; what counts is the last sound."""

    def mute() -> None:
        board.control.set_quiet(call=phone.row, is_quiet=True, actor=None)

    began_s = time.monotonic()
    await board.do(mute)
    await phone.ear.is_still(0.3)
    took = max(0.0, phone.ear.last_loud_s - began_s) * 1000
    await board.do(
        lambda: board.control.set_quiet(call=phone.row, is_quiet=False, actor=None)
    )
    return took


async def _keys(board: Switchboard, phone: Phone) -> float:
    took = await board.timed(
        lambda: board.control.send_digits(call=phone.row, digits="5", actor=None),
        phone.keys.get,
    )
    await asyncio.sleep(0.3)
    return took


async def _end(board: Switchboard, phone: Phone) -> float:
    return await board.timed(
        lambda: board.control.stop_call(call=phone.row, actor=None),
        phone.leg.wait_closed,
    )


async def _halt(board: Switchboard, calls: int, *, is_told: bool) -> float:
    phones = [await board.call() for _ in range(calls)]

    async def all_closed() -> None:
        await asyncio.gather(*(phone.leg.wait_closed() for phone in phones))

    took = await board.timed(lambda: board.halt(is_told=is_told), all_closed)
    await board.do(board.lift)
    return took


def figures(rounds: int, calls: int) -> list[dict[str, Any]]:
    django.setup()
    found = asyncio.run(measure(rounds, calls))
    what = {
        "say": "say: command to first sound on the telephone, less the voice's pause, p95",
        "keys": "send-digits: command to the key at the telephone, p95",
        "mute": "mute: command to the last sound on the telephone, p95",
        "end": "end-call: command to the hang-up at the telephone, p95",
    }
    commands = [
        _figure(
            text, found[name], percentile(found[name], 0.95), "ms", COMMAND_LIMIT_MS
        )
        for name, text in what.items()
    ]
    halts = [
        _figure(text, found[name], percentile(found[name], 1.0), "s", HALT_LIMIT_S)
        for name, text in (
            ("halt", f"halt of {calls} live telephone calls, the slowest"),
            ("halt by row", "the same with no message, by the row alone"),
        )
    ]
    return [figure.as_json() for figure in [*commands, *halts]]


def _figure(
    name: str, took: list[float], ours: float | None, unit: str, limit: float
) -> Figure:
    return Figure(
        name=name,
        unit=unit,
        ours=None if ours is None else round(ours, 2),
        goal=f"at most {limit:g} {unit}",
        met=at_most(ours, limit),
        limit=limit,
        limit_name="goal",
        ratio_to_limit=None if ours is None else round(ours / limit, 3),
        runs=[{"median": median(took), "most": max(took), "count": len(took)}],
    )


if __name__ == "__main__":
    given = [int(float(value)) for value in sys.argv[1:]]
    for figure in figures(*(given or [5, 4])):
        sys.stdout.write(json.dumps(figure) + "\n")
