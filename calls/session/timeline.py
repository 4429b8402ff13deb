"""Where the wait for each reply went, as parts that add up to it exactly.

    caller's last sound                                       first audio really sent
          │ endpointing │   stt   │      llm      │   tts    │ transport │
          ▼             ▼         ▼               ▼          ▼           ▼
          ├─ the silence that ends a turn        │          └─ captured by the link
                        ├─ the transcript came later than that silence
                                  └─ turn committed          first token, first frame

Work that was done before its turn came costs nothing: a model that answered while the
caller could still have gone on has `llm_ms` 0.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from livekit.agents import llm

from calls.session.clock import CallClock
from calls.session.events import TurnTiming


@dataclass
class _OpenTurn:
    """A caller's turn that no audio has answered yet. Seconds are loop time."""

    message_id: str
    last_sound_s: float
    silence_over_s: float
    committed_s: float
    voice_s: float | None = None
    by_one_model: bool = False  # it heard, thought and spoke: there are no parts


class Timeline:
    """Collects the marks of one turn at a time."""

    def __init__(self, clock: CallClock, *, silence_s: Callable[[], float]) -> None:
        self._clock = clock
        self._silence_s = silence_s  # how long a silence had to last, the last time
        self._turn: _OpenTurn | None = None
        self._silence_seen_s = 0.0
        self._model_s: dict[str, float] = {}

    def silence_seen(self) -> None:
        """The detector says the caller stopped."""
        self._silence_seen_s = _now_s()

    def turn_committed(
        self, message_id: str, *, last_sound_s: float, committed_s: float
    ) -> None:
        """The caller's turn is over and will be answered."""
        silence_over_s = last_sound_s + self._silence_s()
        if self._silence_seen_s >= last_sound_s:
            silence_over_s = max(silence_over_s, self._silence_seen_s)
        self._turn = _OpenTurn(message_id, last_sound_s, silence_over_s, committed_s)

    def caller_stopped(self, *, last_sound_s: float) -> None:
        """A realtime model was given the caller's last sound."""
        self._turn = _OpenTurn(
            "", last_sound_s, last_sound_s, last_sound_s, by_one_model=True
        )

    def model_answered(self, chat_ctx: llm.ChatContext) -> None:
        """The first token of an answer came, perhaps before its turn was committed."""
        for item in reversed(chat_ctx.items):
            if item.type == "message" and item.role == "user":
                self._model_s = {item.id: _now_s()}
                return

    def voice_answered(self) -> None:
        """The first audio of an answer came."""
        if self._turn is not None and self._turn.voice_s is None:
            self._turn.voice_s = _now_s()

    def audio_sent(self) -> TurnTiming | None:
        """Audio leaves for the caller: return what they waited for, if they did."""
        turn, self._turn = self._turn, None
        if turn is None:
            return None
        sent_s = _now_s()
        if turn.by_one_model:
            heard_s = turn.last_sound_s
            return _as_parts(heard_s, [heard_s, heard_s, sent_s, sent_s, sent_s])
        marks = [
            turn.silence_over_s,
            turn.committed_s,
            self._model_s.get(turn.message_id, turn.committed_s),
            turn.voice_s if turn.voice_s is not None else sent_s,
            sent_s,
        ]
        return _as_parts(turn.last_sound_s, marks)


def _as_parts(from_s: float, marks_s: list[float]) -> TurnTiming:
    """Milliseconds between marks that never run backwards nor past the last one."""
    end_s = marks_s[-1]
    offsets_ms, reached_s = [0], from_s
    for mark_s in marks_s:
        reached_s = min(max(reached_s, mark_s), end_s)
        offsets_ms.append(round((reached_s - from_s) * 1000))
    endpointing, stt, model, voice, transport = (
        later - earlier for earlier, later in itertools.pairwise(offsets_ms)
    )
    return TurnTiming(
        response_ms=offsets_ms[-1],
        endpointing_ms=endpointing,
        stt_ms=stt,
        llm_ms=model,
        tts_ms=voice,
        transport_ms=transport,
    )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
