"""A conversation by turns, whatever carries it: say something, hear the answer out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calls.media.caller.ear import Ear
from calls.media.caller.utterance import Utterance
from calls.media.link import FRAME_MS

_POLL_S = FRAME_MS / 1000
LATE_MS = 40


@dataclass(frozen=True)
class Turn:
    """One thing said, and how soon its answer was heard; None when none came."""

    spoken_ms: int
    response_ms: int | None


@dataclass(frozen=True)
class Conversation:
    """How to talk: what to wait for, and for how long at most. Seconds."""

    utterances: Sequence[Utterance] = ()
    waits_for_greeting: bool = True
    keys: str = ""  # pressed after the greeting, on a telephone
    greeting_s: float = 10.0
    reply_s: float = 15.0
    quiet_s: float = 0.9  # this long without a sound, and the other side has finished
    silence_before_s: float = 0.3
    silence_after_s: float = 0.5
    longest_s: float = 120.0


@dataclass
class Heard:
    """What arrived, as the contract of `webcall` names it."""

    received_ms: int = 0
    speech_ms: int = 0
    late_p99_ms: float = 0.0
    glitch_percent: float = 0.0

    def as_json(self) -> dict[str, float]:
        return dict(vars(self))


@dataclass
class Mouth:
    """What is being said: packets left, and when the last one with sound went out."""

    packets: Sequence[bytes] = ()
    at: int = 0
    speech_packets: int = 0
    speech_ended_s: float | None = None
    silence: bytes = b""

    def say(self, utterance: Utterance) -> None:
        self.packets, self.at = utterance.packets, 0
        self.speech_packets = utterance.speech_packets
        self.speech_ended_s = None

    def next_packet(self) -> bytes:
        if self.at >= len(self.packets):
            return self.silence
        packet = self.packets[self.at]
        self.at += 1
        if self.at == self.speech_packets:
            self.speech_ended_s = time.monotonic() + FRAME_MS / 1000
        return packet


class Talker:
    """Who talks: an ear, a mouth, and whether the other side has gone."""

    ear: Ear
    mouth: Mouth

    @property
    def is_gone(self) -> bool:
        """Whether the other side has closed the connection."""
        raise NotImplementedError

    async def press(self, keys: str) -> None:
        """Press keys; only telephones have some."""
        raise NotImplementedError

    async def converse(self, plan: Conversation, ended: asyncio.Event) -> list[Turn]:
        """Say everything in turn, each after the answer before it; stop when it ends.

        Never raises for a silent other side: a turn without answer has none.
        """
        turns: list[Turn] = []
        until_s = time.monotonic() + plan.longest_s
        if plan.waits_for_greeting:
            await self._hear_out(plan, ended, plan.greeting_s)
        if plan.keys and not (ended.is_set() or self.is_gone):
            await self.press(plan.keys)
        for utterance in plan.utterances:
            await self._pause(ended, plan.silence_before_s)
            if ended.is_set() or self.is_gone or time.monotonic() > until_s:
                break
            turns.append(await self._take_turn(utterance, plan, ended))
        await self._pause(ended, plan.silence_after_s)
        return turns

    # --- inside ---------------------------------------------------------------------

    async def _take_turn(
        self, utterance: Utterance, plan: Conversation, ended: asyncio.Event
    ) -> Turn:
        self.mouth.say(utterance)
        deadline_s = utterance.speech_ms / 1000 + 2
        await self._until(
            lambda: self.mouth.speech_ended_s is not None, ended, deadline_s
        )
        said_s = self.mouth.speech_ended_s or time.monotonic()
        await self._until(
            lambda: self.ear.onset_after(said_s) is not None, ended, plan.reply_s
        )
        onset_s = self.ear.onset_after(said_s)
        if onset_s is not None:
            await self._hear_out(plan, ended, plan.longest_s)
        return Turn(
            utterance.speech_ms,
            None if onset_s is None else round((onset_s - said_s) * 1000),
        )

    async def _hear_out(
        self, plan: Conversation, ended: asyncio.Event, start_s: float
    ) -> None:
        """Wait for speech to start, at most `start_s`, and then for it to end."""
        if not await self._until(lambda: bool(self.ear.onsets_s), ended, start_s):
            return
        await self._until(
            lambda: self.ear.quiet_s > plan.quiet_s, ended, plan.longest_s
        )

    async def _until(
        self, holds: Callable[[], bool], ended: asyncio.Event, timeout_s: float
    ) -> bool:
        """Return whether it came to hold before the call ended or time was up."""
        deadline_s = time.monotonic() + timeout_s
        while not holds():
            if ended.is_set() or self.is_gone or time.monotonic() > deadline_s:
                return False
            await self._wait(ended, _POLL_S)
        return True

    @staticmethod
    async def _pause(ended: asyncio.Event, seconds: float) -> None:
        """Say nothing for a while, or until the call ends."""
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            return

    @staticmethod
    async def _wait(ended: asyncio.Event, seconds: float) -> None:
        if not ended.is_set():
            await asyncio.sleep(seconds)
