"""What the page of one call shows, in a handful of queries whatever its length."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext as _, gettext_lazy

from assistants.catalogue import Stage, catalogue
from calls.call_costs import cost_lines
from calls.models import Call, CallAnalysis, CallEvent, RecordingConsent, Transfer
from calls.queries import has_assistant_left
from common.local_numbers import local_credits, local_number
from portal.statuses import status_look
from portal.templatetags.ui import duration

EVIDENCE: Final = {
    "words": gettext_lazy("what was said"),
    "beep": gettext_lazy("a beep"),
    "fax": gettext_lazy("the tone of a fax machine"),
    "length": gettext_lazy("a long greeting"),
    "hello": gettext_lazy("a short hello"),
    "silence": gettext_lazy("nothing was said"),
    "music": gettext_lazy("music, and no words"),
}
ANSWERED_BY: Final = {
    "person": gettext_lazy("A person answered"),
    "machine": gettext_lazy("A voicemail answered"),
    "unsure": gettext_lazy("Not sure who answered"),
}
GOOD_MOS: Final = 4.0
FAIR_MOS: Final = 3.5


class Phase(StrEnum):
    """Whom there is to listen to and to steer; a page that shows another one is renewed."""

    WAITING = "waiting"  # nobody has answered yet
    ASSISTANT = "assistant"
    PERSON = "person"  # the assistant has left, perhaps for a while; the call goes on
    OVER = "over"


def call_context(call: Call) -> dict[str, Any]:
    """Return what the call page shows."""
    turns = list(call.turns.all())
    events = list(call.events.filter(kind__in=KINDS))
    handed = list(call.transfers.all())
    phase = _phase(call, events, handed)
    consent = RecordingConsent.objects.filter(call=call).first()
    asked = asked_ms(call, consent)
    waits = [turn.response_ms for turn in turns if turn.response_ms is not None]
    return {
        "call": call,
        "phase": phase,
        "is_taken": phase is Phase.PERSON,
        "length_ms": length_ms(call, asked),
        "length_note": length_note(asked),
        "facts": facts(call),
        "analysis": getattr(call, "analysis", None),
        "findings": finding_facts(getattr(call, "analysis", None)),
        "turns": turns,
        "timed_turns": [turn for turn in turns if turn.response_ms is not None],
        "slowest_ms": max(waits, default=0),
        "typical_ms": sorted(waits)[len(waits) // 2] if waits else None,
        "costs": cost_lines(call),
        "tools": [event for event in events if event.kind == "tool_called"],
        "replaced": [
            replacement(event) for event in events if event.kind == "vendor_replaced"
        ],
        "happenings": [shown for event in events for shown in _happening(event)],
        "transfers": transfers(handed),
        "consent": consent_facts(consent),
        "quality": quality_facts(call.quality),
    }


def _phase(
    call: Call, events: Sequence[CallEvent], handed: Sequence[Transfer]
) -> Phase:
    if not call.is_live:
        return Phase.OVER
    if call.status != Call.Status.IN_PROGRESS:
        return Phase.WAITING
    kinds, statuses = [one.kind for one in events], [one.status for one in handed]
    return Phase.PERSON if has_assistant_left(kinds, statuses) else Phase.ASSISTANT


def finding_facts(analysis: CallAnalysis | None) -> list[dict[str, Any]]:
    """Return what was found after the call, a fact a line."""
    if analysis is None or not analysis.data:
        return []
    words = {True: gettext("yes"), False: gettext("no")}
    return [
        {
            "label": name.replace("_", " ").capitalize(),
            "value": words[value]
            if isinstance(value, bool)
            else value
            if isinstance(value, str | int | float)
            else json.dumps(value, ensure_ascii=False),
        }
        for name, value in analysis.data.items()
    ]


STAGE_LABELS: Final = {
    "stt": gettext_lazy("Speech recognition"),
    "llm": gettext_lazy("Model"),
    "tts": gettext_lazy("Voice"),
}


def replacement(event: CallEvent) -> dict[str, Any]:
    """Return who stood in for whom in a call, in the catalogue's names."""
    stage = event.data["stage"]
    names = {
        role: provider.label if provider else event.data[role]
        for role in ("provider", "stand_in")
        for provider in [catalogue().find(Stage(stage), event.data[role])]
    }
    return {"stage": STAGE_LABELS[stage], "at_ms": event.at_ms, **names}


def length_ms(call: Call, asked_ms: int = 0) -> int:
    """Return how long a call lasted, or has lasted so far, as it is billed.

    Recording and transcript count from the answer, and so have what comes before the
    conversation in them: `asked_ms`.
    """
    if call.is_live and call.started_at:
        lasted = timezone.now() - call.started_at
        return max(0, round(lasted.total_seconds() * 1000) - asked_ms)
    return call.duration_ms


def asked_ms(call: Call, consent: RecordingConsent | None) -> int:
    """Return for how long a caller was asked for consent, ahead of the conversation."""
    if consent is None or call.started_at is None:
        return 0
    asked = consent.answered_at - call.started_at
    return max(0, round(asked.total_seconds() * 1000))


def length_note(asked_ms: int) -> str:
    """Return why a call's length is not that of its recording; else nothing."""
    if not asked_ms:
        return ""
    return _("Without the %(length)s in which consent was asked for") % {
        "length": duration(asked_ms)
    }


def facts(call: Call) -> list[dict[str, str]]:
    """Return what else is known of a call, as label and value."""
    look = status_look(call.end_reason) if call.end_reason else None
    shown: list[tuple[str, str]] = [
        (_("Call id"), str(call.pk)),
        (_("Ended because"), str(look.label) if look else ""),
        (_("The carrier said"), call.carrier_code),
        (_("Fault of"), call.fault_owner),
        (_("From"), call.caller_number),
        (_("To"), call.callee_number),
        (_("Trunk"), call.trunk.name if call.trunk else ""),
        (_("Assistant version"), str(call.version.number) if call.version else ""),
        (_("Billed"), _("%(count)s seconds") % {"count": call.billed_seconds}),
        (
            _("Price"),
            _("%(price)s credits a minute")
            % {"price": local_credits(call.price_microcredits_per_minute)},
        ),
        (_("Connected in"), f"{call.setup_ms} ms" if call.setup_ms is not None else ""),
    ]
    return [{"label": label, "value": value} for label, value in shown if value]


def quality_facts(quality: dict[str, Any]) -> list[dict[str, str]]:
    """Return how the line was, from good to bad; nothing for a call without audio."""
    if not quality.get("received_packets"):
        return []
    received, lost = quality["received_packets"], quality.get("lost_packets") or 0
    mos = quality.get("mos")
    shown = [
        (_("Sound"), _sound(mos)),
        (_("Codec"), quality.get("codec") or ""),
        (_("Packets lost"), _percent(100 * lost / max(1, received + lost))),
        (_("Jitter"), f"{quality.get('jitter_ms') or 0:.0f} ms"),
        (_("Round trip"), _milliseconds(quality.get("round_trip_ms"))),
        (_("Filled in"), _milliseconds(quality.get("concealed_ms") or None)),
        (_("They lost of ours"), _percent(quality.get("remote_lost_percent"))),
    ]
    return [{"label": label, "value": value} for label, value in shown if value]


def _sound(mos: float | None) -> str:
    if not mos:
        return ""
    best = local_number("4.5")
    return f"{local_number(f'{mos:.1f}')} / {best} · {_mos_word(mos)}"


def _mos_word(mos: float) -> str:
    if mos >= GOOD_MOS:
        return _("good")
    return _("fair") if mos >= FAIR_MOS else _("poor")


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} ms"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{local_number(f'{value:.1f}')} %"


def transfers(rows: Sequence[Transfer]) -> list[dict[str, Any]]:
    """Return the tries to hand the caller on, as the timeline component draws them."""
    tones = {
        Transfer.Status.FAILED: ("danger", "error"),
        Transfer.Status.DONE: ("success", "check"),
        Transfer.Status.BRIDGED: ("success", "check"),
    }
    return [
        {
            "title": row.destination or "—",
            "text": " · ".join(
                str(part)
                for part in (
                    row.get_kind_display(),
                    row.get_status_display(),
                    _not_handed_on(row.reason),
                    row.detail,
                )
                if part
            ),
            "tone": tones.get(Transfer.Status(row.status), ("info", ""))[0],
            "icon": tones.get(Transfer.Status(row.status), ("", "phone-outgoing"))[1],
            "at": date_format(timezone.localtime(row.asked_at), "H:i:s"),
        }
        for row in rows
    ]


def _not_handed_on(reason: str) -> str:
    """Return why a transfer did not come about, in words."""
    words = {
        "bad_destination": _("No number that can be called"),
        "not_allowed": _("This number may not be called"),
        "no_trunk": _("No trunk for calls out"),
        "region": _("Kept from there by the privacy settings"),
        "trunk_full": _("All lines out in use"),
        "refused": _("Turned away"),
        "busy": _("Busy"),
        "no_answer": _("No answer"),
        "declined": _("The person declined"),
        "not_accepted": _("Nobody pressed 1"),
        "caller_left": _("Caller hung up"),
        "failed": _("No connection"),
    }
    return words.get(reason, reason)


def consent_facts(consent: RecordingConsent | None) -> list[dict[str, Any]]:
    """Return the proof of a caller's consent, or of its absence."""
    if consent is None:
        return []
    proof = consent.digest if consent.is_intact else _("The record was altered.")
    shown = [
        (_("Answer"), consent.get_answer_display()),
        (_("How"), consent.get_way_display() if consent.way else ""),
        (_("Heard"), consent.heard),
        (_("When"), consent.answered_at.strftime("%Y-%m-%d %H:%M:%S %Z")),
        (_("Asked"), _("%(count)s times") % {"count": consent.asked_count}),
        (_("Question"), consent.question),
    ]
    rows: list[dict[str, Any]] = [
        {"label": label, "value": value} for label, value in shown if value
    ]
    return [*rows, {"label": _("Proof"), "value": proof, "mono": True}]


Shown = dict[str, Any]


def _turned_away(event: CallEvent) -> Shown:
    message = event.whole.get("message")
    return {
        "title": _("Turned away"),
        "text": _("The caller heard: %(message)s") % {"message": message}
        if message
        else _("The network told the caller."),
        "tone": "warning",
        "icon": "phone-off",
    }


def _answered_by(event: CallEvent) -> Shown:
    found = [str(EVIDENCE.get(one, one)) for one in event.data.get("evidence", ())]
    return {
        "title": ANSWERED_BY.get(event.data.get("by", ""), event.data.get("by")),
        "text": _("By %(evidence)s") % {"evidence": ", ".join(found)},
        "tone": "info",
        "icon": "inbox" if event.data.get("by") == "machine" else "user",
    }


def _listened(event: CallEvent) -> Shown:
    who = event.data.get("who", "")
    return {
        "title": _("%(who)s listened in") % {"who": who},
        "tone": "info",
        "icon": "headphones",
    }


def _whispered(event: CallEvent) -> Shown:
    who = event.data.get("who", "")
    return {
        "title": _("%(who)s whispered to the assistant") % {"who": who},
        "tone": "info",
        "icon": "headphones",
    }


def _taken_over(event: CallEvent) -> Shown:
    who = event.data.get("who", "")
    return {
        "title": _("%(who)s took the call over") % {"who": who},
        "tone": "success",
        "icon": "headphones",
    }


def _given_back(event: CallEvent) -> Shown:
    who = event.data.get("who", "")
    text = _("The connection was lost, so the assistant went on by itself.")
    return {
        "title": _("%(who)s gave the call back to the assistant") % {"who": who},
        "text": text if event.data.get("is_lost") else "",
        "tone": "warning" if event.data.get("is_lost") else "success",
        "icon": "assistant",
    }


def _trouble(event: CallEvent) -> Shown:
    return {
        "title": _("Trouble with %(provider)s")
        % {"provider": event.data.get("provider", "")},
        "text": event.whole.get("message", ""),
        "tone": "danger" if event.data.get("is_fatal") else "warning",
        "icon": "alert",
    }


_SHOWN: Final[dict[str, Callable[[CallEvent], Shown]]] = {
    "turned_away": _turned_away,
    "answered_by": _answered_by,
    "listened": _listened,
    "whispered": _whispered,
    "taken_over": _taken_over,
    "given_back": _given_back,
    "vendor_trouble": _trouble,
}


KINDS: Final = [*_SHOWN, "tool_called", "vendor_replaced"]


def _happening(event: CallEvent) -> list[Shown]:
    if (draw := _SHOWN.get(event.kind)) is None:
        return []
    is_within = event.at_ms is not None  # else before anybody could talk
    at = {"at_ms": event.at_ms} if is_within else {"at": f"{event.at:%H:%M:%S}"}
    return [draw(event) | at]
