"""The overview of an organization, and the agency's pages about its clients."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from assistants.queries import visible_assistants
from billing.ledger import open_accounts, wallet_balance
from calls.queries import visible_calls
from config.cockpit import queries
from portal import styleguide as guide
from portal.forms import ClientForm
from portal.http import MemberRequest
from portal.models import Membership, Organization, Role
from portal.permissions import Permission, requires, staff_only
from portal.scope import organization_scope
from portal.services.organizations import add_member, open_client


@require_GET
@requires(Permission.CALLS_READ)
def dashboard(request: MemberRequest) -> HttpResponse:
    """What happened lately, and what to do next."""
    return render(
        request,
        "cockpit/dashboard.html",
        {
            "balance": wallet_balance(request.organization),
            "usage": queries.usage_since(30),
            "days": queries.calls_by_day(request.organization.time_zone),
            "recent_calls": visible_calls()[:8],
            "assistants": visible_assistants()[:6],
        },
    )


@require_GET
@requires(Permission.CLIENTS_READ)
def client_list(request: MemberRequest) -> HttpResponse:
    """Every client with balance, usage and margin."""
    rows = queries.client_rows(request.organization)
    return render(request, "cockpit/client_list.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@requires(Permission.CLIENTS_EDIT)
def client_new(request: MemberRequest) -> HttpResponse:
    """Open a client with its first owner."""
    form = ClientForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        client = _open(request, form)
        messages.success(
            request,
            _("%(name)s is open. Grant credits so that it can call.")
            % {"name": client.name},
        )
        return redirect("client_detail", client.pk)
    return render(
        request,
        "cockpit/client_form.html",
        {"form": form},
        status=422 if form.errors else 200,
    )


@transaction.atomic
def _open(request: MemberRequest, form: ClientForm) -> Organization:
    client = open_client(
        agency=request.organization, name=form.cleaned_data["name"], actor=request.user
    )
    with organization_scope(client):
        open_accounts(client)
        add_member(
            organization=client,
            email=form.cleaned_data["owner_email"],
            name=form.cleaned_data["owner_name"],
            role=Role.OWNER,
            actor=request.user,
        )
    return client


@require_GET
@requires(Permission.CLIENTS_READ)
def client_detail(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """One client: people, credits, latest calls; and the way in."""
    client = queries.get_client(request.organization, client_id)
    with organization_scope(client):
        context = {
            "client": client,
            "balance": wallet_balance(client),
            "usage": queries.usage_since(30),
            "recent_calls": list(visible_calls()[:8]),
            "members": list(
                Membership.objects.filter(organization=client).select_related("user")
            ),
        }
    return render(request, "cockpit/client_detail.html", context)


@require_GET
@staff_only
def styleguide(request: MemberRequest) -> HttpResponse:
    """Every component in every state, for those who build pages."""
    return render(request, "ops/styleguide.html", guide.context())
