"""Calling a number from the portal."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import NotEnoughCredits
from calls.errors import CallRefused
from calls.outbound_form import OutboundForm
from calls.services.outbound import place_call
from common.ids import uuid7
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_http_methods(["GET", "POST"])
@requires(Permission.CALLS_START)
def call_new(request: MemberRequest) -> HttpResponse:
    """Call somebody, then show the call as it goes on."""
    form = OutboundForm(
        request.POST if request.method == "POST" else None,
        initial={"assistant": request.GET.get("assistant", "")},
    )
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        first = wanted["first_message"]
        try:
            call = place_call(
                organization=request.organization,
                assistant=wanted["assistant"],
                destination=wanted["destination"],
                call_id=uuid7(),
                actor=request.user,
                number=wanted["number"],
                overrides={"first_message": first} if first else {},
            )
        except NotEnoughCredits:
            form.add_error(None, _("Not enough credits. Add credits, then try again."))
        except CallRefused as error:
            form.add_error(None, _(str(error)))
        else:
            return redirect("call_detail", call.pk)
    return render(
        request,
        "calls/call_form.html",
        {"form": form},
        status=422 if form.errors else 200,
    )
