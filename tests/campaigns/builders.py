"""Builders of campaign tests, all through the real services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from assistants.services import create_assistant
from billing.grants import grant_credits
from billing.ledger import open_accounts
from calls.models import Call, PhoneNumber
from calls.services.finish import Outcome, finish_call
from calls.session.events import EndReason
from campaigns.importing import LeadRow
from campaigns.models import Campaign, Lead
from campaigns.services import NewCampaign, create_campaign, launch_campaign
from common.money import MICROCREDITS_PER_CREDIT
from portal.models import Role
from portal.scope import Scope, organization_scope
from portal.services.organizations import open_client
from tests.world import House, desk_spec, join


def open_poor_client(agency: House, *, credits: int) -> House:
    """Open a client of a rich agency with this many credits of its own."""
    client = open_client(agency=agency.organization, name="Poor", actor=None)
    with organization_scope(client):
        open_accounts(client)
        if credits:
            grant_credits(
                organization=client,
                amount_microcredits=credits * MICROCREDITS_PER_CREDIT,
                idempotency_key="start",
                actor=None,
            )
        assistant = create_assistant(organization=client, spec=desk_spec(), actor=None)
        number = PhoneNumber.objects.create(
            organization=client, number="+31201234599", assistant=assistant
        )
    house = House(agency.portal, client, assistant, number)
    join(house, "dora", Role.OWNER)
    return house


def rows(count: int, *, ending: str = "") -> list[LeadRow]:
    """Distinct people; with `ending` all of their numbers end alike."""
    numbers = [f"+3161{n:05d}{ending or '11'}" for n in range(count)]
    return [
        LeadRow(number, f"Lead {n}", {"city": "Delft"})
        for n, number in enumerate(numbers)
    ]


def make_campaign(
    house: House,
    *,
    leads: int | Sequence[LeadRow] = 3,
    launched: bool = True,
    **fields: Any,
) -> Campaign:
    """A campaign of the house's first person, running unless told otherwise."""
    owner = next(iter(house.people.values()))
    with organization_scope(house.organization):
        campaign = create_campaign(
            organization=house.organization,
            actor=owner,
            new=NewCampaign(
                **{
                    "name": "Spring",
                    "assistant": house.assistant,
                    "number": house.number,
                    **fields,
                }
            ),
            leads=rows(leads) if isinstance(leads, int) else leads,
        )
        if launched:
            launch_campaign(campaign=campaign, actor=owner)
            campaign.refresh_from_db()
    return campaign


def end_call(
    house: House, call_id: UUID, reason: EndReason, *, answered: bool = False
) -> None:
    """Let a call end as a voice process reports it."""
    with organization_scope(house.organization):
        if answered:
            Call.objects.filter(pk=call_id).update(
                status=Call.Status.IN_PROGRESS, started_at=timezone.now()
            )
    finish_call(
        call_id=call_id,
        scope=Scope(house.organization.agency_id, house.organization.pk),
        outcome=Outcome(reason, duration_ms=2_000 if answered else 0),
    )


def states(campaign: Campaign) -> dict[str, int]:
    """Count a campaign's leads by status."""
    counts: dict[str, int] = {}
    for status in Lead.objects.filter(campaign=campaign).values_list(
        "status", flat=True
    ):
        counts[status] = counts.get(status, 0) + 1
    return counts
