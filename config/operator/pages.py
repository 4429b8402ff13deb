"""The console's own pages: the overview, the reconciliation, a brand that is tried."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.reconciliation import reconcile
from config.operator.health import LOW_MINUTES, read_health
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


@require_GET
def brand_preview_css(request: HttpRequest) -> HttpResponse:
    """The stylesheet of a brand that is only tried, for the style guide."""
    css = branding.preview_css(request.GET)
    return HttpResponse(css, content_type="text/css; charset=utf-8")
