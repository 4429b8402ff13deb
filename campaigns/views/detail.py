"""The list of campaigns and the live page of one."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from campaigns.figures import (
    comparison_of,
    failures_by_reason,
    figures_of,
    reasons_not_called,
)
from campaigns.models import Campaign, Lead
from campaigns.queries import (
    LEAD_FILTERS,
    Progress,
    current_calls,
    get_campaign,
    leads_of,
    progress_of,
    progress_of_many,
    visible_campaigns,
)
from campaigns.views.reports import FollowUpForm
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.statuses import status_look

PAGE_SIZE = 25
STOP_POLLING = 286
NOTHING_NEW = 204


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def campaign_list(request: MemberRequest) -> HttpResponse:
    """Every campaign of the organization, newest first, with how far it is."""
    page = Paginator(visible_campaigns(), PAGE_SIZE).get_page(request.GET.get("page"))
    progress = progress_of_many(page.object_list)
    rows = [(campaign, progress[campaign.pk]) for campaign in page.object_list]
    return render(request, "campaigns/campaign_list.html", {"page": page, "rows": rows})


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def campaign_detail(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """One campaign: how far it is, who is being called, what came of it."""
    context = live_context(request, get_campaign(campaign_id))
    return render(request, "campaigns/campaign_detail.html", context)


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def campaign_live(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """The moving part of the page, asked for every 2 s.

    204 when nothing changed since `seen`, so that nothing moves under the reader's
    hand; 286 ends the polling once the campaign is final and its last call over.
    """
    context = live_context(request, get_campaign(campaign_id))
    if request.GET.get("seen") == context["version"] and context["is_polled"]:
        return HttpResponse(status=NOTHING_NEW)
    return render(
        request,
        "campaigns/campaign_detail.html#live",
        context | {"is_update": True},
        status=200 if context["is_polled"] else STOP_POLLING,
    )


def live_context(request: MemberRequest, campaign: Campaign) -> dict[str, Any]:
    """Return what the page shows; `version` differs when any of it does."""
    progress = progress_of(campaign)
    figures = figures_of(campaign)
    state = request.GET.get("state", "")
    state = state if state in LEAD_FILTERS else ""
    page = Paginator(leads_of(campaign, state), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    calls = list(current_calls(campaign))
    query = QueryDict(mutable=True)
    if state:
        query["state"] = state
    context = {
        "campaign": campaign,
        "progress": progress,
        "page": page,
        "rows": [(lead, _last_call(lead)) for lead in page.object_list],
        "calls": calls,
        "state": state,
        "query": query,
        "tabs": _tabs(progress, state),
        "funnel_steps": _funnel(progress),
        "outcome_rows": _outcomes(progress),
        "figures": figures,
        "comparison": comparison_of(campaign),
        "reason_rows": reasons_not_called(campaign),
        "failure_rows": failures_by_reason(campaign),
        "follow_up": FollowUpForm(),
        "is_polled": not campaign.is_final or bool(progress.calling),
        "is_draft": campaign.status == Campaign.Status.DRAFT,
        "is_running": campaign.status == Campaign.Status.SCHEDULED,
        "is_paused": campaign.status == Campaign.Status.PAUSED,
    }
    seen = repr(
        (
            campaign.status,
            campaign.halt_text,
            progress,
            (figures.cost_microcredits, figures.starts_per_min, figures.left),
            [(call.pk, call.status) for call in calls],
            [
                (lead.pk, lead.status, lead.last_outcome, lead.attempt_count)
                for lead in page.object_list
            ],
        )
    )
    context["version"] = hashlib.sha256(seen.encode()).hexdigest()[:16]
    return context


def _last_call(lead: Lead) -> UUID | None:
    """Return the call of the last attempt that has one. Attempts were prefetched."""
    for attempt in lead.attempts.all():
        if attempt.status != attempt.Status.CLAIMED:
            return attempt.call_id
    return None


def _tabs(progress: Progress, current: str) -> list[dict[str, Any]]:
    everybody = {
        "label": _("Everybody"),
        "url": "?",
        "is_current": not current,
        "count": progress.total,
    }
    return [everybody] + [
        {
            "label": status_look(name).label,
            "url": f"?state={name}",
            "is_current": name == current,
            "count": count,
        }
        for name, count in progress.states.items()
        if count or name == current
    ]


def _funnel(progress: Progress) -> list[dict[str, Any]]:
    return [
        {"label": _("People"), "value": progress.total},
        {"label": _("Called"), "value": progress.called},
        {"label": _("Picked up"), "value": progress.picked_up},
        {"label": _("Reached"), "value": progress.reached},
    ]


def _outcomes(progress: Progress) -> list[dict[str, Any]]:
    rows = [
        {"label": str(status_look(name).label), "value": count}
        for name, count in progress.outcomes.items()
    ]
    return sorted(rows, key=lambda row: -row["value"])
