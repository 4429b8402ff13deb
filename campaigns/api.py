"""Campaigns and their leads over REST; `assistant_id` and `agent_id` are one field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from ninja import Query, Router, Status

from calls.api.numbers import chosen_assistant
from calls.models import PhoneNumber
from calls.queries import visible_numbers
from campaigns import services
from campaigns.api_settings import chosen_numbers, sent_fields, settings_json
from campaigns.api_shapes import (
    CampaignChange,
    Campaigns,
    LeadBody,
    LeadChange,
    Leads,
    LeadsAdded,
    LeadsBody,
    NewCampaignBody,
    OneCampaign,
    OneLead,
    TrialBody,
    TrialStarted,
    Why,
    lead_json,
    why_json,
)
from campaigns.columns import LeadRow
from campaigns.explaining import explain_lead
from campaigns.locality import known_zones, locality_of
from campaigns.models import Campaign, CampaignTemplate, Lead
from campaigns.numbers import UnusableNumber, read_number, region_of
from campaigns.queries import (
    Progress,
    get_campaign,
    leads_of,
    progress_of,
    progress_of_many,
    visible_campaigns,
)
from campaigns.services.templates import fields_of, usable_templates
from campaigns.trying import place_test_call
from portal.api.access import api_requires, require_live_key
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Deleted, Page, given, pagination
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Campaigns"])


@router.get("", response=Campaigns)
@api_requires(Permission.CAMPAIGNS_READ)
def list_campaigns(
    request: KeyRequest, wanted: Annotated[Page, Query()]
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
    request: KeyRequest, wanted: NewCampaignBody
) -> Status[dict[str, Any]]:
    """Make a draft with its leads; a PATCH of `status` starts it."""
    organization = request.organization
    template = chosen_template(wanted.template_id)
    assistant = chosen_assistant(wanted) or (template.assistant if template else None)
    if assistant is None:
        raise InvalidRequest(
            "Missing required field: assistant_id",
            param="assistant_id",
            code="missing_field",
        )
    number = chosen_number(wanted.number_id)
    more: dict[str, Any] = {}
    if template is not None:
        more = fields_of(template, most_calls=organization.max_concurrent_calls)
    more |= {k: v for k, v in sent_fields(wanted).items() if k != "name"}
    campaign = services.create_campaign(
        organization=organization,
        new=services.NewCampaign(
            name=wanted.name,
            assistant=assistant,
            number=number,
            further_numbers=chosen_numbers(wanted.number_ids or ()),
            more=more,
        ),
        leads=lead_rows(wanted.leads, number, "leads"),
        actor=None,
    )
    return Status(201, _one(request, campaign.pk))


@router.get("/{uuid:campaign_id}", response=OneCampaign)
@api_requires(Permission.CAMPAIGNS_READ)
def read_campaign(request: KeyRequest, campaign_id: UUID) -> dict[str, Any]:
    """One campaign."""
    return _one(request, campaign_id)


@router.patch("/{uuid:campaign_id}", response=OneCampaign)
@api_requires(Permission.CAMPAIGNS_LAUNCH)
@transaction.atomic
def change_campaign(
    request: KeyRequest, campaign_id: UUID, wanted: CampaignChange
) -> dict[str, Any]:
    """Change it, start it, pause it or end it; a test key does not start it."""
    campaign = get_campaign(campaign_id)
    if wanted.status not in ("paused", "cancelled"):
        _leave_callers_alone(request, campaign, wanted.status)
    services.change_campaign(
        campaign=campaign, changes=sent_fields(wanted, campaign), actor=None
    )
    if wanted.number_ids is not None:
        services.set_numbers(campaign, chosen_numbers(wanted.number_ids))
    if wanted.status is not None:
        move_campaign(campaign, Campaign.Status(wanted.status))
    return _one(request, campaign_id)


@router.delete("/{uuid:campaign_id}", response=Deleted)
@api_requires(Permission.CAMPAIGNS_EDIT)
def delete_campaign(request: KeyRequest, campaign_id: UUID) -> dict[str, bool]:
    """Delete a campaign that is not calling; its calls stay."""
    services.delete_campaign(campaign=get_campaign(campaign_id), actor=None)
    return {"success": True}


@router.post("/{uuid:campaign_id}/test-call", response={201: TrialStarted})
@api_requires(Permission.CAMPAIGNS_LAUNCH)
def start_test_call(
    request: KeyRequest, campaign_id: UUID, wanted: TrialBody
) -> Status[dict[str, Any]]:
    """Call one number as the campaign would, with the words for its first person."""
    campaign = get_campaign(campaign_id)
    try:
        found = read_number(wanted.phone_number, region_of(campaign.number.number))
    except UnusableNumber as error:
        raise InvalidRequest(str(error), param="phone_number") from error
    call = place_test_call(
        campaign=campaign,
        destination=found.e164,
        actor=None,
        is_test=request.api_key.is_test,
    )
    return Status(201, {"success": True, "call_id": call.pk, "status": "dialing"})


@router.get("/{uuid:campaign_id}/leads", response=Leads)
@api_requires(Permission.CAMPAIGNS_READ)
def list_leads(
    request: KeyRequest, campaign_id: UUID, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """A campaign's leads, in the order they were added."""
    leads = leads_of(get_campaign(campaign_id)).select_related("locality")
    page = leads[wanted.offset : wanted.offset + wanted.limit]
    return {
        "leads": [lead_json(lead) for lead in page],
        "pagination": pagination(wanted, leads.count()),
    }


@router.post("/{uuid:campaign_id}/leads", response={201: LeadsAdded})
@api_requires(Permission.CAMPAIGNS_EDIT)
@transaction.atomic
def add_leads(
    request: KeyRequest, campaign_id: UUID, wanted: LeadsBody
) -> Status[dict[str, Any]]:
    """Add one person or many; a single one that is there already is a conflict."""
    campaign = get_campaign(campaign_id)
    _leave_callers_alone(request, campaign)
    many = wanted.leads
    if many is None:
        if wanted.phone_number is None:
            raise InvalidRequest(
                "Missing required field: phone_number",
                param="phone_number",
                code="missing_field",
            )
        one = LeadBody(**wanted.model_dump(exclude={"leads"}))
        rows = lead_rows([one], campaign.number, "")
    else:
        rows = lead_rows(many, campaign.number, "leads")
    added = services.add_leads(campaign=campaign, leads=rows, actor=None)
    if many is None and not added:
        raise Conflict("This number is in the campaign already.", param="phone_number")
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


@router.patch("/{uuid:campaign_id}/leads/{uuid:lead_id}", response=OneLead)
@api_requires(Permission.CAMPAIGNS_EDIT)
@transaction.atomic
def change_lead(
    request: KeyRequest, campaign_id: UUID, lead_id: UUID, wanted: LeadChange
) -> dict[str, Any]:
    """Change what is known of a person, skip them, or have them called next."""
    lead = _lead(campaign_id, lead_id)
    _leave_callers_alone(request, lead.campaign)
    names = {"priority": "is_priority"}
    changes: dict[str, Any] = {
        names.get(name, name): given(wanted, name)
        for name in ("name", "priority", "consent_basis", "consent_proof")
        if given(wanted, name) is not None
    }
    if wanted.variables is not None:
        changes["variables"] = {k: _text(v) for k, v in wanted.variables.items()}
    services.change_lead(
        lead=lead,
        changes=changes,
        actor=None,
        zone=_zone(wanted.time_zone, "time_zone"),
        state=wanted.state,
    )
    if wanted.status == "skipped" and not services.skip_lead(lead=lead, actor=None):
        raise Conflict(
            "Only somebody who waits for a call can be skipped.", param="status"
        )
    if wanted.status == "pending":
        services.requeue_lead(lead=lead, actor=None)
    return {"lead": lead_json(_lead(campaign_id, lead_id))}


@router.get("/{uuid:campaign_id}/leads/{uuid:lead_id}/why", response=Why)
@api_requires(Permission.CAMPAIGNS_READ)
def why(request: KeyRequest, campaign_id: UUID, lead_id: UUID) -> dict[str, Any]:
    """Why this person was called, or was not: every check, with its answer."""
    return why_json(explain_lead(_lead(campaign_id, lead_id)))


@router.delete("/{uuid:campaign_id}/leads/{uuid:lead_id}", response=Deleted)
@api_requires(Permission.CAMPAIGNS_EDIT)
def delete_lead(
    request: KeyRequest, campaign_id: UUID, lead_id: UUID
) -> dict[str, bool]:
    """Take a person out of a campaign; calls made to them stay."""
    services.delete_lead(lead=_lead(campaign_id, lead_id), actor=None)
    return {"success": True}


def _leave_callers_alone(
    request: KeyRequest, campaign: Campaign, status: str | None = None
) -> None:
    """Keep test keys from what people would be called for."""
    if Campaign.Status.SCHEDULED in (status, campaign.status):
        require_live_key(request)


def _lead(campaign_id: UUID, lead_id: UUID) -> Lead:
    leads = leads_of(get_campaign(campaign_id)).select_related("locality", "campaign")
    lead = leads.filter(pk=lead_id).first()
    if lead is None:
        raise Http404("No such lead.")
    return lead


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
        raise Conflict(
            f"A campaign that is {now} cannot become {status}.", param="status"
        )


def chosen_template(template_id: UUID | None) -> CampaignTemplate | None:
    """Return the template named, if its assistant can talk; another one is refused."""
    if template_id is None:
        return None
    found = next((row for row in usable_templates() if row.pk == template_id), None)
    if found is None:
        raise InvalidRequest("There is no such template.", param="template_id")
    return found


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
        prefix = f"{param}[{index}]." if param else ""
        try:
            found = read_number(body.phone_number, region)
        except UnusableNumber as error:
            raise InvalidRequest(str(error), param=f"{prefix}phone_number") from error
        rows.append(
            LeadRow(
                found.e164,
                body.name,
                {key: _text(value) for key, value in body.variables.items()},
                locality_of(
                    found.parsed,
                    country=found.region,
                    kind=found.kind,
                    zone=_zone(body.time_zone, f"{prefix}time_zone") or "",
                    state=body.state or "",
                ),
                body.consent_basis or "",
                body.consent_proof,
                body.priority,
            )
        )
    return rows


def _zone(name: str | None, param: str) -> str | None:
    if name and name not in known_zones():
        raise InvalidRequest("Name a time zone such as Europe/Amsterdam.", param=param)
    return name


def campaign_json(
    request: KeyRequest, campaign: Campaign, progress: Progress
) -> dict[str, Any]:
    """Return a campaign as the API shows it."""
    zone: str = request.organization.time_zone
    return settings_json(campaign, zone) | {
        "id": campaign.pk,
        "name": campaign.name,
        "assistant_id": campaign.assistant_id,
        "agent_id": campaign.assistant_id,
        "agent_name": campaign.assistant.name,
        "number_id": campaign.number_id,
        "number_ids": [row.number_id for row in campaign.further_numbers.all()],
        "phone_number": campaign.number.number,
        "system_message_template": campaign.system_message_template or None,
        "status": campaign.status,
        "halt_reason": campaign.halt_text or None,
        "halt_evidence": campaign.halt_evidence or None,
        "total_leads": progress.total,
        "completed_leads": progress.reached,
        "failed_leads": progress.states.get("exhausted", 0),
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
    }


def _one(request: KeyRequest, campaign_id: UUID) -> dict[str, Any]:
    campaign = get_campaign(campaign_id)
    return {"campaign": campaign_json(request, campaign, progress_of(campaign))}


def _text(value: str | float) -> str:
    """Return a variable's value as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
