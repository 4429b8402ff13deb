"""Campaigns that an agency's clients may start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from assistants.models import Assistant
from campaigns.models import Campaign, CampaignTemplate
from portal.models import Organization, User
from portal.scope import organization_scope
from portal.services import audit

# What the form of a new campaign asks for, and what it does not.
ASKED: Final = (
    *("system_message_template", "max_concurrent_calls", "max_attempts"),
    "retry_delay_s",
)
KEPT: Final = (
    *("hours", "days_off", "is_closed_on_holidays", "time_zone", "uses_own_zone"),
    *("unknown_zone", "retry_rules", "dropped_below_s", "has_local_presence"),
    *("number_daily_cap", "opt_out_digit"),
)


def assistants_of(agency: Organization, campaign_ids: Iterable[UUID]) -> list[UUID]:
    """Return the assistants that these campaigns of an agency talk with."""
    with organization_scope(agency):
        rows = Campaign.objects.filter(pk__in=list(campaign_ids))
        return list(rows.values_list("assistant_id", flat=True))


@transaction.atomic
def copy_campaigns(
    *,
    agency: Organization,
    client: Organization,
    ids: Iterable[UUID],
    assistants: Mapping[UUID, Assistant],
    actor: User | None,
) -> int:
    """Put the settings of these campaigns into a client's templates; return how many.

    `assistants` are the client's, by the agency's they were copied from. Neither people
    nor consent come along: whom a client may call is its own to know.
    """
    with organization_scope(agency):
        rows = list(Campaign.objects.filter(pk__in=list(ids)))
    rows = [row for row in rows if row.assistant_id in assistants]
    with organization_scope(client):
        for row in rows:
            template = CampaignTemplate.objects.create(
                organization=client,
                name=row.name,
                assistant=assistants[row.assistant_id],
                settings={name: getattr(row, name) for name in (*ASKED, *KEPT)},
            )
            audit.record(
                organization=client,
                actor=actor,
                action="campaign_template.created",
                target=template,
                changes={"name": template.name},
            )
    return len(rows)


@transaction.atomic
def delete_campaign_template(*, template: CampaignTemplate, actor: User | None) -> None:
    """Forget a template; campaigns made from it stay."""
    audit.record(
        organization=template.organization,
        actor=actor,
        action="campaign_template.deleted",
        target=template,
        changes={"name": template.name},
    )
    template.delete()


def usable_templates() -> list[CampaignTemplate]:
    """Return the scope's templates whose assistant can still talk."""
    return list(
        CampaignTemplate.objects.filter(
            assistant__deleted_at__isnull=True, assistant__is_active=True
        ).select_related("assistant")
    )


def initial_of(template: CampaignTemplate, *, most_calls: int) -> dict[str, Any]:
    """Return what the form of a new campaign begins with."""
    settings = template.settings
    return {
        "name": template.name,
        "assistant": template.assistant_id,
        "system_message_template": settings["system_message_template"],
        "max_concurrent_calls": min(settings["max_concurrent_calls"], most_calls),
        "max_attempts": settings["max_attempts"],
        "retry_delay_minutes": max(1, settings["retry_delay_s"] // 60),
    }


def further_of(template: CampaignTemplate | None) -> dict[str, Any]:
    """Return the fields of a new campaign that its form does not ask for."""
    if template is None:
        return {}
    return {name: template.settings[name] for name in KEPT}


def fields_of(template: CampaignTemplate, *, most_calls: int) -> dict[str, Any]:
    """Return every field of a new campaign that a template settles."""
    settings = {name: template.settings[name] for name in (*ASKED, *KEPT)}
    most = min(settings["max_concurrent_calls"], most_calls)
    return settings | {"max_concurrent_calls": max(1, most)}
