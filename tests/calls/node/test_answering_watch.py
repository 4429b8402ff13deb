"""What a call does once it knows who answered: talk, leave a message, or neither."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from calls.node.answering_watch import AnsweringWatch
from calls.session.events import (
    Answered,
    EndReason,
    SessionEvent,
    Speaker,
    TurnSpoken,
)
from calls.telephony.simulator.speech import beep, render
from tests.calls.session.conversation import make_spec
from tests.virtual_time import run_virtually

RATE_HZ = 16_000
MESSAGE = "Please call us back."


class Call:
    """The part of a session that a watch acts on, and what was seen of it."""

    def __init__(self, **spec: Any) -> None:
        self.is_quiet = False
        self.ends: list[tuple[EndReason, str | None]] = []
        self.events: list[SessionEvent] = []
        spec = {"voicemail_message": MESSAGE} | spec
        self.watch = AnsweringWatch(
            self.take,
            make_spec(**spec),
            self,  # type: ignore[arg-type]  # the two methods below are all it uses
        )

    async def take(self, event: SessionEvent) -> None:
        self.events.append(event)

    def set_quiet(self, is_quiet: bool) -> None:
        self.is_quiet = is_quiet

    async def end(self, reason: EndReason, message: str | None = None) -> None:
        self.ends.append((reason, message))

    async def hear(self, pcm: bytes) -> None:
        frame = RATE_HZ // 50 * 2
        for start in range(0, len(pcm) - frame + 1, frame):
            self.watch.hear(pcm[start : start + frame], RATE_HZ, 0)
            await asyncio.sleep(0.02)

    async def understand(self, words: str) -> None:
        await self.watch(TurnSpoken(Speaker.USER, words, 0, 1))
        await asyncio.sleep(0)

    @property
    def answered(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(e.by, e.evidence) for e in self.events if isinstance(e, Answered)]


def still(duration_ms: int) -> bytes:
    return bytes(RATE_HZ * duration_ms // 1000 * 2)


def fax() -> bytes:
    at_s = np.arange(RATE_HZ * 3) / RATE_HZ
    wave = 5_000 * np.sin(2 * np.pi * 2_100 * at_s)
    return wave.astype(np.int16).tobytes()


def test_a_fax_is_hung_up_on_without_the_message() -> None:
    async def scenario() -> Call:
        call = Call()
        await call.hear(still(500) + fax() + still(500))
        await call.watch.aclose()
        return call

    call = run_virtually(scenario())
    assert call.answered == [("machine", ("fax",))]
    assert call.ends == [(EndReason.VOICEMAIL, None)]


WORDS = "Hi, this is Ann, I am out for the day, you know what to do, talk to you soon"


def test_a_beep_tells_later_what_a_greeting_did_not() -> None:
    async def scenario() -> Call:
        call = Call()
        await call.hear(still(300) + render(WORDS) + still(1_000))
        await call.understand(WORDS)
        await call.hear(still(500))
        assert call.answered == [("unsure", ("length",))]
        assert not call.is_quiet  # it talks, as the owner wants when not sure
        await call.hear(beep() + still(500))
        await call.watch.aclose()
        return call

    call = run_virtually(scenario())
    assert [by for by, _ in call.answered] == ["unsure", "machine"]
    assert call.is_quiet
    assert call.ends == [(EndReason.VOICEMAIL, MESSAGE)]


def test_a_person_is_not_listened_to_any_longer() -> None:
    async def scenario() -> Call:
        call = Call()
        await call.hear(still(300) + render("Hello?") + still(1_000))
        await call.understand("Hello?")
        await call.hear(still(500) + beep() + still(500))
        await call.watch.aclose()
        return call

    call = run_virtually(scenario())
    assert call.answered == [("person", ("hello",))]
    assert call.ends == []
