"""The console's own pages: overview, reconciliation, the halt, a brand that is tried."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.reconciliation import reconcile
from calls.guard_forms import HaltForm
from calls.models import Halt
from calls.services.halting import halt_calls, lift_halt
from config.ops.base import person
from config.ops.health import LOW_MINUTES, read_health
from portal import branding


def overview(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """How the installation does."""
    shown = {"title": _("Overview"), "health": read_health(), "minutes": LOW_MINUTES}
    return render(request, "ops/overview.html", context | shown)


def reconciliation(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Check the books when the button is pressed: it reads every posting."""
    drifts = reconcile() if request.method == "POST" else None
    shown = {"title": _("Reconciliation"), "drifts": drifts}
    return render(request, "ops/reconciliation.html", context | shown)


def halt(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The switch for everybody's calls, with the halts that stand."""
    form = HaltForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        halt_calls(
            organization=None, reason=form.cleaned_data["reason"], actor=person(request)
        )
        return redirect("admin:halt")
    halts = Halt.objects.filter(lifted_at__isnull=True)
    shown = {
        "title": _("Stop calls"),
        "form": form,
        "halts": halts.select_related("organization", "started_by"),
        "is_everybody": halts.filter(organization=None).exists(),
    }
    status = 422 if form.errors else 200
    return render(request, "ops/halt.html", context | shown, status=status)


@require_POST
def lift_everybodys_halt(request: HttpRequest) -> HttpResponse:
    """Let calls start again, but for organizations that were stopped on their own."""
    lift_halt(organization=None, actor=person(request))
    return redirect("admin:halt")


@require_GET
def brand_preview_css(request: HttpRequest) -> HttpResponse:
    """The stylesheet of a brand that is only tried, for the style guide."""
    css = branding.preview_css(request.GET)
    return HttpResponse(css, content_type="text/css; charset=utf-8")
