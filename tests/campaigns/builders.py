"""Builders of campaign tests, all through the real services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from assistants.models import Assistant
from assistants.services import create_assistant
from assistants.spec import AssistantSpec, LLMConfig, STTConfig, TTSConfig
from billing.ledger import grant_credits
from calls.models import Call, PhoneNumber
from calls.services.finish import Outcome, finish_call
from calls.session.events import EndReason
from campaigns.importing import LeadRow
from campaigns.models import Campaign, Lead
from campaigns.services import NewCampaign, create_campaign, launch_campaign
from common.money import MICROCREDITS_PER_CREDIT
from portal.models import Organization, Portal, Role, User
from portal.scope import Scope, organization_scope
from portal.services.organizations import add_member, open_agency, open_client

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Client:
    """One client of one agency, with all it needs to call."""

    portal: Portal
    organization: Organization
    owner: User
    viewer: User
    assistant: Assistant
    number: PhoneNumber

    @property
    def scope(self) -> Scope:
        return Scope(self.organization.agency_id, self.organization.pk)


def open_shop(slug: str, number: str, *, credits: int = 5_000) -> Client:
    """Open an agency with one client, called as the slug."""
    portal = open_agency(name=f"{slug} agency", slug=slug, actor=None)
    organization = open_client(agency=portal.agency, name=slug, actor=None)
    people = [
        add_member(
            organization=organization,
            email=f"{role}@{slug}.example",
            role=role,
            actor=None,
            password=PASSWORD,
        ).user
        for role in (Role.OWNER, Role.VIEWER)
    ]
    for payer in (portal.agency, organization):
        if credits:
            with organization_scope(payer):
                grant_credits(
                    organization=payer,
                    amount_microcredits=credits * MICROCREDITS_PER_CREDIT,
                    idempotency_key="start",
                    actor=None,
                )
    with organization_scope(organization):
        assistant = create_assistant(
            organization=organization,
            actor=people[0],
            spec=AssistantSpec(
                name="Ada",
                first_message="Hello {{name}}.",
                llm_config=LLMConfig(provider="offline", model="rules"),
                stt_config=STTConfig(provider="offline", model="pocketsphinx"),
                tts_config=TTSConfig(provider="offline", voice_id="slt"),
            ),
        )
        phone_number = PhoneNumber.objects.create(
            organization=organization, number=number, assistant=assistant
        )
    return Client(portal, organization, people[0], people[1], assistant, phone_number)


def rows(count: int, *, ending: str = "") -> list[LeadRow]:
    """Distinct people; with `ending` all of their numbers end alike."""
    numbers = [f"+3161{n:05d}{ending or '11'}" for n in range(count)]
    return [
        LeadRow(number, f"Lead {n}", {"city": "Delft"})
        for n, number in enumerate(numbers)
    ]


def make_campaign(
    client: Client,
    *,
    leads: int | Sequence[LeadRow] = 3,
    launched: bool = True,
    **fields: Any,
) -> Campaign:
    """A campaign of the client, running unless told otherwise."""
    with organization_scope(client.organization):
        campaign = create_campaign(
            organization=client.organization,
            actor=client.owner,
            new=NewCampaign(
                **{
                    "name": "Spring",
                    "assistant": client.assistant,
                    "number": client.number,
                    **fields,
                }
            ),
            leads=rows(leads) if isinstance(leads, int) else leads,
        )
        if launched:
            launch_campaign(campaign=campaign, actor=client.owner)
            campaign.refresh_from_db()
    return campaign


def end_call(
    client: Client, call_id: UUID, reason: EndReason, *, answered: bool
) -> None:
    """Let a call end as a voice process reports it."""
    with organization_scope(client.organization):
        if answered:
            Call.objects.filter(pk=call_id).update(
                status=Call.Status.IN_PROGRESS, started_at=timezone.now()
            )
    finish_call(
        call_id=call_id,
        scope=client.scope,
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
