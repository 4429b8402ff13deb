"""Letting go of people whose time is over, or who ask for it.

    attempts    the number that was dialled           with their call's metadata
    leads       number, name, variables, consent      after the metadata's days, counted
    decisions   what was noted of a consent           from the end of their campaign; after
                                                      `PRIVATE_FOR` where nothing is kept
    faults      what stood in rows of an upload       after `FAULTS_FOR`
    uploads     files nobody went on with             `campaigns.discarding`

Saved lists, and the leads of campaigns that are not over, are whom a customer means to
call: they go when somebody deletes them, or when the person asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat, Replace, Right

from calls.models import Call
from campaigns.checks import without_proof
from campaigns.discarding import forget_uploads
from campaigns.leftovers import sweep_files
from campaigns.models import Attempt, Campaign, Decision, ImportFault, Lead
from portal.policy import METADATA_DAYS
from portal.scope import Scope, all_organizations, scoped
from portal.services.privacy import policy_for

BATCH: Final = 500
# Time to fetch the results of a campaign whose calls keep nothing.
PRIVATE_FOR: Final = timedelta(days=3)
FAULTS_FOR: Final = timedelta(days=min(METADATA_DAYS))
_LEAST_DIGITS: Final = 6  # of a number that was written some other way


def forget_attempt(call: Call) -> None:
    """Forget whom an attempt dialled; its call forgets the same."""
    Attempt.objects.filter(call_id=call.pk).update(phone_number="", decided={})


def forget_people(now: datetime) -> int:
    """Forget the people of campaigns that ended long enough ago; return how many.

    A legal hold keeps them. Killed half way, the next run goes on.
    """
    with all_organizations("each organization's campaigns have their own time"):
        _forget_faults(now)
        forget_uploads(now)
        sweep_files(now)
        named = Lead.objects.filter(
            campaign=OuterRef("pk"), phone_number__startswith="+"
        )
        over = list(
            Campaign.objects.filter(
                Exists(named),
                status__in=Campaign.FINAL,
                finished_at__lt=now - PRIVATE_FOR,
            ).select_related("assistant__current_version")
        )
    count = 0
    for campaign in over:
        if _is_due(campaign, now):
            with scoped(Scope(campaign.agency_id, campaign.organization_id)):
                count += _forget_people_of(campaign)
    return count


def _forget_faults(now: datetime) -> None:
    due = ImportFault.objects.filter(lead_import__finished_at__lt=now - FAULTS_FOR)
    owners = due.order_by().values_list("agency_id", "organization_id").distinct()
    for agency_id, organization_id in list(owners):
        if not policy_for(agency_id, organization_id).is_on_hold:
            due.filter(organization=organization_id).delete()


def _is_due(campaign: Campaign, now: datetime) -> bool:
    policy = policy_for(campaign.agency_id, campaign.organization_id)
    if policy.is_on_hold or campaign.finished_at is None:
        return False
    version = campaign.assistant.current_version
    is_private = policy.gdpr_mode or bool(
        version and version.spec_json.get("gdpr_mode")
    )
    kept = PRIVATE_FOR if is_private else timedelta(days=policy.metadata_days)
    return campaign.finished_at < now - kept


def _forget_people_of(campaign: Campaign) -> int:
    named = Lead.objects.filter(campaign=campaign, phone_number__startswith="+")
    count = 0
    while ids := list(named.values_list("pk", flat=True)[:BATCH]):
        forget_leads(ids)
        count += len(ids)
    return count


@transaction.atomic
def forget_leads(ids: Sequence[UUID]) -> None:
    """Take the person out of these leads and of what was tried and decided for them.

    In place of the number stands something nobody has, and no other lead of a campaign.
    """
    end_of_id = Right(Replace(Cast("pk", CharField()), Value("-"), Value("")), 15)
    Lead.objects.filter(pk__in=ids).update(
        phone_number=Concat(Value("#"), end_of_id),
        name="",
        variables={},
        consent_proof="",
    )
    Attempt.objects.filter(lead__in=ids).update(phone_number="", decided={})
    proved = list(
        Decision.objects.filter(
            lead__in=ids, checks__contains=[{"check": "consent", "ok": True}]
        )
    )
    for decision in proved:
        decision.checks = [without_proof(check) for check in decision.checks]
    Decision.objects.bulk_update(proved, ["checks"], batch_size=BATCH)


def forget_faults_of(number: str) -> None:
    """Empty what the scope's uploads kept of rows with this number that were left out."""
    for fault in ImportFault.objects.exclude(value=""):
        digits = re.sub(r"\D", "", fault.value).lstrip("0")
        if len(digits) >= _LEAST_DIGITS and (
            number.endswith(digits) or digits.endswith(number[1:])
        ):
            ImportFault.objects.filter(pk=fault.pk).update(value="")
