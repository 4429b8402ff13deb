"""Telling an organization's webhooks what becomes of its campaigns and leads.

Written in the transaction that makes the change; nothing is told that did not happen.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from campaigns.models import Campaign, Lead
from portal.webhooks import record_event

_LEAD_KINDS = {
    Lead.Status.COMPLETED: "lead.reached",
    Lead.Status.FAILED: "lead.given_up",
    Lead.Status.SKIPPED: "lead.skipped",
    Lead.Status.PENDING: "lead.retry_scheduled",
}


def tell_of_campaign(campaign: Campaign, happened: str, **more: Any) -> None:
    """Tell of a campaign: `launched`, `paused`, `resumed`, `completed` or `cancelled`."""
    row = Campaign.objects.get(pk=campaign.pk)
    record_event(
        organization=campaign.organization,
        kind=f"campaign.{happened}",
        data={
            "campaign": {
                "id": str(row.pk),
                "name": row.name,
                "status": row.status,
                "halt_reason": row.halt_reason or None,
                **more,
            }
        },
    )


def tell_of_lead(lead: Lead, call_id: UUID | None = None) -> None:
    """Tell what became of a lead after an attempt, by the status it has now."""
    kind = _LEAD_KINDS.get(Lead.Status(lead.status))
    if kind is None:
        return
    record_event(
        organization=lead.organization,
        kind=kind,
        call_id=call_id,
        data={
            "lead": {
                "id": str(lead.pk),
                "campaign_id": str(lead.campaign_id),
                "phone_number": lead.phone_number,
                "name": lead.name or None,
                "variables": lead.variables,
                "status": lead.status,
                "skip_reason": lead.skip_reason or None,
                "last_outcome": lead.last_outcome or None,
                "disposition": lead.disposition or None,
                "attempts": lead.attempt_count,
                "due_at": lead.due_at if lead.status == lead.Status.PENDING else None,
            }
        },
    )
