"""How often people may be called, over all campaigns of an organization."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from campaigns.models import CallingLimits
from campaigns.room import limits_of
from campaigns.services.limits import save_limits
from portal.http import MemberRequest
from portal.permissions import Permission, requires


class LimitsForm(forms.Form):
    """Caps for a person and for the organization's lines."""

    person_max_a_day = forms.IntegerField(
        label=gettext_lazy("Calls to one person within 24 hours"),
        min_value=0,
        max_value=100,
        required=False,
        help_text=gettext_lazy(
            "Over all campaigns, calls started by hand included. Empty: no cap but the "
            "law’s."
        ),
    )
    person_gap_minutes = forms.IntegerField(
        label=gettext_lazy("Least time between two calls to one person"),
        min_value=0,
        max_value=43_200,
        help_text=gettext_lazy("0: none."),
    )
    reserved_percent = forms.IntegerField(
        label=gettext_lazy("Share of your lines kept free of campaigns"),
        min_value=0,
        max_value=90,
        help_text=gettext_lazy("For people who call you, and calls started by hand."),
    )
    max_calls_of_clients = forms.IntegerField(
        label=gettext_lazy("Calls of all your clients at once"),
        min_value=1,
        max_value=100_000,
        required=False,
        help_text=gettext_lazy("Empty: each client’s own limit alone."),
    )

    def __init__(self, *args: Any, is_agency: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_agency:
            del self.fields["max_calls_of_clients"]

    @classmethod
    def of(cls, row: CallingLimits, *, is_agency: bool) -> LimitsForm:
        """Return the form as the limits are now."""
        return cls(
            is_agency=is_agency,
            initial={
                "person_max_a_day": row.person_max_a_day,
                "person_gap_minutes": -(-row.person_gap_s // 60),
                "reserved_percent": row.reserved_percent,
                "max_calls_of_clients": row.max_calls_of_clients,
            },
        )

    @property
    def changes(self) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        found["person_gap_s"] = found.pop("person_gap_minutes") * 60
        return found


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def calling_limits(request: MemberRequest) -> HttpResponse:
    """The limits as they are; who may launch campaigns may change them."""
    organization = request.organization
    form = LimitsForm.of(limits_of(organization), is_agency=organization.is_agency)
    if Permission.CAMPAIGNS_LAUNCH not in request.permissions:
        for field in form.fields.values():
            field.disabled = True
    return render(request, "campaigns/calling_limits.html", {"form": form})


@require_POST
@requires(Permission.CAMPAIGNS_LAUNCH)
def calling_limits_save(request: MemberRequest) -> HttpResponse:
    """Set the limits; they hold for the next call."""
    organization = request.organization
    form = LimitsForm(request.POST, is_agency=organization.is_agency)
    if not form.is_valid():
        context = {"form": form}
        return render(request, "campaigns/calling_limits.html", context, status=422)
    save_limits(organization=organization, changes=form.changes, actor=request.user)
    messages.success(request, _("Saved. It holds for the next call."))
    return redirect("calling_limits")
