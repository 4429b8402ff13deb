"""Names that older clients of the public API send, put where they stand today."""

from __future__ import annotations

from typing import Any


def modernised(values: dict[str, Any]) -> dict[str, Any]:
    """Return a request's body in today's names; a newer name beside wins.

    `silence_timeout_seconds` was the first check before `speech_config.silence` was.
    Where only the newer name is given the older one is emptied, so that what is kept
    does not tell two times.
    """
    seconds = values.get("silence_timeout_seconds")
    speech = values.get("speech_config") or {}
    silence = (speech.get("silence") or {}) if isinstance(speech, dict) else None
    if not isinstance(silence, dict):
        return values
    if seconds is None:
        is_newer = silence.get("first_check_seconds") is not None
        return {**values, "silence_timeout_seconds": None} if is_newer else values
    silence = {"first_check_seconds": seconds, **silence}
    return {**values, "speech_config": {**speech, "silence": silence}}
