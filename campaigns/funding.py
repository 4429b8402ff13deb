"""Campaigns that stopped for want of credits go on when there are some again.

The signal of billing says when; the tick is the certainty behind it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.ledger import wallet_balance
from calls.models import Call
from calls.services.costing import call_price
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.services.running import resume_campaign
from portal.models import Organization
from portal.scope import Scope, agency_scope, all_organizations, scoped

logger = logging.getLogger(__name__)
# Less than a minute's worth would only stop it again.
ENOUGH_FOR_S: Final = 60
_UNFUNDED: Final = (
    Campaign.HaltReason.NOT_ENOUGH_CREDITS,
    Campaign.HaltReason.AGENCY_CREDITS,
)


def resume_funded_campaigns(now: datetime, only: UUID | None = None) -> int:
    """Resume what can be paid for again, for one organization or all; return how many.

    Only what the dialer itself halted for money: a person's pause stays.
    """
    with all_organizations("credits came back whoever they belong to"):
        halted = Campaign.objects.filter(
            status=Campaign.Status.PAUSED, halt_reason__in=_UNFUNDED
        ).values_list("pk", "organization_id", "agency_id")
        if only is not None:
            halted = halted.filter(organization=only)
        found = list(halted[:500])
    return sum(
        _resume(campaign_id, Scope(agency_id, organization_id), now)
        for campaign_id, organization_id, agency_id in found
    )


def _resume(campaign_id: UUID, scope: Scope, now: datetime) -> bool:
    with scoped(scope):
        campaign = Campaign.objects.select_related(
            "organization__parent", "assistant__current_version"
        ).get(pk=campaign_id)
        version = campaign.assistant.current_version
        if version is None:
            return False
        price = call_price(
            campaign.organization, version.spec, now, Call.Direction.OUTBOUND
        )
        has = wallet_balance(campaign.organization).available
        if has < price.client.held_for(ENOUGH_FOR_S):
            return False
        if not _pool_pays(campaign.organization, price.pool.held_for(ENOUGH_FOR_S)):
            return False
        try:
            return resume_campaign(campaign=campaign, actor=None)
        except CampaignError:
            logger.info("not resumed", extra={"campaign": str(campaign_id)})
            return False


def _pool_pays(organization: Organization, microcredits: int) -> bool:
    agency = organization.parent
    if agency is None:
        return True
    with agency_scope(agency.pk):
        return wallet_balance(agency).available >= microcredits
