"""The overview of an organization, and the agency's pages about its clients."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from assistants.queries import visible_assistants
from billing.ledger import wallet_balance
from calls.queries import visible_calls
from config.clients.forms import NoteForm
from config.clients.opening import open_complete_client
from config.cockpit import queries
from config.cockpit.plan import almost_full, plan_of
from portal import styleguide as guide
from portal.forms import ClientForm
from portal.http import MemberRequest
from portal.models import ClientNote, Membership, SignUpRequest
from portal.permissions import Permission, requires, staff_only
from portal.scope import organization_scope


@require_GET
@requires(Permission.CALLS_READ)
def dashboard(request: MemberRequest) -> HttpResponse:
    """What happened lately, and what to do next."""
    return render(
        request,
        "cockpit/dashboard.html",
        {
            "balance": wallet_balance(request.organization),
            "almost_full": almost_full(request.organization),
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
    waiting = SignUpRequest.objects.filter(status=SignUpRequest.Status.WAITING)
    return render(
        request, "cockpit/client_list.html", {"rows": rows, "waiting": waiting}
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.CLIENTS_EDIT)
def client_new(request: MemberRequest) -> HttpResponse:
    """Open a client with its first owner."""
    form = ClientForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        client, _token = open_complete_client(
            agency=request.organization,
            name=form.cleaned_data["name"],
            owner_email=form.cleaned_data["owner_email"],
            actor=request.user,
        )
        messages.success(
            request,
            _(
                "%(name)s is open; its owner is invited. Grant credits so that it can call."
            )
            % {"name": client.name},
        )
        return redirect("client_detail", client.pk)
    return render(
        request,
        "cockpit/client_form.html",
        {"form": form},
        status=422 if form.errors else 200,
    )


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
            "plan": plan_of(client),
            "recent_calls": list(visible_calls()[:8]),
            "can_move": Permission.CLIENTS_EDIT in request.permissions,
            "members": list(
                Membership.objects.filter(organization=client).select_related("user")
            ),
        }
    context["notes"] = list(
        ClientNote.objects.filter(client=client).select_related("author")
    )
    context["note_form"] = NoteForm()
    return render(request, "cockpit/client_detail.html", context)


@require_GET
@staff_only
def styleguide(request: MemberRequest) -> HttpResponse:
    """Every component in every state, for those who build pages."""
    return render(request, "ops/styleguide.html", guide.context())
