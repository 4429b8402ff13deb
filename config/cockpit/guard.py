"""What a client may call and how fast it may spend; and stopping its calls at once."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from calls.guard_forms import GuardForm, HaltForm
from calls.models import CallAlert, CallGuard
from calls.services.guarding import save_guard
from calls.services.halting import halt_calls, lift_halt, standing_halts
from calls.services.watching import dismiss_alert, standing_alerts
from config.cockpit.queries import get_client
from portal.http import MemberRequest
from portal.models import Organization
from portal.permissions import Permission, requires
from portal.scope import organization_scope


@require_http_methods(["GET", "POST"])
@requires(Permission.CLIENTS_EDIT)
def client_guard(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """The limits of one client, and the switch that stops its calls."""
    client = get_client(request.organization, client_id)
    if request.method == "POST":
        form = GuardForm(request.POST)
        if form.is_valid():
            save_guard(organization=client, actor=request.user, **form.choices())
            messages.success(request, _("Saved. It holds for the next call."))
            return redirect("client_guard", client.pk)
    else:
        with organization_scope(client):
            form = GuardForm.of(CallGuard.objects.first())
    return _page(request, client, form, HaltForm())


@require_POST
@requires(Permission.CLIENTS_EDIT)
def client_halt(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """Stop a client's calls at once, those going on too."""
    client = get_client(request.organization, client_id)
    form = HaltForm(request.POST)
    if not form.is_valid():
        with organization_scope(client):
            guard = GuardForm.of(CallGuard.objects.first())
        return _page(request, client, guard, form)
    stopped = halt_calls(
        organization=client, reason=form.cleaned_data["reason"], actor=request.user
    )
    text = ngettext(
        "No call starts any more; %(count)d that was going on ends.",
        "No call starts any more; %(count)d that were going on end.",
        stopped,
    )
    messages.success(request, text % {"count": stopped})
    return redirect("client_guard", client.pk)


@require_POST
@requires(Permission.CLIENTS_EDIT)
def client_halt_lift(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """Let a client call again."""
    client = get_client(request.organization, client_id)
    if lift_halt(organization=client, actor=request.user):
        messages.success(request, _("%(name)s may call again.") % {"name": client.name})
    return redirect("client_guard", client.pk)


@require_POST
@requires(Permission.CLIENTS_EDIT)
def client_alert_dismiss(
    request: MemberRequest, client_id: UUID, alert_id: UUID
) -> HttpResponse:
    """These calls are all right: take the alert off the page."""
    client = get_client(request.organization, client_id)
    with organization_scope(client):
        alert = get_object_or_404(CallAlert, pk=alert_id, organization=client)
        dismiss_alert(alert=alert, actor=request.user)
    return redirect("client_guard", client.pk)


def _page(
    request: MemberRequest, client: Organization, form: GuardForm, halt: HaltForm
) -> HttpResponse:
    with organization_scope(client):
        alerts = standing_alerts(client)
    halts = list(standing_halts(client).select_related("organization"))
    context = {
        "client": client,
        "form": form,
        "halt_form": halt,
        "alerts": alerts,
        "own_halt": next((h for h in halts if h.organization_id == client.pk), None),
        "is_halted_above": any(h.organization_id != client.pk for h in halts),
    }
    status = 422 if form.errors or halt.errors else 200
    return render(request, "cockpit/client_guard.html", context, status=status)
