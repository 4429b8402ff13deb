"""Credits an agency gives its clients, or moves to them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing.by_hand import (
    ByHand,
    Outcome,
    approval_limit,
    approve_request,
    do_by_hand,
    refuse_request,
    set_approval_limit,
    waiting_requests,
)
from billing.errors import IdempotencyConflict, NotEnoughCredits, NotYours
from billing.forms import GrantForm, GrantRuleForm
from billing.ledger import wallet_balance
from billing.models import GrantRequest
from billing.queries import given_by_hand
from billing.views.tabs import selling_tabs
from common.local_numbers import local_credits
from common.money import format_credits
from portal.http import MemberRequest
from portal.models import Membership, Organization, Role
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
        done = None
        if request.method == "POST" and form.is_valid():
            done = _given(request, client, form)
        if done is not None:
            said = (
                _("%(name)s received %(credits)s credits.")
                if done.entry
                else _("%(credits)s credits for %(name)s wait for a second owner.")
            )
            messages.success(
                request,
                said
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
            "limit": approval_limit(request.organization, is_operators=False),
        }
    status = 422 if form.errors else 200
    return render(request, "billing/grant.html", context, status=status)


def _given(
    request: MemberRequest, client: Organization, form: GrantForm
) -> Outcome | None:
    """Do what the form says, or keep it for a second owner; else say what is wrong."""
    wanted = form.cleaned_data
    is_move = wanted["way"] == GrantForm.MOVE
    try:
        return do_by_hand(
            ByHand(
                receiver=client,
                microcredits=wanted["amount"],
                memo=wanted["memo"],
                key=str(wanted["key"]),
                way=GrantRequest.Way.MOVE if is_move else GrantRequest.Way.GIVE,
                expires_at=None if is_move else form.expires_at(client.time_zone),
            ),
            actor=request.user,
        )
    except IdempotencyConflict:
        form.add_error(None, _("This form was sent before. Open it again to add more."))
    except NotEnoughCredits:
        form.add_error("amount", _("Your pool has fewer credits than that."))
    return None


@require_http_methods(["GET", "POST"])
@requires(Permission.BILLING_SELL)
@sudo
def selling_grants(request: MemberRequest) -> HttpResponse:
    """What waits for a second owner, the limit above which it does, and what was given."""
    agency = request.organization
    limit = approval_limit(agency, is_operators=False)
    form = GrantRuleForm(
        request.POST or None,
        initial={"limit": "" if limit is None else format_credits(limit, places=0)},
    )
    if request.method == "POST" and form.is_valid():
        set_approval_limit(
            agency=agency,
            microcredits=form.cleaned_data["limit"] or None,
            actor=request.user,
        )
        messages.success(request, _("Saved."))
        return redirect("selling_grants")
    with agency_scope(agency.pk):
        context = {
            "tabs": selling_tabs(request, "selling_grants"),
            "form": form,
            "waiting": waiting_requests(agency, is_operators=False),
            "given": given_by_hand(agency),
            "owner_count": Membership.objects.filter(
                organization=agency, role=Role.OWNER
            ).count(),
            "me": request.user.pk,
        }
    status = 422 if form.errors else 200
    return render(request, "selling/grants.html", context, status=status)


@require_POST
@requires(Permission.BILLING_SELL)
@sudo
def selling_grant_decide(
    request: MemberRequest, request_id: UUID, decision: str
) -> HttpResponse:
    """Approve what another owner asked for, or refuse it."""
    decide = {"approve": approve_request, "refuse": refuse_request}.get(decision)
    if decide is None:
        raise Http404
    with agency_scope(request.organization.pk):
        try:
            done = decide(request_id=request_id, actor=request.user)
        except NotYours:
            messages.error(request, _("Another owner approves what you asked for."))
        except NotEnoughCredits:
            messages.error(request, _("Your pool has fewer credits than that."))
        else:
            if not done:
                raise Http404
            messages.success(request, _("Done."))
    return redirect("selling_grants")
