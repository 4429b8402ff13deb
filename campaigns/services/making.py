"""Making a campaign and adding leads to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assistants.models import Assistant
from calls.models import PhoneNumber
from campaigns.errors import CampaignIsFinal
from campaigns.importing import LeadRow
from campaigns.models import Campaign, Lead
from portal.models import Organization, User
from portal.services import audit


@dataclass(frozen=True)
class NewCampaign:
    """What a person decides about a campaign. `retry_delay_s` is in seconds."""

    name: str
    assistant: Assistant
    number: PhoneNumber
    system_message_template: str = ""
    max_concurrent_calls: int = 3
    max_attempts: int = 3
    retry_delay_s: int = 3_600


@transaction.atomic
def create_campaign(
    *,
    organization: Organization,
    new: NewCampaign,
    leads: Sequence[LeadRow] = (),
    actor: User | None,
) -> Campaign:
    """Create a draft with its leads. Assistant and number come from the same scope."""
    campaign = Campaign.objects.create(
        organization=organization,
        name=new.name,
        assistant=new.assistant,
        number=new.number,
        system_message_template=new.system_message_template,
        max_concurrent_calls=new.max_concurrent_calls,
        max_attempts=new.max_attempts,
        retry_delay_s=new.retry_delay_s,
        created_by=actor,
    )
    added = _insert(campaign, leads)
    audit.record(
        organization=organization,
        actor=actor,
        action="campaign.created",
        target=campaign,
        changes={"name": new.name, "leads": added},
    )
    return campaign


@transaction.atomic
def add_leads(
    *, campaign: Campaign, leads: Sequence[LeadRow], actor: User | None
) -> int:
    """Add leads, leaving out numbers the campaign has; return how many were new.

    Locks the campaign's row: it cannot complete meanwhile. Raises `CampaignIsFinal`.
    """
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if locked.is_final:
        raise CampaignIsFinal(_("This campaign has ended. Make a new one instead."))
    added = _insert(locked, leads)
    if added:
        audit.record(
            organization=locked.organization,
            actor=actor,
            action="campaign.leads_added",
            target=locked,
            changes={"leads": added},
        )
    return added


def _insert(campaign: Campaign, rows: Sequence[LeadRow]) -> int:
    known = set(
        Lead.objects.filter(campaign=campaign).values_list("phone_number", flat=True)
    )
    fresh = {row.phone_number: row for row in reversed(rows)}  # the first one counts
    now = timezone.now()
    made = Lead.objects.bulk_create(
        (
            Lead(
                organization_id=campaign.organization_id,
                agency_id=campaign.agency_id,
                campaign=campaign,
                phone_number=row.phone_number,
                name=row.name,
                variables=row.variables,
                due_at=now,
            )
            for row in reversed(fresh.values())
            if row.phone_number not in known
        ),
        batch_size=1_000,
    )
    return len(made)
