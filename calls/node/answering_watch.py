"""Acts on who answered an outbound call: a machine is left the message after its beep."""

from __future__ import annotations

import asyncio
from typing import Final

from assistants.spec import AssistantSpec
from calls.session.answering import AnswerEar, AnsweredBy, Verdict
from calls.session.events import (
    Answered,
    Caption,
    EndReason,
    EventSink,
    SessionEvent,
    Speaker,
    TurnSpoken,
)
from calls.session.voice_session import VoiceSession

BEEP_LIMIT_S: Final = 30.0


class AnsweringWatch:
    """Passes every event on; decides by ear and by the callee's first words.

    A machine hears nothing more of the conversation. Where there is a message for it,
    it is said once the machine has beeped, or has been still for a while.
    """

    def __init__(
        self, sink: EventSink, spec: AssistantSpec, session: VoiceSession
    ) -> None:
        self._sink, self._spec, self._session = sink, spec, session
        self._ear = AnswerEar(spec.language)
        self._verdict: Verdict | None = None  # that is being followed
        self._acting: asyncio.Task[None] | None = None
        self._has_heard = False
        self._is_talk = False  # it was decided that there is somebody to talk with
        self._is_recording = asyncio.Event()

    async def __call__(self, event: SessionEvent) -> None:
        await self._sink(event)
        if self._has_heard or not isinstance(event, TurnSpoken | Caption):
            return
        if event.speaker is not Speaker.USER or not event.text:
            return
        if isinstance(event, Caption):
            self._ear.notice_words()
            return
        self._has_heard = True
        if self._spec.voicemail_detection:
            self._act(self._ear.understand(event.text))

    def hear(self, pcm: bytes, sample_rate_hz: int, offset_ms: int) -> None:
        """Take the callee's audio, 20 ms at a time."""
        if not self._spec.voicemail_detection or self._is_done:
            return
        self._act(self._ear.hear(pcm, sample_rate_hz))
        if self._ear.is_our_turn:
            self._is_recording.set()
        else:
            self._is_recording.clear()

    async def aclose(self) -> None:
        """Stop waiting for a beep."""
        if self._acting is not None:
            self._acting.cancel()
            await asyncio.wait([self._acting])
            self._acting = None

    @property
    def _is_done(self) -> bool:
        """Whether somebody is talked with, and nothing can change that any more."""
        return self._is_talk and self._ear.is_settled

    def _act(self, verdict: Verdict | None) -> None:
        """Follow a verdict once, and one that takes the place of "not sure" as well."""
        if verdict is None or verdict is self._verdict:
            return
        if self._acting is None or self._is_talk:
            self._verdict, self._is_talk = verdict, False
            self._acting = asyncio.create_task(self._follow(verdict), name="answering")

    async def _follow(self, verdict: Verdict) -> None:
        await self._sink(
            Answered(
                str(verdict.by),
                verdict.evidence,
                verdict.greeting_ms,
                self._ear.elapsed_ms,
            )
        )
        is_machine = verdict.by is AnsweredBy.MACHINE or (
            verdict.by is AnsweredBy.UNSURE
            and self._spec.voicemail_when_unsure == "leave_message"
        )
        if not is_machine:
            self._is_talk = True
            return
        # A fax takes no message; it would whistle through it.
        is_fax = "fax" in verdict.evidence
        message = None if is_fax else self._spec.voicemail_message
        self._session.set_quiet(True)
        if message:
            await self._until_it_records()
        await self._session.end(EndReason.VOICEMAIL, message)

    async def _until_it_records(self) -> None:
        """Wait on the callee's own clock, which stands still when its audio does."""
        try:
            async with asyncio.timeout(BEEP_LIMIT_S):
                await self._is_recording.wait()
        except TimeoutError:
            return  # a greeting without an end: the message is said all the same
