"""An invented message of every kind, for tests by hand and for the documentation."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

_CALL_ID: Final = "01977d5e-7c00-7000-8000-000000000001"

ENVELOPE: Final[dict[str, Any]] = {
    "call": {
        "id": _CALL_ID,
        "type": "inbound_phone_call",
        "status": "in-progress",
        "pipeline": "standard",
    },
    "phone_number": {
        "id": "01977d5e-7c00-7000-8000-000000000002",
        "number": "+31201234567",
        "name": "Front desk",
    },
    "customer": {"number": "+31612345678"},
    "assistant": {
        "id": "01977d5e-7c00-7000-8000-000000000003",
        "name": "Front desk",
    },
    "metadata": {"order": "A-1042"},
}
_OWN: Final[dict[str, dict[str, Any]]] = {
    "assistant-request": {},
    "tool-calls": {
        "tool_call_list": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "check_slot", "arguments": {"day": "2026-03-31"}},
            }
        ]
    },
    "status-update": {"status": "in-progress"},
    "end-of-call-report": {
        "duration_seconds": 84,
        "end_reason": "user_hangup",
        "started_at": "2026-03-31T09:00:00+00:00",
        "ended_at": "2026-03-31T09:01:24+00:00",
        "summary": "The caller asked for an appointment on Tuesday and got one.",
        "messages": [
            {"role": "assistant", "content": "Hello, how can I help you?"},
            {"role": "user", "content": "I would like an appointment."},
        ],
        "analysis": {"sentiment": 8, "question_answered": True},
        "recording_url": None,
        "transfers": [
            {
                "id": "4dbd2b9e-27c1-4a6e-9d5b-6b4f0c2f1a10",
                "kind": "warm",
                "destination": "+31205551234",
                "asked_by": "assistant",
                "method": "bridge",
                "status": "failed",
                "reason": "not_accepted",
                "detail": None,
                "asked_at": "2026-03-31T09:00:41+00:00",
                "answered_at": "2026-03-31T09:00:52+00:00",
                "bridged_at": None,
                "ended_at": "2026-03-31T09:01:06+00:00",
            }
        ],
    },
}
_OTHERS: Final[dict[str, dict[str, Any]]] = {
    "campaign": {"campaign": {"id": _CALL_ID, "name": "Spring", "status": "completed"}},
    "lead": {"lead": {"id": _CALL_ID, "phone_number": "+31612345678"}},
    "credits": {"credits": {"available": "12.5"}},
    "recording": {"recording_url": "https://portal.example/recording"},
}


def sample(kind: str) -> dict[str, Any]:
    """Return what a message of this kind holds beside its type and time."""
    if (family := kind.partition(".")[0]) in _OTHERS:
        return deepcopy(_OTHERS[family])
    return deepcopy(ENVELOPE | _OWN.get(kind, {}))
