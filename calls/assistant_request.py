"""What a receiver may answer to `assistant-request`, read into one value.

    {}                                               the default assistant
    {"assistant": {…}}                               one of this call's own
    {"assistant_id": "…", "assistant_override": {…}} another, with blocks replaced
    {"max_duration_seconds": 300}                    one setting
    {"error": "text"}                                turn the caller away with these words

`metadata` may stand beside any of them, or inside the assistant's settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

MAX_ERROR_CHARACTERS: Final = 300


class BadAnswer(ValueError):
    """An answer that cannot be followed; the call goes on with its default."""


@dataclass(frozen=True)
class AssistantAnswer:
    """What the receiver wants; an empty one changes nothing."""

    error: str = ""
    assistant_id: UUID | None = None
    assistant: dict[str, Any] | None = None
    override: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def changes_nothing(self) -> bool:
        return self == AssistantAnswer()


def read_answer(value: object) -> AssistantAnswer:
    """Return an answer as a value, or raise `BadAnswer` that says what is wrong."""
    if not isinstance(value, dict):
        raise BadAnswer("The answer is no object.")
    error = value.get("error")
    if error is not None:
        if not isinstance(error, str) or not error.strip():
            raise BadAnswer("`error` is text.")
        return AssistantAnswer(error=error.strip()[:MAX_ERROR_CHARACTERS])
    assistant = _object(value, "assistant")
    override = _object(value, "assistant_override") or {}
    if assistant is not None and override:
        raise BadAnswer("Give `assistant` or `assistant_override`.")
    metadata = _object(value, "metadata") or {}
    inner = (assistant if assistant is not None else override).pop("metadata", None)
    if isinstance(inner, dict):
        metadata = inner | metadata
    duration = value.get("max_duration_seconds")
    if duration is not None:
        settings = override if assistant is None else assistant
        settings["max_duration_seconds"] = duration
    return AssistantAnswer(
        assistant_id=_id(value),
        assistant=assistant,
        override=override,
        metadata=metadata,
    )


def _object(value: dict[str, Any], name: str) -> dict[str, Any] | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise BadAnswer(f"`{name}` is an object.")
    return dict(found)


def _id(value: dict[str, Any]) -> UUID | None:
    text = value.get("assistant_id", value.get("agent_id"))
    if text is None:
        return None
    try:
        return UUID(str(text))
    except ValueError as error:
        raise BadAnswer("`assistant_id` is no id.") from error
