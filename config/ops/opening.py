"""Opening an agency: its portal, its wallet, and the invitation of its owner."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, gettext_lazy

from config.clients.opening import open_complete_agency
from config.ops.base import person
from portal.models import Portal
from portal.sudo import sudo


class AgencyForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """A new agency, where its portal answers, and who is to own it."""

    owner_email = forms.EmailField(
        label=gettext_lazy("Owner’s email address"),
        help_text=gettext_lazy("An invitation goes there; it works for seven days."),
    )

    class Meta:
        model = Portal
        fields = ("name", "slug", "language")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].label = _("Address")
        self.fields["slug"].help_text = _(
            "Before .%(domain)s, until the agency connects a domain of its own."
        ) % {"domain": settings.BASE_DOMAIN}

    field_order = ("name", "slug", "owner_email", "language")


@sudo
def agency_open(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Open an agency and invite its owner; all of it or nothing."""
    form = AgencyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            portal, _token = open_complete_agency(
                **form.cleaned_data, actor=person(request)
            )
        except ValidationError as error:  # taken since the form was checked
            form.add_error(None, error)
        else:
            messages.success(
                request,
                _("%(name)s is open. An invitation to %(email)s is on its way.")
                % {"name": portal.name, "email": form.cleaned_data["owner_email"]},
            )
            return redirect("admin:portal_organization_change", portal.agency_id)
    status = 422 if form.errors else 200
    shown = {"title": _("Open an agency"), "form": form}
    return render(request, "ops/agency_form.html", context | shown, status=status)
