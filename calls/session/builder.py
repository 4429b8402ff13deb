"""From an `AssistantSpec` to the library's options: one place that knows both.

Everything the library would decide by itself is set: its defaults assume a room, an
echo canceller that needs three seconds, and a turn detector in somebody's cloud.
"""

from __future__ import annotations

from typing import Any

from livekit import rtc
from livekit.agents import (
    AgentSession,
    APIConnectOptions,
    TurnHandlingOptions,
    llm,
)
from livekit.agents.types import NOT_GIVEN
from livekit.agents.voice.agent_session import SessionConnectOptions

from assistants.spec import AssistantSpec
from calls.session.patience import Patience
from calls.session.ports import Vendors
from calls.session.returning import Return
from calls.session.sound_detector import SoundDetector
from calls.session.unfinished import PauseJudge

MAX_TOOL_STEPS = 5
NEVER = 1_000_000_000  # unrecoverable errors before the library ends a call: we do that

REALTIME_TURNS: TurnHandlingOptions = {
    "turn_detection": "realtime_llm",
    "interruption": {"enabled": True, "resume_false_interruption": False},
}

UNRECORDED = {"metrics_collected", "session_usage_updated"}


class LeanSession(AgentSession[None]):
    """An `AgentSession` that keeps no diary.

    The library remembers every event of a session, without bound, for a report that we
    do not make; two of them come every second of every call and nobody listens.
    """

    def _on_error(self, error: Any) -> None:
        """The library would end the call for an error of a realtime model: we do that."""

    def emit(self, event: Any, arg: Any) -> None:
        if event not in UNRECORDED:
            rtc.EventEmitter.emit(self, event, arg)


def turn_handling(spec: AssistantSpec, judge: PauseJudge) -> TurnHandlingOptions:
    """How turns end and what interrupts one, as the assistant's owner chose."""
    chosen = spec.speech_config.turn_taking
    return {
        "turn_detection": judge,
        "endpointing": {
            "mode": "fixed",
            "min_delay": chosen.endpointing_min_delay,
            "max_delay": chosen.endpointing_max_delay,
        },
        "interruption": {
            "enabled": True,
            "mode": "vad",
            "min_duration": chosen.interruption_min_duration,
            "min_words": chosen.interruption_min_words,
            "resume_false_interruption": chosen.false_interruption_timeout is not None,
            "false_interruption_timeout": chosen.false_interruption_timeout,
            "discard_audio_if_uninterruptible": True,
            "backchannel_boundary": None,
        },
        # The model thinks while the caller might still go on; its speech waits.
        "preemptive_generation": {"enabled": True, "preemptive_tts": False},
    }


def pause_judge(spec: AssistantSpec) -> PauseJudge:
    """Who decides how long a silence must last to end the caller's turn."""
    chosen = spec.speech_config.turn_taking
    return PauseJudge(
        spec.language,
        min_s=chosen.endpointing_min_delay,
        max_s=chosen.endpointing_max_delay,
    )


def build_session(
    spec: AssistantSpec, vendors: Vendors, patience: Patience, judge: PauseJudge
) -> LeanSession:
    """Make the pipeline of one call; it has no input and output yet."""
    return LeanSession(
        stt=vendors.stt or NOT_GIVEN,
        # A realtime model tells itself when the caller speaks.
        vad=NOT_GIVEN if vendors.stt is None else SoundDetector(vendors.vad),
        llm=vendors.llm,
        tts=vendors.tts or NOT_GIVEN,
        turn_handling=(
            turn_handling(spec, judge) if vendors.stt is not None else REALTIME_TURNS
        ),
        max_tool_steps=MAX_TOOL_STEPS,
        # A voice that takes whole sentences tells where each begins: exact captions.
        # With a pronunciation list they would be the words as said, not as written.
        # A stand-in may be a voice of the other kind.
        use_tts_aligned_transcript=(
            vendors.tts is not None
            and not vendors.tts.capabilities.streaming
            and not vendors.has_stand_in("tts")
            and not spec.speech_config.pronunciation
        ),
        aec_warmup_duration=None,
        user_away_timeout=None,
        transcription_timeout=patience.stt_answer_s,
        conn_options=SessionConnectOptions(
            stt_conn_options=APIConnectOptions(
                max_retry=0, timeout=patience.stt_answer_s
            ),
            max_unrecoverable_errors=NEVER,
        ),
    )


def opening_context(
    spec: AssistantSpec, added: list[str], returns: Return | None = None
) -> llm.ChatContext:
    """The conversation so far: examples of the spec, then what was injected early.

    One that comes back remembers instead; its memory has the examples in it.
    """
    context = llm.ChatContext(list(returns.memory) if returns else [])
    for message in () if returns else spec.llm_config.messages:
        if message.role != "system":
            context.add_message(role=message.role, content=message.content)
    for content in [returns.news, *added] if returns else added:
        context.add_message(role="system", content=content)
    return context


def instructions(spec: AssistantSpec, suffix: str) -> str:
    """What the model is told about its role in this call."""
    parts = (spec.llm_config.instructions, suffix.strip())
    return "\n\n".join(part for part in parts if part)
