"""Celery's doors into this app; each calls one service. A lost message costs a tick.

dial_due_leads      every 2 s: sends one message for each campaign with work
dial_campaign       claims and calls for one campaign
finish_attempt      a call ended
apply_disposition   a call was looked at afterwards
run_import          a part of a list that was uploaded
run_discard         a part of a list that is taken back
resume_imports      every 10 s: imports nobody works at
ask_registers       external registers, about people of one campaign
ask_due_registers   every 30 s: sends for campaigns with people to ask about
apply_wishes        somebody asked not to be called, or to be called later
reconcile_attempts  every 5 s: finds what the others left behind
forget_people       every hour: the people of campaigns that ended long enough ago
resume_campaigns    every 30 s: goes on with what stopped for want of credits
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from campaigns import (
    asking,
    dialing,
    discarding,
    finishing,
    forgetting,
    funding,
    reconciling,
    streaming,
    wishes,
)
from campaigns.models import Campaign
from portal.models import Organization
from portal.scope import all_organizations, organization_scope

_EXPIRES_S = 10  # a message older than this is stale: the next tick has sent another


@contextmanager
def _scope_of(organization_id: str) -> Iterator[Organization]:
    with all_organizations("the message says whose work it is"):
        organization = Organization.objects.get(pk=organization_id)
    with organization_scope(organization):
        yield organization


@shared_task
def dial_due_leads() -> None:
    """Send one message for each running campaign with somebody to call."""
    with all_organizations("the dialer's tick looks at every organization's campaigns"):
        due = list(
            Campaign.objects.running()
            .with_due_leads(timezone.now())
            .values_list("pk", "organization_id")
        )
    for campaign_id, organization_id in due:
        dial_campaign.apply_async(
            kwargs={
                "campaign_id": str(campaign_id),
                "organization_id": str(organization_id),
            },
            expires=_EXPIRES_S,
        )


@shared_task
def dial_campaign(*, campaign_id: str, organization_id: str) -> None:
    """Call the due leads of one campaign, as many as fit."""
    with _scope_of(organization_id) as organization:
        dialing.dial_campaign(campaign_id=UUID(campaign_id), organization=organization)


@shared_task
def finish_attempt(*, call_id: str, organization_id: str) -> None:
    """Report a call's end to the lead it was for, if it was for one."""
    with _scope_of(organization_id):
        finishing.finish_attempt_of_call(call_id=UUID(call_id))


@shared_task
def apply_disposition(*, call_id: str, organization_id: str) -> None:
    """Follow what an analysis found to be the result of a call."""
    with _scope_of(organization_id):
        finishing.apply_disposition(call_id=UUID(call_id))


@shared_task
def run_import(*, import_id: str, organization_id: str) -> None:
    """Import a part of a list, and send for the next part."""
    with _scope_of(organization_id):
        has_more = streaming.run_import(import_id=UUID(import_id))
    if has_more:
        run_import.delay(import_id=import_id, organization_id=organization_id)


@shared_task
def run_discard(*, import_id: str, organization_id: str) -> None:
    """Take back a part of a list, and send for the next part."""
    with _scope_of(organization_id):
        has_more = discarding.run_discard(import_id=UUID(import_id))
    if has_more:
        run_discard.delay(import_id=import_id, organization_id=organization_id)


@shared_task
def resume_imports() -> None:
    """Send for imports whose worker died or whose message was lost."""
    with all_organizations("imports of every organization are looked after"):
        late = streaming.late_imports()
    for row in late:
        task = run_import if row.is_open else run_discard
        task.delay(import_id=str(row.pk), organization_id=str(row.organization_id))


@shared_task
def ask_registers(*, campaign_id: str, organization_id: str) -> None:
    """Ask external registers about people of a campaign, and send for the others."""
    with _scope_of(organization_id):
        has_more = asking.ask_about_campaign(campaign_id=UUID(campaign_id))
    if has_more:
        ask_registers.delay(campaign_id=campaign_id, organization_id=organization_id)


@shared_task
def ask_due_registers() -> None:
    """Send for campaigns with people whom a register was not asked about."""
    asking.forget_old_answers()
    for campaign_id, organization_id in asking.campaigns_to_ask_about():
        ask_registers.apply_async(
            kwargs={
                "campaign_id": str(campaign_id),
                "organization_id": str(organization_id),
            },
            expires=30,
        )


@shared_task
def apply_wishes(*, call_id: str, organization_id: str) -> None:
    """Act on what a person asked for in a call."""
    with _scope_of(organization_id):
        wishes.apply_wishes(call_id=UUID(call_id))


@shared_task
def reconcile_attempts() -> None:
    """Find what dead workers and lost messages left behind."""
    reconciling.reconcile()


@shared_task(time_limit=3_600, soft_time_limit=3_500)
def forget_people() -> None:
    """Forget the people of campaigns whose time is over."""
    forgetting.forget_people(timezone.now())


@shared_task
def resume_campaigns(organization_id: str | None = None) -> None:
    """Go on with campaigns that stopped for want of credits, where there are some."""
    only = UUID(organization_id) if organization_id else None
    funding.resume_funded_campaigns(timezone.now(), only)
