"""Steering and hearing a call that goes on, from its page."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_POST

from calls.errors import CallNotActive
from calls.forms_live import KeysForm, TransferForm, WordsForm
from calls.media.ice import ice_servers_for_browser
from calls.models import Call
from calls.queries import get_call
from calls.services import control
from calls.services.listening import start_listening
from calls.services.transfers import TransferNotPossible
from portal.api.errors import error_body
from portal.api.limits import RateExceeded, count_command
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_POST
@requires(Permission.CALLS_CONTROL)
def call_say(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """Let the assistant say this, word for word."""
    form = WordsForm(request.POST)
    call = get_call(call_id)
    if not form.is_valid():
        return _answer(request, call, _("Write what the assistant is to say."), False)
    words = form.cleaned_data["words"]
    return _do(
        request,
        call,
        lambda: control.say(call=call, text=words, actor=request.user),
        _("The assistant says it now."),
    )


@require_POST
@requires(Permission.CALLS_CONTROL)
def call_tell(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """Whisper to the assistant: it knows, and the caller hears nothing."""
    form = WordsForm(request.POST)
    call = get_call(call_id)
    if not form.is_valid():
        return _answer(request, call, _("Write what the assistant is to know."), False)
    words = form.cleaned_data["words"]
    return _do(
        request,
        call,
        lambda: control.inject_context(
            call=call, content=words, trigger_response=True, actor=request.user
        ),
        _("The assistant knows it now."),
    )


@require_POST
@requires(Permission.CALLS_CONTROL)
def call_transfer(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """Hand the caller on to a number."""
    form = TransferForm(request.POST)
    call = get_call(call_id)
    if not form.is_valid():
        return _answer(request, call, _("Write the number to hand over to."), False)
    return _do(
        request,
        call,
        lambda: control.transfer(call=call, actor=request.user, **form.cleaned_data),
        _("The caller is being handed over."),
    )


@require_POST
@requires(Permission.CALLS_CONTROL)
def call_keys(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """Press keys on the line."""
    form = KeysForm(request.POST)
    call = get_call(call_id)
    if not form.is_valid():
        return _answer(request, call, _("Keys are 0–9, * and #."), False)
    digits = form.cleaned_data["digits"]
    return _do(
        request,
        call,
        lambda: control.send_digits(call=call, digits=digits, actor=request.user),
        _("The keys are being pressed."),
    )


@require_POST
@requires(Permission.CALLS_CONTROL)
def call_mute(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """Let the assistant neither speak nor listen."""
    return _quiet(request, call_id, is_quiet=True)


@require_POST
@requires(Permission.CALLS_CONTROL)
def call_unmute(request: MemberRequest, call_id: UUID) -> HttpResponse:
    """Let the assistant go on."""
    return _quiet(request, call_id, is_quiet=False)


@require_POST
@requires(Permission.CALLS_LISTEN)
def call_listen(request: MemberRequest, call_id: UUID) -> JsonResponse:
    """Answer 201 with what the browser needs to listen in, or say why not."""
    call = get_call(call_id)
    try:
        token = start_listening(call=call, actor=request.user)
    except CallNotActive:
        text = _("Nobody talks in this call, so there is nothing to hear.")
        return JsonResponse(error_body("call_not_active", text), status=400)
    scheme = "wss" if request.is_secure() else "ws"
    ticket = {
        "token": token,
        "server_url": f"{scheme}://{request.get_host()}/ws/calls/{call.pk}/listen/",
        "ice_servers": ice_servers_for_browser(
            stun_urls=settings.STUN_URLS,
            turn_urls=settings.TURN_URLS,
            turn_secret=settings.TURN_SECRET,
            user=str(call.pk),
        ),
    }
    return JsonResponse(ticket, status=201)


def _quiet(request: MemberRequest, call_id: UUID, *, is_quiet: bool) -> HttpResponse:
    call = get_call(call_id)
    text = _("The assistant is silent.") if is_quiet else _("The assistant goes on.")
    return _do(
        request,
        call,
        lambda: control.set_quiet(call=call, is_quiet=is_quiet, actor=request.user),
        text,
    )


def _do(
    request: MemberRequest, call: Call, command: Callable[[], object], done: str
) -> HttpResponse:
    """Send one command, ten a minute for each call, and say what became of it."""
    try:
        count_command(call.pk)
        command()
    except CallNotActive:
        return _answer(request, call, _("The call does not take this now."), False)
    except RateExceeded as error:
        text = ngettext(
            "Ten commands a minute are all a call takes. Wait %(count)d second.",
            "Ten commands a minute are all a call takes. Wait %(count)d seconds.",
            error.retry_after_s,
        ) % {"count": error.retry_after_s}
        return _answer(request, call, text, False)
    except (TransferNotPossible, ValueError) as error:
        return _answer(request, call, _(str(error)), False)
    return _answer(request, call, done, True)


def _answer(
    request: MemberRequest, call: Call, text: str, is_good: bool
) -> HttpResponse:
    if request.htmx and not request.htmx.boosted:
        return render(
            request,
            "calls/call_live.html#answer",
            {"text": text, "tone": "success" if is_good else "warning"},
        )
    (messages.success if is_good else messages.warning)(request, text)
    return redirect("call_detail", call.pk)
