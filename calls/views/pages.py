"""The list of calls and the page of one."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, gettext_lazy as _lazy
from django.views.decorators.http import require_GET, require_POST

from assistants.catalogue import Stage, catalogue
from calls.errors import CallNotActive
from calls.forms import CallFilterForm
from calls.models import Call, CallEvent
from calls.queries import filter_calls, get_call, visible_calls
from calls.services.control import stop_call
from common.money import format_credits
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.statuses import status_look

PAGE_SIZE = 25
STOP_POLLING = 286


@require_GET
@requires(Permission.CALLS_READ)
def call_list(request: MemberRequest) -> HttpResponse:
    """Every call of the organization, newest first, filtered and paged."""
    form = CallFilterForm(request.GET or None)
    chosen = form.chosen() if form.is_bound else {}
    calls = filter_calls(
        visible_calls(), time_zone=request.organization.time_zone, **chosen
    )
    page = Paginator(calls, PAGE_SIZE).get_page(request.GET.get("page"))
    template = "calls/call_list.html"
    if request.htmx and not request.htmx.boosted:
        template += "#rows"
    return render(
        request, template, {"page": page, "form": form, "is_filtered": bool(chosen)}
    )


@require_GET
@requires(Permission.CALLS_READ)
def call_detail(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """One call: what was said, how it sounded, how fast it was, what it cost."""
    return render(request, "calls/call_detail.html", call_context(get_call(call_id)))


@require_GET
@requires(Permission.CALLS_READ)
def call_progress(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """The moving part of a call page; 286 ends the polling once the call is over."""
    call = get_call(call_id)
    return render(
        request,
        "calls/call_detail.html#progress",
        call_context(call),
        status=200 if call.is_live else STOP_POLLING,
    )


@require_POST
@requires(Permission.CALLS_CONTROL)
def call_stop(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """End a call that goes on."""
    call = get_call(call_id)
    try:
        stop_call(call=call, actor=request.user)
    except CallNotActive:
        messages.info(request, _("The call was already over."))
    else:
        messages.success(request, _("The call is being ended."))
    return redirect("call_detail", call.pk)


def call_context(call: Call) -> dict[str, Any]:
    """Return what the call page shows; two queries whatever the length of the call."""
    turns = list(call.turns.all())
    waits = [turn.response_ms for turn in turns if turn.response_ms is not None]
    events = list(call.events.filter(kind__in=("tool_called", "vendor_replaced")))
    return {
        "call": call,
        "facts": facts(call),
        "turns": turns,
        "timed_turns": [turn for turn in turns if turn.response_ms is not None],
        "slowest_ms": max(waits, default=0),
        "typical_ms": sorted(waits)[len(waits) // 2] if waits else None,
        "tools": [event for event in events if event.kind == "tool_called"],
        "replaced": [
            replacement(event) for event in events if event.kind == "vendor_replaced"
        ],
    }


STAGE_LABELS: Final = {
    "stt": _lazy("Speech recognition"),
    "llm": _lazy("Model"),
    "tts": _lazy("Voice"),
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


def facts(call: Call) -> list[dict[str, str]]:
    """Return what else is known of a call, as label and value."""
    look = status_look(call.end_reason) if call.end_reason else None
    shown: list[tuple[str, str]] = [
        (_("Call id"), str(call.pk)),
        (_("Ended because"), str(look.label) if look else ""),
        (_("Fault of"), call.fault_owner),
        (_("Assistant version"), str(call.version.number) if call.version else ""),
        (_("Billed"), _("%(count)s seconds") % {"count": call.billed_seconds}),
        (
            _("Price"),
            _("%(price)s credits a minute")
            % {"price": format_credits(call.price_microcredits_per_minute)},
        ),
        (_("Connected in"), f"{call.setup_ms} ms" if call.setup_ms is not None else ""),
        (_("Packets lost"), str(call.quality.get("lost_packets", ""))),
    ]
    return [{"label": label, "value": value} for label, value in shown if value]
