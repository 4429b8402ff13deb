"""The events there are, and which of them an endpoint wants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ASSISTANT_REQUEST: Final = "assistant-request"
TOOL_CALLS: Final = "tool-calls"
STATUS_UPDATE: Final = "status-update"
END_OF_CALL_REPORT: Final = "end-of-call-report"
TEST: Final = "test"

# A call waits for the answer; there is nothing to send again.
ANSWERED: Final = frozenset({ASSISTANT_REQUEST, TOOL_CALLS})
# What an assistant's own address may ask for.
OF_ASSISTANTS: Final = (
    ASSISTANT_REQUEST,
    STATUS_UPDATE,
    TOOL_CALLS,
    END_OF_CALL_REPORT,
)
# Kinds with a dot belong to a family, which an endpoint may want as a whole.
CHOICES: Final[dict[str, str | Promise]] = {
    ASSISTANT_REQUEST: _("Assistant request: choose the assistant of a call"),
    TOOL_CALLS: _("Tool calls: run the functions of an assistant"),
    STATUS_UPDATE: _("Status update: a call began or ended"),
    END_OF_CALL_REPORT: _("End of call report: summary, analysis and transcript"),
    "campaign.*": _("Campaigns: launched, paused, completed"),
    "lead.*": _("Leads: reached, given up, skipped"),
    "credits.*": _("Credits: low, exhausted"),
    "recording.*": _("Recordings: ready"),
}
_FAMILIES: Final = tuple(name[:-1] for name in CHOICES if name.endswith(".*"))


def is_kind(kind: str) -> bool:
    """Whether an event may be called so."""
    return kind in CHOICES or kind.startswith(_FAMILIES) or kind == TEST


def names_of(kind: str) -> list[str]:
    """Return what an endpoint may list to be told of a kind: it, its family, or all."""
    return [kind, f"{kind.partition('.')[0]}.*", "*"]


def is_wanted(kind: str, events: Iterable[str]) -> bool:
    """Whether a list of kinds and families holds this kind."""
    return not set(names_of(kind)).isdisjoint(events)


def unknown(events: Iterable[str]) -> list[str]:
    """Return the words that are no kind, family or ``*``."""
    return [
        name for name in events if name != "*" and not (is_kind(name) and name != TEST)
    ]
