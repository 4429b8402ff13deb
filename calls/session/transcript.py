"""Who said what and when, told while it happens.

The assistant's turns come from the output: a turn is what was really heard, from the
first sample sent to the last. The caller's come from the pipeline when it commits their
turn, with the detector's times of their first and last sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit.agents import (
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    llm,
)

from calls.session.clock import CallClock
from calls.session.events import (
    ActivityChanged,
    Caption,
    SessionEvent,
    Speaker,
    TurnSpoken,
    TurnTiming,
)
from calls.session.heard import Spoken
from calls.session.timeline import Timeline


class Transcript:
    """Turns what pipeline and output report into a session's events."""

    def __init__(
        self,
        clock: CallClock,
        timeline: Timeline,
        put: Callable[[SessionEvent], None],
        *,
        is_realtime: bool = False,
    ) -> None:
        self._clock, self._timeline, self._put = clock, timeline, put
        self._is_realtime = is_realtime
        self._timing: TurnTiming | None = None
        self._is_user_speaking = False
        self._user_from_ms = self._user_until_ms = 0
        self._is_interim_open = False
        self._spoken_until_s: float | None = None
        self.spoken_turns = 0

    @property
    def has_open_words(self) -> bool:
        """The caller spoke, and the last of it is not yet written down."""
        return self._is_user_speaking or self._is_interim_open

    def is_fresh(self, within_s: float) -> bool:
        """The caller's end may still be playing what was sent last."""
        now_s = asyncio.get_running_loop().time()
        until_s = self._spoken_until_s
        return until_s is not None and now_s - until_s < within_s

    # --- the assistant ---

    def speech_started(self) -> None:
        self._timing = self._timeline.audio_sent()

    def caption(self, text: str) -> None:
        self._caption(Speaker.ASSISTANT, text, is_final=False)

    def speech_ended(self, spoken: Spoken) -> None:
        timing, self._timing = self._timing, None
        self.spoken_turns += 1
        self._spoken_until_s = spoken.ended_s
        if not spoken.text:
            return
        self._caption(Speaker.ASSISTANT, spoken.text, is_final=True)
        self._put(
            TurnSpoken(
                speaker=Speaker.ASSISTANT,
                text=spoken.text,
                started_ms=self._loop_ms(spoken.started_s),
                ended_ms=self._loop_ms(spoken.ended_s),
                is_interrupted=spoken.is_interrupted,
                timing=timing,
            )
        )

    def agent_state_changed(self, event: AgentStateChangedEvent) -> None:
        if event.new_state != "initializing":
            self._activity(Speaker.ASSISTANT, event.new_state, self._clock.now_ms())

    # --- the caller ---

    def user_state_changed(self, event: UserStateChangedEvent) -> None:
        at_ms = self._clock.at_ms(
            event.created_at
        )  # of the sound, not of its detection
        self._is_user_speaking = event.new_state == "speaking"
        if self._is_user_speaking:
            self._user_from_ms = at_ms
        elif event.old_state == "speaking":
            self._user_until_ms = at_ms
            self._timeline.silence_seen()
            if self._is_realtime:
                last_sound_s = self._clock.started_s + at_ms / 1000
                self._timeline.caller_stopped(last_sound_s=last_sound_s)
        self._activity(Speaker.USER, event.new_state, at_ms)

    def user_wrote(self, text: str) -> None:
        """The other side wrote instead of speaking; the turn follows from the pipeline."""
        self._user_from_ms = self._user_until_ms = self._clock.now_ms()
        self._caption(Speaker.USER, text, is_final=True)

    def user_input_transcribed(self, event: UserInputTranscribedEvent) -> None:
        self._is_interim_open = not event.is_final
        if event.transcript:
            self._caption(Speaker.USER, event.transcript, is_final=event.is_final)

    def conversation_item_added(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage) or item.role != "user":
            return
        text = (item.text_content or "").strip()
        if not text:
            return
        self._is_interim_open = False
        marks = item.metrics
        from_ms, until_ms = self._user_from_ms, self._user_until_ms
        if (last_sound := marks.get("stopped_speaking_at")) is not None:
            until_ms = self._clock.at_ms(last_sound)
            from_ms = self._clock.at_ms(marks.get("started_speaking_at", last_sound))
        self._put(
            TurnSpoken(
                speaker=Speaker.USER,
                text=text,
                started_ms=min(from_ms, until_ms),
                ended_ms=until_ms,
            )
        )
        if self._is_realtime:
            return  # the words come when they come, perhaps after the answer to them
        last_sound_s = self._clock.started_s + until_ms / 1000
        waited_s = marks.get("end_of_turn_delay")
        self._timeline.turn_committed(
            item.id,
            last_sound_s=last_sound_s,
            committed_s=(
                asyncio.get_running_loop().time()
                if waited_s is None
                else last_sound_s + waited_s
            ),
        )

    # --- both ---

    def _caption(self, speaker: Speaker, text: str, *, is_final: bool) -> None:
        self._put(Caption(speaker, text, is_final, self._clock.now_ms()))

    def _activity(self, speaker: Speaker, activity: str, at_ms: int) -> None:
        self._put(ActivityChanged(speaker, activity, at_ms))

    def _loop_ms(self, loop_s: float) -> int:
        return max(0, round((loop_s - self._clock.started_s) * 1000))
