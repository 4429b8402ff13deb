"""Example turns of a prompt, as lines that people write.

    Caller: Are you open on Sunday?
    Assistant: No, on Monday from nine again.

A line without a name belongs to the turn above it. Names are read in the language of
the page, and in English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _, gettext_lazy

_NAMES: Final = {
    "user": ("Caller", gettext_lazy("Caller")),
    "assistant": ("Assistant", gettext_lazy("Assistant")),
}


class UnreadableTurns(ValueError):
    """Lines that begin with nobody's name; the message is for people."""


def lines_of_turns(turns: Iterable[Mapping[str, Any]]) -> str:
    """Return turns as text that `turns_of_lines` reads."""
    return "\n".join(f"{_NAMES[one['role']][1]}: {one['content']}" for one in turns)


def turns_of_lines(text: str) -> list[dict[str, str]]:
    """Return the turns that a text names, or raise `UnreadableTurns`."""
    turns: list[dict[str, str]] = []
    for line in text.strip().splitlines():
        found = _begun(line)
        if found is not None:
            turns.append(found)
        elif turns:
            turns[-1]["content"] += f"\n{line.rstrip()}"
        elif line.strip():
            raise UnreadableTurns(
                _("Begin the first line with “%(caller)s:” or “%(assistant)s:”.")
                % {"caller": _NAMES["user"][1], "assistant": _NAMES["assistant"][1]}
            )
    said = [{**turn, "content": turn["content"].strip()} for turn in turns]
    return [turn for turn in said if turn["content"]]


def _begun(line: str) -> dict[str, str] | None:
    """Return the turn that a line begins."""
    name, colon, words = line.partition(":")
    for role, names in _NAMES.items():
        if colon and name.strip().lower() in {str(one).lower() for one in names}:
            return {"role": role, "content": words.strip()}
    return None
