"""How fast calls start and who goes first: the operator's limits over everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _, gettext_lazy

from calls.models import PhoneNumber, Trunk, TrunkPace
from calls.services.pace import SIMULATED, save_pace
from campaigns.models import CallingLimits, Campaign
from campaigns.room import limits_of
from campaigns.services.limits import save_limits
from config.ops.base import as_uuid, person
from portal.models import Organization
from portal.scope import Scope, scoped

MOST = 200


@dataclass(frozen=True)
class WayOut:
    """A trunk or carrier with what the operator allows it."""

    name: str
    label: str
    owner: str
    pace: TrunkPace


class PaceForm(forms.Form):
    """Limits of one way out; empty is what its trunk or carrier says."""

    starts_per_s = forms.FloatField(
        label=gettext_lazy("Calls started in one second"),
        required=False,
        min_value=0.01,
        max_value=1_000,
    )
    starts_per_5s = forms.FloatField(
        label=gettext_lazy("Calls started in five seconds"),
        required=False,
        min_value=0.01,
        max_value=5_000,
    )
    max_calls = forms.IntegerField(
        label=gettext_lazy("Calls at once"),
        required=False,
        min_value=1,
        max_value=100_000,
    )
    reserved_percent = forms.IntegerField(
        label=gettext_lazy("Share kept for other calls than campaigns’"),
        min_value=0,
        max_value=90,
    )


class ShareForm(forms.Form):
    """What one organization is limited to, and its weight beside others."""

    weight = forms.IntegerField(
        label=gettext_lazy("Weight"),
        min_value=1,
        max_value=100,
        help_text=gettext_lazy(
            "With twice the weight it starts twice the calls where a trunk is scarce."
        ),
    )
    reserved_percent = forms.IntegerField(
        label=gettext_lazy("Share of its lines kept free of campaigns"),
        min_value=0,
        max_value=90,
    )
    person_max_a_day = forms.IntegerField(
        label=gettext_lazy("Calls to one person within 24 hours"),
        required=False,
        min_value=0,
        max_value=100,
    )
    max_calls_of_clients = forms.IntegerField(
        label=gettext_lazy("Calls of all its clients at once"),
        required=False,
        min_value=1,
        max_value=100_000,
    )


def ways_out() -> list[WayOut]:
    """Return every trunk and every carrier without one, with its limits."""
    paces = {row.trunk: row for row in TrunkPace.objects.all()[:MOST]}
    trunks = Trunk.objects.select_related("organization").order_by("name")[:MOST]
    found = [
        WayOut(
            str(row.pk),
            row.name,
            row.organization.name,
            paces.pop(str(row.pk), TrunkPace(trunk=str(row.pk))),
        )
        for row in trunks
    ]
    carriers = set(
        PhoneNumber.objects.filter(trunk__isnull=True)
        .order_by()
        .values_list("carrier", flat=True)
        .distinct()
    )
    carriers |= {SIMULATED} | {name for name in paces if as_uuid(name) is None}
    return [
        *(
            WayOut(name, name, "", paces.get(name, TrunkPace(trunk=name)))
            for name in sorted(carriers)
        ),
        *found,
    ]


def dialing(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Every way out with its pace, and the organizations whose campaigns call."""
    busy = Campaign.objects.running().values("organization")
    rows = CallingLimits.objects.all()
    organizations = (
        Organization.objects.filter(pk__in=busy)
        | Organization.objects.filter(pk__in=rows.values("organization"))
    ).select_related("parent")
    limits = {row.organization_id: row for row in rows}
    shown = {
        "title": _("Pace and shares"),
        "ways": ways_out(),
        "shares": [
            (one, limits.get(one.pk, CallingLimits()))
            for one in organizations.order_by("name").distinct()[:MOST]
        ],
    }
    return render(request, "ops/dialing.html", context | shown)


def pace(request: HttpRequest, context: dict[str, Any], trunk: str) -> HttpResponse:
    """The limits of one way out."""
    way = next((one for one in ways_out() if one.name == trunk), None)
    if way is None:
        raise Http404("There is no such way out.")
    names = tuple(PaceForm.base_fields)
    form = PaceForm(
        request.POST or None, initial={name: getattr(way.pace, name) for name in names}
    )
    if request.method == "POST" and form.is_valid():
        save_pace(trunk=trunk, **form.cleaned_data)
        messages.success(request, _("Saved. It holds for the next call."))
        return redirect("admin:dialing")
    shown = {"title": way.label, "subtitle": way.owner, "form": form}
    status = 422 if form.errors else 200
    return render(request, "ops/dialing_form.html", context | shown, status=status)


def share(
    request: HttpRequest, context: dict[str, Any], organization_id: UUID
) -> HttpResponse:
    """The limits of one organization, its weight among them."""
    organization = get_object_or_404(Organization, pk=organization_id)
    row = limits_of(organization)
    names = tuple(ShareForm.base_fields)
    form = ShareForm(
        request.POST or None, initial={name: getattr(row, name) for name in names}
    )
    if not organization.is_agency:
        del form.fields["max_calls_of_clients"]
    if request.method == "POST" and form.is_valid():
        with scoped(Scope(organization.agency_id, organization.pk)):
            save_limits(
                organization=organization,
                changes=form.cleaned_data,
                actor=person(request),
            )
        messages.success(request, _("Saved. It holds for the next call."))
        return redirect("admin:dialing")
    shown = {"title": organization.name, "form": form}
    status = 422 if form.errors else 200
    return render(request, "ops/dialing_form.html", context | shown, status=status)
