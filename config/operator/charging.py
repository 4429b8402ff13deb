"""Money between the operator and agencies: credits given to a pool, platform prices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _, gettext_lazy

from billing.errors import IdempotencyConflict
from billing.forms import GrantForm
from billing.grants import grant_credits
from billing.ledger import wallet_balance
from billing.models import PlatformPrice
from billing.pricing import set_platform_price
from billing.selling_forms import PriceForm
from common.local_numbers import local_credits
from config.operator.base import list_url, person
from portal.models import Organization
from portal.sudo import sudo


class PlatformPriceForm(PriceForm):
    """What one agency, or every agency, pays the platform."""

    everybody = gettext_lazy("Every agency")


@sudo
def grant_to_agency(
    request: HttpRequest, organization_id: UUID, context: dict[str, Any]
) -> HttpResponse:
    """Give credits to an agency's pool; once, however often it is sent."""
    organization = get_object_or_404(Organization, pk=organization_id, parent=None)
    form = GrantForm(request.POST if request.method == "POST" else None)
    del form.fields["way"]  # the platform issues credits; it has no pool of its own
    form.fields["memo"].help_text = _("Shown on the agency’s statement.")
    if (
        request.method == "POST"
        and form.is_valid()
        and _given(request, organization, form)
    ):
        return redirect("admin:portal_organization_change", organization_id)
    has = wallet_balance(organization).available
    shown = {
        "title": _("Give credits"),
        "subtitle": organization.name,
        "form": form,
        "whose": organization,
        "facts": [{"label": _("In the pool now"), "value": local_credits(has)}],
    }
    status = 422 if form.errors else 200
    return render(request, "ops/grant.html", context | shown, status=status)


def _given(request: HttpRequest, organization: Organization, form: GrantForm) -> bool:
    wanted = form.cleaned_data
    try:
        grant_credits(
            organization=organization,
            amount_microcredits=wanted["amount"],
            idempotency_key=str(wanted["key"]),
            memo=wanted["memo"],
            actor=person(request),
            expires_at=form.expires_at(organization.time_zone),
        )
    except IdempotencyConflict:
        form.add_error(None, _("This form was sent before. Open it again to add more."))
        return False
    text = _("%(name)s received %(credits)s credits.")
    amount = local_credits(wanted["amount"])
    messages.success(request, text % {"name": organization.name, "credits": amount})
    return True


@sudo
def price_new(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Set what agencies pay from a moment on; what was called before keeps its price."""
    agencies = list(Organization.objects.filter(parent=None).order_by("name"))
    form = PlatformPriceForm(
        request.POST if request.method == "POST" else None, clients=agencies
    )
    if request.method == "POST" and form.is_valid():
        set_platform_price(
            agency=form.client_chosen(),
            terms=form.terms(),
            effective_at=form.effective_at(settings.TIME_ZONE),
            actor=person(request),
        )
        messages.success(request, _("The price is set."))
        return redirect(list_url(PlatformPrice))
    shown = {"title": _("New platform price"), "form": form}
    status = 422 if form.errors else 200
    return render(request, "ops/price.html", context | shown, status=status)
