"""Entering a client for a while, leaving it, and what the client sees of it."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.auth import SESSION_PORTAL, session_mark
from portal.http import MemberRequest, PortalRequest
from portal.middleware import SESSION_ORGANIZATION, SESSION_VISIT
from portal.models import Organization, Visit
from portal.permissions import Permission, public, requires, signed_in
from portal.scope import agency_scope
from portal.services import visits


class VisitForm(forms.Form):
    """Why, for how long, and whether to change things."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("The client reads it, with your name and the time."),
    )
    minutes = forms.TypedChoiceField(
        label=_("For"),
        coerce=int,
        choices=[
            (30, _("30 minutes")),
            (60, _("An hour")),
            (240, _("Four hours")),
        ],
    )
    may_write = forms.BooleanField(label=_("I need to change things"), required=False)


@require_http_methods(["GET", "POST"])
@requires(Permission.CLIENTS_VISIT)
def visit_start(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """Enter a client of this agency, with a reason and an end."""
    agency = request.organization
    with agency_scope(agency.pk):
        client = Organization.objects.filter(pk=client_id, parent=agency).first()
    if client is None:
        raise Http404
    form = VisitForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            visit = visits.start_visit(
                organization=client,
                visitor=request.user,
                kind=Visit.Kind.AGENCY,
                **form.cleaned_data,
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            request.session[SESSION_VISIT] = str(visit.pk)
            request.session[SESSION_ORGANIZATION] = str(client.pk)
            return redirect("dashboard")
    return render(
        request,
        "portal/visit_form.html",
        {"form": form, "client": client},
        status=422 if form.errors else 200,
    )


@require_POST
@signed_in
def visit_end(request: MemberRequest) -> HttpResponse:
    """Leave the client."""
    visit = getattr(request, "visit", None)
    request.session.pop(SESSION_VISIT, None)
    request.session.pop(SESSION_ORGANIZATION, None)
    if visit is None:
        return redirect("dashboard")
    visits.end_visit(visit=visit, actor=request.user)
    if visit.kind == Visit.Kind.STAFF:
        request.session.flush()
        return redirect("account_login")
    return redirect("client_detail", visit.organization_id)


@require_GET
@never_cache
@public
def visit_enter(request: PortalRequest, ticket: str) -> HttpResponse:
    """Let the operator's staff in with a ticket of their own host; open to all, as the
    ticket is the proof."""
    visit = visits.take_ticket(ticket)
    if (
        visit is None
        or visit.visitor is None
        or not visit.visitor.is_staff
        or request.portal is None
        or visit.agency_id != request.portal.agency_id
    ):
        raise Http404
    request.session.flush()
    login(request, visit.visitor, backend="portal.auth.PortalBackend")
    request.session[SESSION_PORTAL] = session_mark(request.portal)
    request.session[SESSION_VISIT] = str(visit.pk)
    request.session[SESSION_ORGANIZATION] = str(visit.organization_id)
    request.session.set_expiry(visit.ends_at)
    return redirect("dashboard")


@require_GET
@requires(Permission.MEMBERS_READ)
def visit_list(request: MemberRequest) -> HttpResponse:
    """Who from outside was here, why, and for how long."""
    rows = Visit.objects.filter(organization=request.organization)[:200]
    return render(request, "portal/visit_list.html", {"visits": rows})
