"""Between the assistant's form and its spec: which answer is which field.

`PLAIN` names the answers that are a field's value as they stand; what needs turning is
in `values_of` and `answers_of`, which are each other's reverse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from assistants.advanced_fields import PLACES, advanced_answers, advanced_values
from assistants.example_turns import lines_of_turns, turns_of_lines
from assistants.option_fields import lines_of
from assistants.spec import AssistantSpec
from assistants.vendor_shapes import MAX_FALLBACKS

TURNS: Final = "speech_config.turn_taking"
SILENCE: Final = "speech_config.silence"
PLACE: Final = "speech_config.background_audio"

# Answer to the path of its value.
PLAIN: Final = {
    "name": "name",
    "business_name": "business_name",
    "first_message": "first_message",
    "first_message_outbound": "speech_config.first_message_outbound",
    "temperature": "llm_config.temperature",
    "end_call_message": "speech_config.end_call_message",
    "voicemail_detection": "voicemail_detection",
    "voicemail_message": "voicemail_message",
    "autonomous_silence_handling": "autonomous_silence_handling",
    "silence_final_message": f"{SILENCE}.final_message",
    "silence_first_check": f"{SILENCE}.first_check_seconds",
    "silence_interval": f"{SILENCE}.interval_seconds",
    "silence_max_attempts": f"{SILENCE}.max_attempts",
    "endpointing_min_delay": f"{TURNS}.endpointing_min_delay",
    "endpointing_max_delay": f"{TURNS}.endpointing_max_delay",
    "interruption_min_duration": f"{TURNS}.interruption_min_duration",
    "interruption_min_words": f"{TURNS}.interruption_min_words",
    "false_interruption_timeout": f"{TURNS}.false_interruption_timeout",
    "background_enabled": f"{PLACE}.enabled",
    "background_clip": f"{PLACE}.clip",
    "background_volume": f"{PLACE}.volume",
}
# What the stand-ins of a stage are called.
STAND_INS: Final = {"llm": "model", "stt": "listener", "tts": "voice"}
# One entry per line.
LINES: Final = {
    "notification_emails": "notification_emails",
    "silence_messages": f"{SILENCE}.messages",
    "end_call_phrases": "speech_config.end_call_phrases",
}
# The first of these that a path begins with is where its error stands.
_PLACES: Final = (
    *PLACES,
    ("llm_config.messages[0]", "instructions"),
    ("llm_config.messages", "examples"),
    ("llm_config.voice", "voice"),
    ("llm_config.provider", "model"),
    ("llm_config.model", "model"),
    ("stt_config.language", "language"),
    ("stt_config.provider", "listener"),
    ("stt_config.model", "listener"),
    ("tts_config.language", "language"),
    ("tts_config.provider", "voice"),
    ("tts_config.voice_id", "voice"),
    ("tts_config.model", "voice_model"),
    ("speech_config.pronunciation", "pronunciation"),
    ("max_duration_seconds", "max_duration_minutes"),
    (TURNS, "endpointing_max_delay"),
)
ARROW: Final = "="


def put(values: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at "a.b.c"."""
    *parents, last = path.split(".")
    for name in parents:
        values = values.setdefault(name, {})
    values[last] = value


def take(values: dict[str, Any], path: str) -> Any:
    """Return the value at "a.b.c"; None where there is nothing."""
    found: Any = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def stand_in_names(stage: str) -> list[str]:
    """Return the controls of a stage's stand-ins, in their order."""
    name = f"fallback_{STAND_INS[stage]}"
    return [name, *(f"{name}_{n}" for n in range(2, MAX_FALLBACKS + 1))]


def place_of(param: str) -> str | None:
    """Return the control beside which an error about `param` belongs."""
    if found := re.match(r"(llm|stt|tts)_config\.fallbacks(?:\[(\d)\])?", param):
        return stand_in_names(found[1])[int(found[2] or 0)]
    bare = re.sub(r"\[\d+\]$", "", param)
    for answer, path in (*PLAIN.items(), *LINES.items()):
        if bare == path:
            return answer
    for start, answer in _PLACES:
        if param.startswith(start):
            return answer
    stage, _dot, name = bare.partition("_config.")
    return f"{stage}.{name}" if name and stage in ("llm", "stt", "tts") else None


def pronunciation_of(text: str) -> list[dict[str, str]]:
    """Read "word = how it is said", one per line."""
    entries = []
    for line in lines_of(text):
        before, arrow, after = line.partition(ARROW)
        # A line without "=" has no `from`, which the spec refuses by its number.
        entries.append({"from": before.strip() if arrow else "", "to": after.strip()})
    return entries


def values_of(answers: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Return the spec's values that these answers give; the rest is as in `base`."""
    values = dict(base)
    for name in ("llm_config", "speech_config"):
        values[name] = dict(base.get(name) or {})
    for name in ("turn_taking", "silence", "background_audio"):
        part = values["speech_config"].get(name) or {}
        values["speech_config"][name] = dict(part)
    for answer, path in PLAIN.items():
        value = answers[answer]
        put(values, path, None if value == "" else value)
    for answer, path in LINES.items():
        put(values, path, lines_of(answers[answer]))
    values["notification_emails"] = values["notification_emails"] or None
    values["speech_config"]["pronunciation"] = pronunciation_of(
        answers["pronunciation"]
    )
    values["max_duration_seconds"] = round(answers["max_duration_minutes"] * 60)
    # The older name of the first check must not tell another time than the newer one.
    if values.get("silence_timeout_seconds") != answers["silence_first_check"]:
        values["silence_timeout_seconds"] = None
    after = base.get("after_call_transcription")
    values |= advanced_values(answers)
    if after and after["provider"] == answers["after_call_provider"]:
        values["after_call_transcription"] = after  # with its model and language
    return values


def answers_of(spec: AssistantSpec) -> dict[str, Any]:
    """Return the answers that give this spec."""
    values = spec.model_dump(by_alias=True)
    answers = {answer: take(values, path) for answer, path in PLAIN.items()}
    answers |= {
        answer: "\n".join(take(values, path) or ()) for answer, path in LINES.items()
    }
    return (
        answers
        | advanced_answers(spec)
        | {
            "instructions": spec.llm_config.instructions,
            "examples": lines_of_turns(_examples(values["llm_config"]["messages"])),
            "pronunciation": "\n".join(
                f"{entry.from_} {ARROW} {entry.to}"
                for entry in spec.speech_config.pronunciation
            ),
            "max_duration_minutes": _minutes(spec.max_duration_seconds),
            "may_hang_up": any(t.type == "end_call" for t in spec.llm_config.tools),
        }
    )


def messages_of(
    answers: dict[str, Any], before: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what the model is told first; as it was where nothing is new.

    Somebody may have given instructions in pieces, over the API.
    """
    told, shown = answers["instructions"], answers["examples"]
    examples = _examples(before)
    pieces = [one["content"] for one in before if one["role"] == "system"]
    is_told = told == "\n\n".join(pieces)
    if shown == turns_of_lines(lines_of_turns(examples)):
        if is_told:
            return list(before)
        shown = examples
    return [{"role": "system", "content": told}, *shown]


def _examples(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in messages if one["role"] != "system"]


def _minutes(seconds: int) -> float | int:
    """Two places of a minute are enough to come back to the same second."""
    minutes = round(seconds / 60, 2)
    return int(minutes) if minutes.is_integer() else minutes
