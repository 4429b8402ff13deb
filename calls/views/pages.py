"""The list of calls and the page of one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from calls.call_page import Phase, call_context
from calls.errors import CallNotActive
from calls.forms import CallFilterForm
from calls.queries import filter_calls, get_call, visible_calls
from calls.services.control import stop_call
from portal.headers import uses_microphone
from portal.http import MemberRequest
from portal.permissions import Permission, requires

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
@uses_microphone  # to take a live call over
def call_detail(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """One call: what was said, how it sounded, how fast it was, what it cost."""
    return render(request, "calls/call_detail.html", call_context(get_call(call_id)))


@require_GET
@requires(Permission.CALLS_READ)
def call_progress(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """The moving part of a call page; 286 ends the polling once the call is over.

    What steers the call comes along only when it is another than the page has `seen`:
    half a sentence that somebody writes stays, and so does whom they listen to.
    """
    call = get_call(call_id)
    context = call_context(call)
    seen = request.GET.get("seen")
    context |= {
        "is_update": seen != context["phase"],
        "is_answered": seen == Phase.WAITING,
    }
    return render(
        request,
        "calls/call_detail.html#progress",
        context,
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
