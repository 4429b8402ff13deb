"""The session of one call with all that runs beside it.

    session ──events──▶ scribe ──▶ PostgreSQL, watchers
    link    ──audio───▶ taps ──▶ recorder ──▶ shelf ──▶ storage
                          └────▶ whoever listens in
    guard   ──────────▶ holds the next minute, or ends the session in time

When a person takes over, by a transfer or from the portal, the session ends and the
line does not: it is joined to theirs, and recording and bill go on until one hangs up.
Whoever took over from the portal may give the caller back: then a second session goes on
where the first one stopped.

It exists before the audio connects, so that wishes which come early are kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from livekit.agents import stt

from calls.media.link import MediaLink
from calls.media.recording import Recorder
from calls.media.silencing import silence
from calls.media.text_link import TextLink
from calls.node import database, shelf
from calls.node.answering_watch import AnsweringWatch
from calls.node.credit_guard import guard_credits
from calls.node.discretion import Discretion
from calls.node.kept_link import KeptLink
from calls.node.mcp_tools import McpTools
from calls.node.scribe import Scribe
from calls.node.stepping_in import Parting, Person, talk
from calls.node.taps import Taps, unheard
from calls.node.unbroken import unbroken
from calls.node.webhook_tools import WebhookTools
from calls.node.wishes import wish_tools
from calls.services import running
from calls.services.recordings import KeptRecording
from calls.services.running import CallOrder
from calls.session.events import (
    EndReason,
    EventSink,
    GivenBack,
    SessionEnded,
    SessionEvent,
    Usage,
    VendorTrouble,
)
from calls.session.ports import Transfer
from calls.session.release import in_time
from calls.session.returning import Return, news_of
from calls.session.voice_session import VoiceSession
from calls.spoken import CREDITS_GONE, GIVEN_BACK, PERSON_LOST, spoken
from calls.vendors.registry import VendorSet

_CLOSE_S: Final = 10.0
_HANDED_OVER: Final = {EndReason.TRANSFERRED, EndReason.TAKEN_OVER}


class Conversation:
    """`run` once the audio has connected; `aclose` always."""

    def __init__(
        self,
        order: CallOrder,
        link: MediaLink,
        vendors: VendorSet,
        *,
        make_vendors: Callable[[], VendorSet],
        watches_for_voicemail: bool,
        transfer: Transfer | None = None,
    ) -> None:
        """`make_vendors` makes them anew: a session that has ended has closed its own."""
        self.ended: SessionEnded | None = None
        self.taps: Taps | None = None
        self.recording: KeptRecording | None = None
        self._order, self._link, self._vendors = order, link, vendors
        self._make_vendors, self._transfer = make_vendors, transfer
        self._watches_for_voicemail = watches_for_voicemail
        self._sink: EventSink | None = None
        self._began_s: float | None = None
        self._over_s: float | None = None
        self._person: Person | None = None
        self._is_joined = False
        self._away_ms = 0  # during which persons had the caller
        self._used = Usage()  # by sessions before the present one
        self.line = KeptLink(link)
        self.tools = McpTools(order.equipment.mcp_sources)
        self._functions = WebhookTools(
            order.call_id, order.equipment, order.known_names
        )
        self.session = self._new_session()

    def _new_session(self, returns: Return | None = None) -> VoiceSession:
        return VoiceSession(
            self._order.spec,
            self.line,
            self._vendors,
            self._hear,
            tool_runner=self._functions,
            transfer=self._transfer,
            returns=returns,
        )

    @property
    def is_over(self) -> bool:
        """Whether nobody talks any more; from then on no second is billed."""
        return self._over_s is not None

    @property
    def spoken_ms(self) -> int:
        """Milliseconds since `run` began, up to the hang-up."""
        if self._began_s is None:
            return 0
        until_s = time.monotonic() if self._over_s is None else self._over_s
        elapsed_ms = round((until_s - self._began_s) * 1000)
        if self.ended is None or self._is_joined:
            return elapsed_ms
        return min(self.ended.at_ms, elapsed_ms)

    @property
    def recogniser(self) -> stt.STT[Any] | None:
        """What understands the caller; none beside a model that hears by itself."""
        return self._vendors.stt

    @property
    def is_joined(self) -> bool:
        """Whether the caller talks with a person now, and no longer with the assistant."""
        return self._is_joined

    @property
    def usage(self) -> Usage:
        """What vendors will bill, or have billed, for the call so far."""
        return self._used + self.session.usage

    def go_on_with(self, person: Person) -> None:
        """Join the caller to this person once the session has ended.

        The caller of this ends the session next. The person's link is closed here,
        unless they give the caller back.
        """
        self._person = person
        self.line.is_kept = True

    async def take_tools(self) -> None:
        """Give the session the tools of its servers; raises `ToolServerAway`."""
        served = await self.tools.tools()
        self.session.foreign_tools = [*wish_tools(self._order), *served]

    async def run(self, covered_s: int) -> SessionEnded:
        """Talk; then write everything down. Credits are held for `covered_s` so far.

        Raises `ProviderError` when an assistant that is to come back cannot.
        """
        self._began_s = time.monotonic()
        scribe = Scribe(self._order, lambda: self.usage)
        discretion = Discretion(
            scribe, self._order.policy, self._order.disclosure, self._order.known_names
        )
        self._sink = discretion
        self.taps = Taps(self._link)
        recorder = None
        is_heard = not isinstance(self._link, TextLink)
        if is_heard and not self._order.policy.gdpr_mode:
            recorder = shelf.recorder_of(
                self._order.call_id, is_sealed=self._order.policy.seals_content
            )
            self.taps.add(caller=recorder.caller, assistant=recorder.assistant)
        watch: AnsweringWatch | None = None
        if self._watches_for_voicemail and self._order.spec.voicemail_detection:
            self._sink = watch = AnsweringWatch(
                discretion, self._order.spec, self.session
            )
            self.taps.add(caller=watch.hear, assistant=unheard)
        for server, reason in self.tools.left_out:
            await scribe(
                VendorTrouble("tools", server, reason, "organization", False, 0)
            )
        guard = self._guard_credits(covered_s)
        try:
            ended = await self.session.run()
            while await self._goes_on(ended, discretion):
                ended = await self.session.run()
            return ended
        finally:
            self._over_s = time.monotonic()
            guard.cancel()
            if self._person is not None:
                await unbroken(in_time("person", self._person.link.aclose(), _CLOSE_S))
            if watch is not None:
                await unbroken(watch.aclose())
            await unbroken(self._write_down(guard, scribe, recorder, discretion))

    async def _goes_on(self, ended: SessionEnded, sink: EventSink) -> bool:
        """Let the caller talk with whoever takes over; True when the assistant returns."""
        person = self._person
        if person is None or ended.reason not in _HANDED_OVER:
            return False
        self._is_joined = True
        parting = Parting.OVER
        began_ms = self._link.offset_ms
        try:
            parting = await talk(self._link, person)
        finally:
            if parting is Parting.OVER:
                await unbroken(in_time("link", self._link.aclose(), _CLOSE_S))
        if parting is Parting.OVER:
            return False
        away_ms = self._link.offset_ms - began_ms
        await self._come_back(person, away_ms, sink, is_lost=parting is Parting.LOST)
        return True

    async def _come_back(
        self, person: Person, away_ms: int, sink: EventSink, *, is_lost: bool
    ) -> None:
        """Put a session that remembers the first one in its place."""
        gone, self._vendors = self._vendors, self._make_vendors()
        before, self._away_ms = self.session, self._away_ms + away_ms
        self._used += before.usage
        words = PERSON_LOST if is_lost else GIVEN_BACK
        self.session = self._new_session(
            Return(
                memory=before.memory,
                news=news_of(who=person.who, away_ms=away_ms, is_lost=is_lost),
                words=spoken(words, self._order.spec.language),
                away_ms=self._away_ms,
            )
        )
        self.session.foreign_tools = before.foreign_tools
        self._person, self._sink, self.ended = None, sink, None
        self._is_joined = self.line.is_kept = False
        back = GivenBack(person.who, person.user_id, is_lost, self._link.offset_ms)
        await sink(back)
        if is_lost:
            await in_time("person", person.link.aclose(), _CLOSE_S)
        await in_time("vendors", gone.aclose(), _CLOSE_S)

    async def aclose(self) -> None:
        """Close vendors and tool servers, also those of a session that never ran."""
        await in_time("tool servers", self.tools.aclose(), _CLOSE_S)
        await in_time("functions", self._functions.aclose(), _CLOSE_S)
        await in_time("vendors", self._vendors.aclose(), _CLOSE_S)

    async def _hear(self, event: SessionEvent) -> None:
        if isinstance(event, SessionEnded):
            self.ended = event
        if self._sink is not None:
            await self._sink(event)

    def _guard_credits(self, covered_s: int) -> asyncio.Task[None]:
        return asyncio.create_task(
            guard_credits(
                covered_s=covered_s,
                elapsed_s=lambda: self.spoken_ms / 1000,
                cover=lambda total_s: database.ask(
                    running.cover_seconds, order=self._order, total_seconds=total_s
                ),
                on_low=lambda: self.session.end(
                    EndReason.INSUFFICIENT_CREDITS,
                    spoken(CREDITS_GONE, self._order.spec.language),
                ),
                on_gone=self._link.aclose,
            ),
            name=f"credits {self._order.call_id}",
        )

    async def _write_down(
        self,
        guard: asyncio.Task[None],
        scribe: Scribe,
        recorder: Recorder | None,
        discretion: Discretion,
    ) -> None:
        """After the hang-up: nobody waits for this any more, and nothing may be lost."""
        await asyncio.wait([guard])
        self._link.set_taps(caller=None, assistant=None)
        await scribe.aclose()
        if recorder is None:
            return
        recording = await asyncio.to_thread(recorder.close)
        if discretion.stretches:
            recording = await asyncio.to_thread(
                silence, recording, discretion.stretches
            )
        self.recording = await asyncio.to_thread(
            shelf.keep,
            self._order.call_id,
            recording,
            is_sealed=self._order.policy.seals_content,
        )
