"""Making a campaign and adding leads to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assistants.models import Assistant
from calls.models import PhoneNumber
from campaigns.columns import LeadRow
from campaigns.errors import CampaignIsFinal
from campaigns.models import Campaign, CampaignNumber
from campaigns.storing import store_leads
from portal.models import Organization, User
from portal.services import audit


@dataclass(frozen=True)
class NewCampaign:
    """What a person decides about a campaign. `retry_delay_s` is in seconds.

    `more` are further fields of the model, such as its hours and limits.
    """

    name: str
    assistant: Assistant
    number: PhoneNumber
    system_message_template: str = ""
    max_concurrent_calls: int = 3
    max_attempts: int = 3
    retry_delay_s: int = 3_600
    further_numbers: tuple[PhoneNumber, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def create_campaign(
    *,
    organization: Organization,
    new: NewCampaign,
    leads: Sequence[LeadRow] = (),
    actor: User | None,
) -> Campaign:
    """Create a draft with its leads. Assistant and number come from the same scope."""
    fields: dict[str, Any] = {
        "system_message_template": new.system_message_template,
        "max_concurrent_calls": new.max_concurrent_calls,
        "max_attempts": new.max_attempts,
        "retry_delay_s": new.retry_delay_s,
        **new.more,
    }
    campaign = Campaign.objects.create(
        organization=organization,
        name=new.name,
        assistant=new.assistant,
        number=new.number,
        created_by=actor,
        **fields,
    )
    set_numbers(campaign, new.further_numbers)
    added = store_leads(campaign, leads, now=timezone.now())
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
    added = store_leads(locked, leads, now=timezone.now())
    if added:
        audit.record(
            organization=locked.organization,
            actor=actor,
            action="campaign.leads_added",
            target=locked,
            changes={"leads": added},
        )
    return added


def set_numbers(campaign: Campaign, numbers: Iterable[PhoneNumber]) -> None:
    """Make these the further numbers of a campaign's pool. Raises `CampaignIsFinal`."""
    if Campaign.objects.filter(pk=campaign.pk, status__in=Campaign.FINAL).exists():
        raise CampaignIsFinal(_("This campaign has ended. Make a new one instead."))
    wanted = {number.pk for number in numbers} - {campaign.number_id}
    pool = CampaignNumber.objects.filter(campaign=campaign)
    pool.exclude(number__in=wanted).delete()
    CampaignNumber.objects.bulk_create(
        (
            CampaignNumber(
                organization_id=campaign.organization_id,
                agency_id=campaign.agency_id,
                campaign=campaign,
                number_id=number_id,
            )
            for number_id in wanted
        ),
        ignore_conflicts=True,
    )
