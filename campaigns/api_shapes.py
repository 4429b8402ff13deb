"""What a campaign and its leads look like over REST: bodies in, objects out."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
)

from campaigns.importing import (
    MAX_COLUMNS,
    MAX_LEADS,
    MAX_NAME_LENGTH,
    MAX_VALUE_LENGTH,
)
from campaigns.models import Attempt, Campaign, Lead
from campaigns.queries import (
    Progress,
)
from portal.api.paging import Body, Pagination


def _only_text(value: object) -> object:
    """Refuse seconds of the day, which pydantic would take for a time."""
    if not isinstance(value, str):
        raise ValueError("Write a time such as 09:00:00.")
    return value


# Leads are called at any hour; only a window of the whole day says the same.
DAY_START: Final = time(0, 0)
DAY_END: Final = time(23, 59, 59)

TimeOfDay = Annotated[time, BeforeValidator(_only_text)]
VariableName = Annotated[str, Field(min_length=1, max_length=64)]
VariableText = Annotated[str, Field(max_length=MAX_VALUE_LENGTH)]
VariableValue = VariableText | StrictBool | StrictInt | StrictFloat


class LeadBody(Body):
    """Somebody to call, and what the assistant may know of them."""

    phone_number: str = Field(max_length=40, examples=["+31612345678"])
    name: str = Field("", max_length=MAX_NAME_LENGTH)
    variables: dict[VariableName, VariableValue] = Field({}, max_length=MAX_COLUMNS)


class LeadsBody(Body):
    """One person, as the fields of a lead, or many as `leads`."""

    phone_number: str | None = Field(None, max_length=40)
    name: str = Field("", max_length=MAX_NAME_LENGTH)
    variables: dict[VariableName, VariableValue] = Field({}, max_length=MAX_COLUMNS)
    leads: list[LeadBody] | None = Field(None, min_length=1, max_length=MAX_LEADS)


class CampaignBody(Body):
    """What may be changed as long as the campaign has not ended."""

    name: str | None = Field(None, min_length=1, max_length=120)
    system_message_template: str | None = Field(None, max_length=100_000)
    max_concurrent_calls: int | None = Field(None, strict=True, ge=1, le=10_000)
    max_attempts: int | None = Field(None, strict=True, ge=1, le=10)
    retry_delay_seconds: int | None = Field(None, strict=True, ge=60, le=604_800)
    schedule_start_time: TimeOfDay | None = None
    schedule_end_time: TimeOfDay | None = None
    timezone: str | None = Field(None, max_length=64)


class CampaignChange(CampaignBody):
    """`scheduled` starts or resumes, `paused` stops, `cancelled` ends for good."""

    status: Literal["draft", "scheduled", "paused", "cancelled"] | None = None


class NewCampaignBody(CampaignBody):
    name: str = Field(min_length=1, max_length=120)
    assistant_id: UUID | None = None
    agent_id: UUID | None = Field(None, json_schema_extra={"deprecated": True})
    number_id: UUID | None = None
    leads: list[LeadBody] = Field([], max_length=MAX_LEADS)


class CampaignJson(BaseModel):
    id: UUID
    name: str
    assistant_id: UUID
    agent_id: UUID
    agent_name: str
    number_id: UUID
    phone_number: str
    system_message_template: str | None
    schedule_start_time: str
    schedule_end_time: str
    timezone: str
    status: str
    halt_reason: str | None
    max_concurrent_calls: int
    max_attempts: int
    retry_delay_seconds: int
    total_leads: int
    completed_leads: int
    failed_leads: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class OneCampaign(BaseModel):
    campaign: CampaignJson


class Campaigns(BaseModel):
    campaigns: list[CampaignJson]
    pagination: Pagination


class LeadJson(BaseModel):
    id: UUID
    campaign_id: UUID
    phone_number: str
    name: str | None
    variables: dict[str, str]
    status: str
    last_outcome: str | None
    call_id: UUID | None
    attempts: int
    last_attempt_at: datetime | None
    created_at: datetime


class Leads(BaseModel):
    leads: list[LeadJson]
    pagination: Pagination


class LeadsAdded(BaseModel):
    """`lead` is the one that was added alone; `skipped` were there already."""

    lead: LeadJson | None
    added: int
    skipped: int


def campaign_json(
    request: HttpRequest, campaign: Campaign, progress: Progress
) -> dict[str, Any]:
    """Return a campaign as the API shows it."""
    return {
        "id": campaign.pk,
        "name": campaign.name,
        "assistant_id": campaign.assistant_id,
        "agent_id": campaign.assistant_id,
        "agent_name": campaign.assistant.name,
        "number_id": campaign.number_id,
        "phone_number": campaign.number.number,
        "system_message_template": campaign.system_message_template or None,
        "schedule_start_time": DAY_START.isoformat(),
        "schedule_end_time": DAY_END.isoformat(),
        "timezone": request.organization.time_zone,  # type: ignore[attr-defined]  # set by ApiMiddleware
        "status": campaign.status,
        "halt_reason": campaign.halt_text or None,
        "max_concurrent_calls": campaign.max_concurrent_calls,
        "max_attempts": campaign.max_attempts,
        "retry_delay_seconds": campaign.retry_delay_s,
        "total_leads": progress.total,
        "completed_leads": progress.reached,
        "failed_leads": progress.states.get("exhausted", 0),
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
    }


def lead_json(lead: Lead) -> dict[str, Any]:
    """Return a lead as the API shows it; `call_id` is the call of its last attempt."""
    placed = (a for a in lead.attempts.all() if a.status != Attempt.Status.CLAIMED)
    last = next(placed, None)
    return {
        "id": lead.pk,
        "campaign_id": lead.campaign_id,
        "phone_number": lead.phone_number,
        "name": lead.name or None,
        "variables": lead.variables,
        "status": lead.status,
        "last_outcome": lead.last_outcome or None,
        "call_id": last.call_id if last else None,
        "attempts": lead.attempt_count,
        "last_attempt_at": lead.last_attempt_at,
        "created_at": lead.created_at,
    }
