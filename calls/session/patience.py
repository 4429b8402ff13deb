"""How long a session waits for anyone: every wait on a vendor ends here."""

from __future__ import annotations

from dataclasses import dataclass

SLOW_SPEECH = 8  # characters a second


@dataclass(frozen=True)
class Patience:
    """Limits in seconds. Those of one stage bound how long a caller hears nothing.

    A reply waits at most `llm_budget_s` for the model and `tts_budget_s` for its voice,
    retries included; then the caller hears an apology.
    """

    connect_s: float = 20.0
    start_s: float = 10.0

    attempts: int = 3
    retry_after_s: float = 0.5

    llm_first_token_s: float = 8.0  # models that reason first take seconds
    llm_next_token_s: float = 4.0
    llm_budget_s: float = 12.0

    tts_first_audio_s: float = 4.0
    tts_next_audio_s: float = 4.0
    tts_budget_s: float = 8.0

    # With a stand-in ready nobody need wait that long.
    llm_stand_in_s: float = 4.0
    tts_stand_in_s: float = 2.5

    stt_answer_s: float = 5.0  # from the end of speech to a transcript
    stt_min_speech_s: float = 0.6  # shorter sounds are owed no transcript

    tool_s: float = 20.0
    transfer_s: float = 60.0  # the other side may let it ring
    last_words_s: float = 60.0  # a reply that was under way when the call was ended
    farewell_s: float = 15.0  # on top of what its words take
    tail_s: float = (
        0.3  # from the last sample sent to hanging up: it is still on its way
    )
    sink_s: float = 5.0  # for one event, and for all that wait at the end
    close_s: float = 5.0  # for each of link, functions, pipeline and vendors

    def farewell_limit_s(self, text: str) -> float:
        """Long enough for a slow voice to say it, and for its first sound to come."""
        return self.farewell_s + len(text) / SLOW_SPEECH
