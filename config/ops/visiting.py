"""Entering an organization from the operator's host, with a reason."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from config.ops.base import person
from portal.hosts import portal_url
from portal.models import Organization, Portal, Visit
from portal.services.visits import start_visit, ticket_for
from portal.sudo import sudo
from portal.views.visits import VisitForm


@sudo
def visit_organization(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Open a visit and go to the portal with a ticket; the organization reads why."""
    organization = Organization.objects.filter(pk=organization_id).first()
    portal = (
        Portal.objects.filter(agency=organization.agency_id).first()
        if organization
        else None
    )
    if organization is None or portal is None:
        raise Http404
    form = VisitForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            visit = start_visit(
                organization=organization,
                visitor=person(request),
                kind=Visit.Kind.STAFF,
                **form.cleaned_data,
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect(portal_url(portal, f"/visit/{ticket_for(visit)}/"))
    return render(
        request,
        "ops/visit.html",
        {"form": form, "organization": organization},
        status=422 if form.errors else 200,
    )
