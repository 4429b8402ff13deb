"""What webhooks tell of a call: the envelope that every one of its events shares."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from assistants.without_secrets import without_secrets
from calls.models import Call
from calls.session.events import EndReason
from portal.webhooks import kinds, record_event

_TYPES: Final = {
    Call.Direction.INBOUND: "inbound_phone_call",
    Call.Direction.OUTBOUND: "outbound_phone_call",
    Call.Direction.WEB: "web_call",
}
# Nothing broke: somebody did not answer, or would not.
_NO_ERROR: Final = frozenset(
    {
        EndReason.NO_ANSWER,
        EndReason.BUSY,
        EndReason.REJECTED,
        EndReason.NEVER_CONNECTED,
    }
)
# What to load with a call whose envelope is wanted.
LOADED: Final = ("organization", "version", "assistant", "number")


def call_envelope(call: Call) -> dict[str, Any]:
    """Return call, number, customer, assistant and metadata as documented.

    In a browser call numbers are null. Secrets of the assistant's settings are left out.
    """
    is_web = call.direction == Call.Direction.WEB
    number = None if is_web else call.number
    ours = call.caller_number
    if call.direction == Call.Direction.INBOUND:
        ours = call.callee_number
    return {
        "call": {
            "id": str(call.pk),
            "type": _TYPES[Call.Direction(call.direction)],
            "status": call.status,
            "pipeline": "realtime" if _is_realtime(call) else "standard",
        },
        "phone_number": {
            "id": str(number.pk) if number else None,
            "number": (number.number if number else ours) or None,
            "name": (number.name if number else "") or None,
        },
        "customer": {"number": None if is_web else call.other_number or None},
        "assistant": assistant_of(call),
        "metadata": call.metadata,
    }


def assistant_of(call: Call) -> dict[str, Any]:
    """Return the settings this call runs on, as the API shows them."""
    settings = settings_of(call)
    name = settings.get("name") or (call.assistant.name if call.assistant else None)
    return {
        "id": str(call.assistant_id) if call.assistant_id else None,
        **without_secrets(settings),
        "name": name,
    }


def settings_of(call: Call) -> dict[str, Any]:
    """Return the call's own settings, else those of its assistant's version."""
    own: dict[str, Any] | None = call.overrides.get("spec")
    if own is not None:
        return own
    return call.version.spec_json if call.version else {}


def tell_of_status(call: Call) -> UUID | None:
    """Record a status update of a call as it is now, in the caller's transaction."""
    data = call_envelope(call)
    if not call.is_live:
        data["end_reason"] = call.end_reason
        data["status"] = "ended"
        if call.error and call.end_reason not in _NO_ERROR:
            data |= {"status": "ended-with-error", "error": call.error}
    else:
        data["status"] = call.status
    return tell_of_call(call, kinds.STATUS_UPDATE, data)


def tell_of_call(
    call: Call, kind: str, data: dict[str, Any], *, is_sealed: bool = False
) -> UUID | None:
    """Record an event of a call for whoever its assistant, or organization, tells."""
    return record_event(
        organization=call.organization,
        kind=kind,
        data=data,
        call_id=call.pk,
        assistant_id=call.overrides.get("webhook_id") or call.assistant_id,
        is_sealed=is_sealed,
    )


def _is_realtime(call: Call) -> bool:
    return bool(call.overrides or call.version) and not settings_of(call).get(
        "stt_config", True
    )
