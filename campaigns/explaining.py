"""Why a person was called, or was not: the records, and what would be said now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls.errors import CallsHalted
from calls.services.halting import is_halted
from campaigns.checks import Check
from campaigns.evaluating import Desk
from campaigns.models import Campaign, Decision, Lead

RECORDS = 50

REASONS: dict[str, Any] = {
    "": _("Nothing stands in the way; it is called when it is its turn."),
    "reached": _("Somebody was spoken to."),
    "budget": _("All attempts are made."),
    "calling": _("The person is being called right now."),
    "later": _("It waits for its next attempt."),
    "campaign_draft": _("The campaign has not been launched."),
    "campaign_paused": _("The campaign is paused."),
    "campaign_ended": _("The campaign has ended."),
    "campaign_hours": _("The campaign does not call at this hour at their place."),
    "legal_hours": _("Nobody may be called at this hour at their place."),
    "daily_cap": _("They were called as often as allowed within 24 hours."),
    "min_gap": _("They were called a short while ago."),
    "register_silent": _("A register that has to be asked before does not answer."),
    "register_unasked": _("A register has not been asked about this number yet."),
    "number_cap": _("Every number to call from has made its calls of the day."),
    "calls_halted": _("Calls are stopped for now. Contact support."),
    "no_capacity": _("No voice line was free."),
    "too_many_calls": _("All lines of the organization were in use."),
    "not_enough_credits": _("There were not enough credits."),
    "agency_credits": _("Calls are not available right now."),
    "call_refused": _("Calls could not be started."),
    **{str(reason.value): reason.label for reason in Lead.SkipReason},
}


@dataclass(frozen=True)
class Explanation:
    """What would be answered for a lead at this moment, and what was answered before."""

    answer: str  # called, calling, held, refused or next
    reason: str
    until: datetime | None
    checks: tuple[Check, ...]
    records: tuple[Decision, ...]

    @property
    def text(self) -> str:
        return str(REASONS.get(self.reason, self.reason))


def explain_lead(lead: Lead) -> Explanation:
    """Return why a lead is where it is; reads only."""
    records = tuple(
        Decision.objects.filter(lead=lead).order_by("-last_at", "-pk")[:RECORDS]
    )

    def say(
        answer: str,
        reason: str,
        until: datetime | None = None,
        checks: tuple[Check, ...] = (),
    ) -> Explanation:
        return Explanation(answer, reason, until, checks, records)

    status = Lead.Status(lead.status)
    if status is Lead.Status.COMPLETED:
        return say("called", "reached")
    if status is Lead.Status.FAILED:
        return say("called", "budget")
    if status is Lead.Status.CALLING:
        return say("calling", "calling")
    if status is Lead.Status.SKIPPED:
        return say("refused", lead.skip_reason)
    return _waiting(lead, say)


def _waiting(lead: Lead, say: Any) -> Explanation:
    now = timezone.now()
    desk = Desk.open(lead.campaign, now)
    desk.read([lead])
    verdict = desk.judge(lead)
    found: Explanation
    if verdict.skip:
        found = say("refused", verdict.skip, None, verdict.checks)
    elif verdict.hold:
        found = say("held", verdict.hold, verdict.until, verdict.checks)
    elif lead.campaign.status != Campaign.Status.SCHEDULED:
        reason = "campaign_ended"
        if lead.campaign.status in (Campaign.Status.DRAFT, Campaign.Status.PAUSED):
            reason = f"campaign_{lead.campaign.status}"
        found = say("held", reason, None, verdict.checks)
    elif is_halted(lead.campaign.organization):
        found = say("held", CallsHalted.code, None, verdict.checks)
    elif lead.due_at > now:
        found = say("held", "later", lead.due_at, verdict.checks)
    else:
        found = say("next", "", None, verdict.checks)
    return found
