"""The button on somebody's own site: its page for visitors, and the page that sets it up."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants.models import Assistant
from assistants.pages import page_of
from assistants.queries import get_assistant
from billing.errors import NotEnoughCredits
from calls.browser import browser_ticket, widget_snippet
from calls.errors import CallRefused
from calls.models import Widget
from calls.queries import find_widget_of
from calls.services.widgets import (
    BadPass,
    NotNow,
    find_widget,
    issue_pass,
    remove_widget,
    save_widget,
    site_of_pass,
    start_from_widget,
)
from calls.sites import BadSite, parse_site
from calls.widget_form import WidgetForm
from portal.api.errors import error_body
from portal.headers import uses_microphone
from portal.http import MemberRequest, PortalRequest
from portal.permissions import Permission, public, requires
from portal.proxy import client_address


@require_GET
@public
@uses_microphone
@xframe_options_exempt
def widget_frame(request: PortalRequest, widget_id: UUID) -> HttpResponse:
    """The button and the call behind it, framed by the sites of the widget's owner.

    Open to anyone: it is for visitors of those sites. It sets no cookie and reads none,
    because browsers keep both from a frame of another site.
    """
    widget = _shown(request, widget_id)
    ticket = issue_pass(widget, site=_site_around(request))
    response = render(
        request,
        "calls/widget_frame.html",
        {
            "widget": widget,
            "start_url": reverse("widget_start", args=[widget.pk, ticket]),
        },
    )
    # Read by the middleware that writes the policy. The portal's own pages show a preview.
    response._csp_replace = {"frame-ancestors": ["'self'", *widget.sites]}  # type: ignore[attr-defined]  # the library's own way
    response["Cache-Control"] = "no-store"
    return response


@csrf_exempt
@require_POST
@public
def widget_start(request: PortalRequest, widget_id: UUID, ticket: str) -> JsonResponse:
    """Answer 201 with what a visitor's browser needs to join, or say that it is not now.

    Open to anyone who has our page of this widget: the ticket in the address says so,
    as a cookie would elsewhere, and a page of another site cannot ask.
    """
    widget = _shown(request, widget_id)
    try:
        if not _is_own_page(request):
            raise BadPass
        site = site_of_pass(ticket, widget)
    except BadPass:
        text = _("This page was open for too long. Load it again, then call.")
        return JsonResponse(error_body("forbidden", text), status=403)
    try:
        started = start_from_widget(
            widget=widget, address=client_address(request) or "", site=site
        )
    except (NotNow, NotEnoughCredits, CallRefused):
        # Why is for the owner of the assistant, who sees it on the pages; not for strangers.
        text = _("Nobody can take your call at the moment. Please try again later.")
        return JsonResponse(error_body("call_refused", text), status=409)
    return JsonResponse(
        browser_ticket(started, host=request.get_host(), is_secure=request.is_secure()),
        status=201,
    )


def _is_own_page(request: HttpRequest) -> bool:
    """Whether a page of this very host asks, as far as browsers tell."""
    origin = request.headers.get("Origin", "")
    return urlsplit(origin).netloc == request.get_host()


def _site_around(request: HttpRequest) -> str:
    """Return the site whose page frames us, as far as the browser tells."""
    try:
        return parse_site(request.headers.get("Referer", ""))
    except BadSite:
        return ""


def _shown(request: PortalRequest, widget_id: UUID) -> Widget:
    if request.portal is None:
        raise Http404
    widget = find_widget(widget_id=widget_id, agency_id=request.portal.agency_id)
    if widget is None:
        raise Http404
    return widget


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def assistant_widget(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Set up the button: where it may appear, what it says; the code for the site."""
    assistant = get_assistant(assistant_id)
    widget = find_widget_of(assistant)
    form = WidgetForm(
        request.POST or None,
        instance=widget,
        initial=None if widget else {"title": _("Talk to us")},
    )
    if request.method == "POST" and form.is_valid():
        save_widget(assistant=assistant, actor=request.user, **form.cleaned_data)
        messages.success(request, _("Saved. The next visitor sees it."))
        return redirect("assistant_widget", assistant.pk)
    context = _page(request, assistant, widget) | {"form": form}
    status = 422 if form.errors else 200
    return render(request, "calls/assistant_widget.html", context, status=status)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_widget_remove(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Take the button from every site."""
    assistant = get_assistant(assistant_id)
    if (widget := find_widget_of(assistant)) is not None:
        remove_widget(widget=widget, actor=request.user)
        messages.success(request, _("The button is gone from every site."))
    return redirect("assistant_widget", assistant.pk)


def _page(
    request: MemberRequest, assistant: Assistant, widget: Widget | None
) -> dict[str, Any]:
    context = page_of(request, assistant) | {"widget": widget}
    if widget is not None:
        context["snippet"] = widget_snippet(widget)
        context["frame_url"] = reverse("widget_frame", args=[widget.pk])
    return context
