"""Credits an agency gives its clients, or moves to them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.errors import IdempotencyConflict, NotEnoughCredits
from billing.forms import GrantForm
from billing.grants import grant_credits, transfer_credits
from billing.ledger import wallet_balance
from common.local_numbers import local_credits
from portal.http import MemberRequest
from portal.models import Organization
from portal.permissions import Permission, requires
from portal.scope import agency_scope
from portal.sudo import sudo


@require_http_methods(["GET", "POST"])
@requires(Permission.BILLING_GRANT)
@sudo
def billing_grant(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """Give credits to a client of the agency; once, however often it is sent."""
    with agency_scope(request.organization.agency_id):
        client = (
            Organization.objects.filter(pk=client_id, parent=request.organization)
            .select_related("parent")
            .first()
        )
        if client is None:
            raise Http404
        form = GrantForm(request.POST or None)
        if (
            request.method == "POST"
            and form.is_valid()
            and _given(request, client, form)
        ):
            messages.success(
                request,
                _("%(name)s received %(credits)s credits.")
                % {
                    "name": client.name,
                    "credits": local_credits(form.cleaned_data["amount"]),
                },
            )
            return redirect("billing_statement")
        context = {
            "form": form,
            "client": client,
            "balance": wallet_balance(client),
            "pool": wallet_balance(request.organization),
        }
    status = 422 if form.errors else 200
    return render(request, "billing/grant.html", context, status=status)


def _given(request: MemberRequest, client: Organization, form: GrantForm) -> bool:
    """Do what the form says; else put what is wrong onto it."""
    wanted = form.cleaned_data
    try:
        if wanted["way"] == GrantForm.MOVE:
            transfer_credits(
                client=client,
                amount_microcredits=wanted["amount"],
                idempotency_key=str(wanted["key"]),
                memo=wanted["memo"],
                actor=request.user,
            )
        else:
            grant_credits(
                organization=client,
                amount_microcredits=wanted["amount"],
                idempotency_key=str(wanted["key"]),
                memo=wanted["memo"],
                actor=request.user,
                expires_at=form.expires_at(client.time_zone),
            )
    except IdempotencyConflict:
        form.add_error(None, _("This form was sent before. Open it again to add more."))
    except NotEnoughCredits:
        form.add_error("amount", _("Your pool has fewer credits than that."))
    else:
        return True
    return False
