"""Campaigns and their leads over REST; `assistant_id` and `agent_id` are one field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from django.db import transaction
from django.http import Http404, HttpRequest
from ninja import Query, Router, Status

from calls.api.numbers import chosen_assistant
from calls.models import PhoneNumber
from calls.queries import visible_numbers
from campaigns import services
from campaigns.api_shapes import (
    DAY_END,
    DAY_START,
    CampaignBody,
    CampaignChange,
    Campaigns,
    LeadBody,
    Leads,
    LeadsAdded,
    LeadsBody,
    NewCampaignBody,
    OneCampaign,
    campaign_json,
    lead_json,
)
from campaigns.importing import (
    LeadRow,
    UnusableNumber,
    region_of,
    to_e164,
)
from campaigns.models import Campaign
from campaigns.queries import (
    get_campaign,
    leads_of,
    progress_of,
    progress_of_many,
    visible_campaigns,
)
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Deleted, Page, given, pagination
from portal.permissions import Permission

router = Router(tags=["Campaigns"])


@router.get("", response=Campaigns)
@api_requires(Permission.CAMPAIGNS_READ)
def list_campaigns(
    request: HttpRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """Campaigns, newest first."""
    found = visible_campaigns()
    page = list(found[wanted.offset : wanted.offset + wanted.limit])
    progress = progress_of_many(page)
    return {
        "campaigns": [campaign_json(request, row, progress[row.pk]) for row in page],
        "pagination": pagination(wanted, found.count()),
    }


@router.post("", response={201: OneCampaign})
@api_requires(Permission.CAMPAIGNS_EDIT)
def create_campaign(
    request: HttpRequest, wanted: NewCampaignBody
) -> Status[dict[str, Any]]:
    """Make a draft with its leads; a PATCH of `status` starts it."""
    require_whole_day(wanted)
    assistant = chosen_assistant(wanted)
    if assistant is None:
        raise InvalidRequest(
            "Missing required field: assistant_id",
            param="assistant_id",
            code="missing_field",
        )
    number = chosen_number(wanted.number_id)
    campaign = services.create_campaign(
        organization=request.organization,  # type: ignore[attr-defined]  # set by ApiMiddleware
        new=services.NewCampaign(
            assistant=assistant,
            number=number,
            **{"name": wanted.name, **sent_fields(wanted)},
        ),
        leads=lead_rows(wanted.leads, number, "leads"),
        actor=None,
    )
    return Status(201, _one(request, campaign.pk))


@router.get("/{uuid:campaign_id}", response=OneCampaign)
@api_requires(Permission.CAMPAIGNS_READ)
def read_campaign(request: HttpRequest, campaign_id: UUID) -> dict[str, Any]:
    """One campaign."""
    return _one(request, campaign_id)


@router.patch("/{uuid:campaign_id}", response=OneCampaign)
@api_requires(Permission.CAMPAIGNS_LAUNCH)
@transaction.atomic
def change_campaign(
    request: HttpRequest, campaign_id: UUID, wanted: CampaignChange
) -> dict[str, Any]:
    """Change it, start it, pause it or end it."""
    require_whole_day(wanted)
    campaign = get_campaign(campaign_id)
    services.change_campaign(campaign=campaign, changes=sent_fields(wanted), actor=None)
    if wanted.status is not None:
        move_campaign(campaign, Campaign.Status(wanted.status))
    return _one(request, campaign_id)


@router.delete("/{uuid:campaign_id}", response=Deleted)
@api_requires(Permission.CAMPAIGNS_EDIT)
def delete_campaign(request: HttpRequest, campaign_id: UUID) -> dict[str, bool]:
    """Delete a campaign that is not calling; its calls stay."""
    services.delete_campaign(campaign=get_campaign(campaign_id), actor=None)
    return {"success": True}


@router.get("/{uuid:campaign_id}/leads", response=Leads)
@api_requires(Permission.CAMPAIGNS_READ)
def list_leads(
    request: HttpRequest, campaign_id: UUID, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """A campaign's leads, in the order they were added."""
    leads = leads_of(get_campaign(campaign_id))
    page = leads[wanted.offset : wanted.offset + wanted.limit]
    return {
        "leads": [lead_json(lead) for lead in page],
        "pagination": pagination(wanted, leads.count()),
    }


@router.post("/{uuid:campaign_id}/leads", response={201: LeadsAdded})
@api_requires(Permission.CAMPAIGNS_EDIT)
@transaction.atomic
def add_leads(
    request: HttpRequest, campaign_id: UUID, wanted: LeadsBody
) -> Status[dict[str, Any]]:
    """Add one person or many; a single one that is there already is a conflict."""
    campaign = get_campaign(campaign_id)
    many = wanted.leads
    if many is None:
        if wanted.phone_number is None:
            raise InvalidRequest(
                "Missing required field: phone_number",
                param="phone_number",
                code="missing_field",
            )
        one = LeadBody(
            phone_number=wanted.phone_number,
            name=wanted.name,
            variables=wanted.variables,
        )
        rows = lead_rows([one], campaign.number, "")
    else:
        rows = lead_rows(many, campaign.number, "leads")
    added = services.add_leads(campaign=campaign, leads=rows, actor=None)
    if many is None and not added:
        raise Conflict("This number is in the campaign already.")
    lead = None
    if many is None:
        lead = leads_of(campaign).get(phone_number=rows[0].phone_number)
    return Status(
        201,
        {
            "lead": lead_json(lead) if lead else None,
            "added": added,
            "skipped": len(rows) - added,
        },
    )


@router.delete("/{uuid:campaign_id}/leads/{uuid:lead_id}", response=Deleted)
@api_requires(Permission.CAMPAIGNS_EDIT)
def delete_lead(
    request: HttpRequest, campaign_id: UUID, lead_id: UUID
) -> dict[str, bool]:
    """Take a person out of a campaign; calls made to them stay."""
    lead = leads_of(get_campaign(campaign_id)).filter(pk=lead_id).first()
    if lead is None:
        raise Http404("No such lead.")
    services.delete_lead(lead=lead, actor=None)
    return {"success": True}


def move_campaign(campaign: Campaign, status: Campaign.Status) -> None:
    """Move a campaign to a status; being there already is fine."""
    match status:
        case Campaign.Status.SCHEDULED if campaign.status == Campaign.Status.DRAFT:
            moved = services.launch_campaign(campaign=campaign, actor=None)
        case Campaign.Status.SCHEDULED:
            moved = services.resume_campaign(campaign=campaign, actor=None)
        case Campaign.Status.PAUSED:
            moved = services.pause_campaign(campaign=campaign, actor=None)
        case Campaign.Status.CANCELLED:
            moved = services.cancel_campaign(campaign=campaign, actor=None)
        case _:
            moved = False
    now = Campaign.objects.values_list("status", flat=True).get(pk=campaign.pk)
    if not moved and now != status:
        raise Conflict(f"A campaign that is {now} cannot become {status}.")


def chosen_number(number_id: UUID | None) -> PhoneNumber:
    """Return the number named, or the organization's first that is in use."""
    numbers = visible_numbers().filter(is_active=True)
    number = numbers.filter(pk=number_id).first() if number_id else numbers.first()
    if number is None:
        message = (
            "There is no such active number."
            if number_id
            else "Register a number first; people see it when they are called."
        )
        raise InvalidRequest(message, param="number_id")
    return number


def lead_rows(
    bodies: Sequence[LeadBody], number: PhoneNumber, param: str
) -> list[LeadRow]:
    """Return people to call; the first number that cannot be called is refused."""
    region = region_of(number.number)
    rows = []
    for index, body in enumerate(bodies):
        try:
            phone_number = to_e164(body.phone_number, region)
        except UnusableNumber as error:
            path = f"{param}[{index}].phone_number" if param else "phone_number"
            raise InvalidRequest(str(error), param=path) from error
        variables = {key: _text(value) for key, value in body.variables.items()}
        rows.append(LeadRow(phone_number, body.name, variables))
    return rows


def sent_fields(wanted: CampaignBody) -> dict[str, Any]:
    """Return the model's fields that a body sets; null means unchanged."""
    names = {
        "name": "name",
        "system_message_template": "system_message_template",
        "max_concurrent_calls": "max_concurrent_calls",
        "max_attempts": "max_attempts",
        "retry_delay_seconds": "retry_delay_s",
    }
    found = {field: given(wanted, name) for name, field in names.items()}
    return {field: value for field, value in found.items() if value is not None}


def require_whole_day(wanted: CampaignBody) -> None:
    """Refuse a calling window that would not be kept."""
    for name, kept in (
        ("schedule_start_time", DAY_START),
        ("schedule_end_time", DAY_END),
    ):
        value: time | None = getattr(wanted, name)
        if value is not None and value.replace(tzinfo=None) != kept:
            raise InvalidRequest(
                f"Calls go out at any hour; only {kept} can be kept here.", param=name
            )
    if wanted.timezone is not None and wanted.timezone not in available_timezones():
        raise InvalidRequest(
            "Name a time zone such as Europe/Amsterdam.", param="timezone"
        )


def _one(request: HttpRequest, campaign_id: UUID) -> dict[str, Any]:
    campaign = get_campaign(campaign_id)
    return {"campaign": campaign_json(request, campaign, progress_of(campaign))}


def _text(value: str | float) -> str:
    """Return a variable's value as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
