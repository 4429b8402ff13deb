"""What the operator lets an organization have: features and limits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from config.clients.forms import LimitsForm
from config.clients.managing import save_limits
from config.ops.base import person
from portal.features import OF_CLIENTS, Feature
from portal.models import Organization
from portal.sudo import sudo


@sudo
def limit_organization(
    request: HttpRequest, organization_id: UUID, context: dict[str, Any]
) -> HttpResponse:
    """Switch features and set limits; what is off for an agency is off for its clients."""
    organization = get_object_or_404(
        Organization.objects.select_related("parent"), pk=organization_id
    )
    form = LimitsForm(
        request.POST if request.method == "POST" else None,
        instance=organization,
        shown=Feature if organization.is_agency else OF_CLIENTS,
    )
    if request.method == "POST" and form.is_valid():
        save_limits(client=form.instance, actor=person(request))
        messages.success(request, _("Saved. It holds at once."))
        return redirect("admin:portal_organization_change", organization_id)
    agency = organization.parent
    shown = {
        "title": _("Limits and features"),
        "subtitle": organization.name,
        "form": form,
        "whose": organization,
        "off_by_agency": [
            one.label for one in OF_CLIENTS if agency and one in agency.features_off
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "ops/limits.html", context | shown, status=status)
