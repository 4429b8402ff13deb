"""A conversation written down beforehand, for the fake caller and the fake vendors.

    script = Script(
        user_says("What time is it?", from_s=2.0, to_s=3.0),
        answers=[answer("It is noon.", after_s=0.3)],
        voice=Voice(first_audio_s=0.1, word_s=0.25),
    )

Times are seconds since the audio connected. What the caller says travels as real
frames: utterance *n* is a constant sample value, silence is zero, so a recogniser that
was given silence instead hears nothing, as a real one would.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_SAMPLE_VALUE = 1_000


@dataclass(frozen=True)
class Utterance:
    """The caller speaks. `text` is what gets recognised; empty for a cough."""

    text: str
    from_s: float
    to_s: float


@dataclass(frozen=True)
class ToolUse:
    """The model calls a function."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True)
class Failure:
    """What a vendor does instead of its work."""

    error: Exception | None = (
        None  # raised after `after_s`; without one it hangs for ever
    )
    after_s: float = 0.0
    work_first: bool = False  # deliver half of the work, then fail


@dataclass(frozen=True)
class Answer:
    """One reply of the model."""

    text: str = ""
    after_s: float = 0.2
    calls: tuple[ToolUse, ...] = ()
    fails: Failure | None = None


@dataclass(frozen=True)
class Voice:
    """How the fake speech sounds: every word lasts as long as the other."""

    first_audio_s: float = 0.1
    word_s: float = 0.25


@dataclass(frozen=True)
class Hearing:
    """How the fake recogniser works, in seconds after the caller's speech."""

    final_after_s: float = 0.1
    interim_after_s: float = 0.3


@dataclass
class Script:
    """Everything the fakes need to know about one call."""

    utterances: tuple[Utterance, ...] = ()
    answers: list[Answer] = field(default_factory=list)
    voice: Voice = Voice()
    hearing: Hearing = Hearing()
    stt_fails: list[Failure] = field(default_factory=list)  # one for each connection
    tts_fails: list[Failure | None] = field(
        default_factory=list
    )  # one for each request
    vad_silence_s: float = 0.2

    def utterance_of(self, sample: int) -> Utterance | None:
        """The utterance a frame belongs to, from its sample value."""
        index = sample - FIRST_SAMPLE_VALUE
        return self.utterances[index] if 0 <= index < len(self.utterances) else None

    def sample_at(self, at_s: float) -> int:
        """The sample value of the caller's audio at a moment."""
        for index, utterance in enumerate(self.utterances):
            if utterance.from_s <= at_s + 1e-9 < utterance.to_s:
                return FIRST_SAMPLE_VALUE + index
        return 0


def user_says(text: str, *, from_s: float, to_s: float) -> Utterance:
    """The caller says something the recogniser understands."""
    return Utterance(text, from_s, to_s)


def user_coughs(*, from_s: float, to_s: float) -> Utterance:
    """The caller makes a sound without words."""
    return Utterance("", from_s, to_s)


def answer(
    text: str = "", *, after_s: float = 0.2, calls: str | tuple[ToolUse, ...] = ()
) -> Answer:
    """The model answers, perhaps calling functions."""
    uses = (ToolUse(calls),) if isinstance(calls, str) else calls
    return Answer(text, after_s, uses)


def script(
    *utterances: Utterance,
    answers: list[Answer] | None = None,
    voice: Voice | None = None,
    hearing: Hearing | None = None,
    **rest: object,
) -> Script:
    """Write a conversation down."""
    return Script(
        utterances,
        answers=answers or [],
        voice=voice or Voice(),
        hearing=hearing or Hearing(),
        **rest,  # type: ignore[arg-type]  # the remaining fields of Script, by name
    )
