"""The list of campaigns and the live page of one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from calls.services.halting import is_halted
from campaigns.explaining import REASONS
from campaigns.models import Campaign, Lead
from campaigns.queries import (
    LEAD_FILTERS,
    Progress,
    current_calls,
    get_campaign,
    leads_of,
    progress_of_many,
    visible_campaigns,
)
from campaigns.reporting import shown
from campaigns.views.comparing import shares_of
from campaigns.views.reports import FollowUpForm
from campaigns.watching import facts_of, findings_of, numbers_of
from portal.headers import uses_microphone
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.statuses import known_statuses, status_look

PAGE_SIZE = 25
SHOWN_CALLS = 20
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
@uses_microphone
def campaign_detail(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """One campaign: how far it is, who is being called, what came of it."""
    campaign = get_campaign(campaign_id)
    follow_up = FollowUpForm(campaign=campaign)
    context = live_context(request, campaign) | {
        "follow_up": follow_up,
        "has_results": bool(follow_up.fields["dispositions"].choices),  # type: ignore[attr-defined]
    }
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
    numbers = numbers_of(campaign)
    progress = numbers.progress
    state = request.GET.get("state", "")
    state = state if state in LEAD_FILTERS else ""
    page = Paginator(leads_of(campaign, state), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    calls = list(current_calls(campaign)[:SHOWN_CALLS])
    facts = facts_of(campaign)
    rows = _rows(list(page.object_list), facts)
    query = QueryDict(mutable=True)
    if state:
        query["state"] = state
    comparison = numbers.comparison
    is_running = campaign.status == Campaign.Status.SCHEDULED
    is_stopped = is_running and is_halted(campaign.organization)
    context = {
        "campaign": campaign,
        "progress": progress,
        "page": page,
        "rows": rows,
        "facts": facts,
        "has_dispositions": any(row.lead.disposition for row in rows),
        "calls": calls,
        "more_calls": max(0, progress.calling - len(calls)),
        "state": state,
        "query": query,
        "tabs": _tabs(progress, state),
        "funnel_steps": _funnel(progress),
        "outcome_rows": _outcomes(progress),
        "figures": numbers.figures,
        "pace": numbers.pace,
        "goal": numbers.goal,
        "comparison": comparison,
        "is_halted": is_stopped,
        "sleeping": numbers.sleeping,
        # Where all who are left wait for another reason, the pace says nothing.
        "is_all_held": sum(numbers.held.values()) >= numbers.figures.left,
        "shares": shares_of(comparison.arms) if comparison else [],
        "evidence": _evidence(campaign),
        "reason_rows": numbers.reasons,
        "held_rows": _held(numbers.held),
        "failure_rows": numbers.failures,
        "failure_bars": _failures(numbers.failures),
        "is_polled": not campaign.is_final or bool(progress.calling),
        "is_draft": campaign.status == Campaign.Status.DRAFT,
        "is_running": is_running,
        "is_paused": campaign.status == Campaign.Status.PAUSED,
    }
    seen = repr(
        (
            campaign.status,
            (campaign.halt_text, is_stopped),
            progress,
            (numbers.figures.cost_microcredits, numbers.figures.left, numbers.pace),
            (numbers.held, numbers.sleeping),
            [(call.pk, call.status) for call in calls],
            [row.seen for row in rows],
        )
    )
    context["version"] = hashlib.sha256(seen.encode()).hexdigest()[:16]
    return context


@dataclass(frozen=True)
class LeadLine:
    """A row of the table of people: a lead, its last call, and what was found out."""

    lead: Lead
    call_id: UUID | None
    values: list[str]

    @property
    def seen(self) -> tuple[Any, ...]:
        lead = self.lead
        return (
            *(lead.pk, lead.status, lead.last_outcome, lead.attempt_count),
            *(lead.disposition, lead.due_at, tuple(self.values)),
        )


def _rows(leads: list[Lead], facts: list[str]) -> list[LeadLine]:
    last = {lead.pk: _last_call(lead) for lead in leads}
    known = findings_of([call for call in last.values() if call]) if facts else {}
    lines = []
    for lead in leads:
        call_id = last[lead.pk]
        found = known.get(call_id) if call_id else None
        data = (found.data if found else None) or {}
        lines.append(LeadLine(lead, call_id, [shown(data.get(f)) for f in facts]))
    return lines


def _last_call(lead: Lead) -> UUID | None:
    """Return the call of the last attempt that has one. Attempts were prefetched."""
    for attempt in lead.attempts.all():
        if attempt.status != attempt.Status.CLAIMED:
            return attempt.call_id
    return None


def _evidence(campaign: Campaign) -> dict[str, Any]:
    """Return what a campaign that stopped by itself went by, with words for its calls."""
    found = campaign.halt_evidence
    words = known_statuses()
    calls = [
        {
            "id": one["call_id"],
            "error": status_look(error).label if error in words else error,
        }
        for one in found.get("calls", [])
        for error in [one["error"]]
    ]
    return {**found, "calls": calls} if found else {}


def _held(held: dict[str, int]) -> list[dict[str, Any]]:
    most = sorted(held.items(), key=lambda one: -one[1])
    return [
        {"label": str(REASONS.get(reason, reason)), "value": count}
        for reason, count in most
    ]


def _failures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add up failed calls by how they ended, for the drawing."""
    counts: dict[str, int] = {}
    for row in rows:
        label = str(status_look(row["reason"]).label)
        counts[label] = counts.get(label, 0) + row["count"]
    most = sorted(counts.items(), key=lambda one: -one[1])[:6]
    return [{"label": label, "value": count} for label, count in most]


def _tabs(progress: Progress, current: str) -> list[dict[str, Any]]:
    everybody = {
        "label": _("Everybody"),
        "url": "?",
        "is_current": not current,
        "count": progress.total,
        "id": "state-all",
    }
    return [everybody] + [
        {
            "label": status_look(name).label,
            "url": f"?state={name}",
            "is_current": name == current,
            "count": count,
            "id": f"state-{name}",  # the page is swapped while somebody is on it
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
