"""What one session used of its vendors, summed from their own reports."""

from __future__ import annotations

from livekit.agents.metrics import (
    AgentSessionUsage,
    LLMModelUsage,
    STTModelUsage,
)

from calls.session.events import Usage


def summed(usage: AgentSessionUsage, *, spoken_characters: int) -> Usage:
    """Add up a session's usage over the models it used.

    Voices report nothing for a reply that was interrupted while it was being made, but
    take payment for it, so their characters are counted where they are handed over.
    """
    models = usage.model_usage
    words = [used for used in models if isinstance(used, LLMModelUsage)]
    hearing = [used for used in models if isinstance(used, STTModelUsage)]
    return Usage(
        llm_input_tokens=sum(used.input_tokens for used in words),
        llm_output_tokens=sum(used.output_tokens for used in words),
        llm_cached_tokens=sum(used.input_cached_tokens for used in words),
        audio_input_tokens=sum(used.input_audio_tokens for used in words),
        audio_cached_tokens=sum(used.input_cached_audio_tokens for used in words),
        audio_output_tokens=sum(used.output_audio_tokens for used in words),
        realtime_ms=round(sum(used.session_duration for used in words) * 1000),
        tts_characters=spoken_characters,
        stt_audio_ms=round(sum(used.audio_duration for used in hearing) * 1000),
    )
