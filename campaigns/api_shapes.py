"""What a campaign and its leads look like over REST: bodies in, objects out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.utils import translation
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
)

from campaigns.checks import Check, words_of
from campaigns.columns import MAX_PROOF_LENGTH
from campaigns.explaining import Explanation
from campaigns.importing import (
    MAX_COLUMNS,
    MAX_LEADS,
    MAX_NAME_LENGTH,
    MAX_VALUE_LENGTH,
)
from campaigns.models import Attempt, Lead
from portal.api.paging import Body, Pagination
from portal.api.shapes import either


def _only_text(value: object) -> object:
    """Refuse seconds of the day, which pydantic would take for a time."""
    if not isinstance(value, str):
        raise ValueError("Write a time such as 09:00:00.")
    return value


TimeOfDay = Annotated[time, BeforeValidator(_only_text)]
Basis = Literal["written", "express", "customer", "legal"]
OutcomeName = Literal[
    "answered", "busy", "no_answer", "rejected", "voicemail", "dropped", "failed"
]
VariableName = Annotated[str, Field(min_length=1, max_length=64)]
VariableText = Annotated[str, Field(max_length=MAX_VALUE_LENGTH)]
VariableValue = VariableText | StrictBool | StrictInt | StrictFloat


class LeadBody(Body):
    """Somebody to call, and what the assistant may know of them."""

    phone_number: str = Field(max_length=40, examples=["+31612345678"])
    name: str = Field("", max_length=MAX_NAME_LENGTH)
    variables: dict[VariableName, VariableValue] = Field({}, max_length=MAX_COLUMNS)
    time_zone: str | None = Field(None, max_length=64, examples=["Europe/Amsterdam"])
    state: str | None = Field(None, max_length=8, examples=["FL"])
    consent_basis: Basis | None = None
    consent_proof: str = Field("", max_length=MAX_PROOF_LENGTH)
    priority: StrictBool = False


class LeadsBody(Body):
    """One person, as the fields of a lead, or many as `leads`."""

    model_config = either(phone_number="string", leads="array")

    phone_number: str | None = Field(None, max_length=40, examples=["+31612345678"])
    name: str = Field("", max_length=MAX_NAME_LENGTH)
    variables: dict[VariableName, VariableValue] = Field({}, max_length=MAX_COLUMNS)
    time_zone: str | None = Field(None, max_length=64, examples=["Europe/Amsterdam"])
    state: str | None = Field(None, max_length=8)
    consent_basis: Basis | None = None
    consent_proof: str = Field("", max_length=MAX_PROOF_LENGTH)
    priority: StrictBool = False
    leads: list[LeadBody] | None = Field(None, min_length=1, max_length=MAX_LEADS)


class LeadChange(Body):
    """What may be changed of a lead. `status`: `pending` calls next, `skipped` never."""

    name: str | None = Field(None, max_length=MAX_NAME_LENGTH)
    variables: dict[VariableName, VariableValue] | None = Field(
        None, max_length=MAX_COLUMNS
    )
    time_zone: str | None = Field(None, max_length=64, examples=["Europe/Amsterdam"])
    state: str | None = Field(None, max_length=8)
    consent_basis: Basis | None = None
    consent_proof: str | None = Field(None, max_length=MAX_PROOF_LENGTH)
    priority: StrictBool | None = None
    status: Literal["pending", "skipped"] | None = None


class CampaignBody(Body):
    """What may be changed as long as the campaign has not ended."""

    name: str | None = Field(None, min_length=1, max_length=120)
    system_message_template: str | None = Field(None, max_length=100_000)
    max_concurrent_calls: int | None = Field(None, strict=True, ge=1, le=10_000)
    max_attempts: int | None = Field(None, strict=True, ge=1, le=10)
    retry_delay_seconds: int | None = Field(None, strict=True, ge=60, le=604_800)
    schedule_start_time: TimeOfDay | None = None
    schedule_end_time: TimeOfDay | None = None
    timezone: str | None = Field(None, max_length=64, examples=["Europe/Amsterdam"])
    hours: dict[str, Any] | None = Field(
        None, examples=[{"mon": [["09:00", "12:00"], ["13:00", "17:00"]]}]
    )
    days_off: list[date] | None = Field(None, max_length=400)
    closed_on_holidays: StrictBool | None = None
    start_date: date | None = None
    end_date: date | None = None
    use_campaign_timezone: StrictBool | None = None
    unknown_timezone: Literal["skip", "campaign"] | None = None
    retry_rules: dict[str, Any] | None = Field(
        None, examples=[{"busy": {"delays_seconds": [300, 1800], "max_times": 3}}]
    )
    dropped_below_seconds: int | None = Field(None, strict=True, ge=0, le=600)
    weight: int | None = Field(None, strict=True, ge=1, le=100)
    budget_credits: Decimal | None = Field(None, gt=0, max_digits=15, decimal_places=6)
    number_ids: list[UUID] | None = Field(None, max_length=200)
    local_presence: StrictBool | None = None
    number_daily_cap: int | None = Field(None, strict=True, ge=1, le=100_000)
    consent: Literal["campaign", "lead"] | None = None
    consent_note: str | None = Field(None, max_length=300)
    opt_out_digit: str | None = Field(None, pattern="^[0-9*#]?$")
    variant_assistant_id: UUID | None = None
    variant_percent: int | None = Field(None, strict=True, ge=0, le=100)


class CampaignChange(CampaignBody):
    """`scheduled` starts or resumes, `paused` stops, `cancelled` ends for good."""

    status: Literal["draft", "scheduled", "paused", "cancelled"] | None = None


class NewCampaignBody(CampaignBody):
    """A draft; `assistant_id` is required, or its older name, or a template with one."""

    model_config = either(
        assistant_id="string", agent_id="string", template_id="string"
    )

    name: str = Field(min_length=1, max_length=120)
    assistant_id: UUID | None = None
    agent_id: UUID | None = Field(None, json_schema_extra={"deprecated": True})
    template_id: UUID | None = Field(
        None, description="Whose settings it begins with; what is sent counts."
    )
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
    hours: dict[str, list[list[str]]]
    days_off: list[date]
    closed_on_holidays: bool
    start_date: date | None
    end_date: date | None
    use_campaign_timezone: bool
    unknown_timezone: str
    status: str
    halt_reason: str | None
    halt_evidence: dict[str, Any] | None
    max_concurrent_calls: int
    max_attempts: int
    retry_delay_seconds: int
    retry_rules: dict[str, Any]
    dropped_below_seconds: int
    weight: int
    budget_credits: str | None
    spent_credits: str
    number_ids: list[UUID]
    local_presence: bool
    number_daily_cap: int | None
    consent: str
    consent_note: str | None
    opt_out_digit: str | None
    variant_assistant_id: UUID | None
    variant_percent: int
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
    skip_reason: str | None
    time_zone: str | None
    consent_basis: str | None
    consent_proof: str | None
    priority: bool
    due_at: datetime | None
    disposition: str | None
    last_outcome: str | None
    call_id: UUID | None
    attempts: int
    last_attempt_at: datetime | None
    created_at: datetime


class Leads(BaseModel):
    leads: list[LeadJson]
    pagination: Pagination


class OneLead(BaseModel):
    lead: LeadJson


class CheckJson(BaseModel):
    """`found` holds what the check found, `detail` says it in English."""

    check: str
    ok: bool
    detail: str
    found: dict[str, Any]


class DecisionJson(BaseModel):
    id: UUID
    at: datetime
    last_at: datetime
    times: int
    answer: str
    reason: str | None
    held_until: datetime | None
    rules_version: str
    time_zone: str | None
    time_zone_source: str | None
    local_time: str | None
    call_id: UUID | None
    checks: list[CheckJson]


class Why(BaseModel):
    """`answer` is what would be said now; `decisions` what was said, latest first."""

    answer: str
    reason: str | None
    text: str
    until: datetime | None
    checks: list[CheckJson]
    decisions: list[DecisionJson]


class TrialBody(Body):
    """Where to call; a number without a country code is one of the caller's country."""

    phone_number: str = Field(max_length=40, examples=["+31612345678"])


class TrialStarted(BaseModel):
    success: bool
    call_id: UUID
    status: str


class LeadsAdded(BaseModel):
    """`lead` is the one that was added alone; `skipped` were there already."""

    lead: LeadJson | None
    added: int
    skipped: int


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
        "skip_reason": lead.skip_reason or None,
        "time_zone": given_zone(lead),
        "consent_basis": lead.consent_basis or None,
        "consent_proof": lead.consent_proof or None,
        "priority": lead.is_priority,
        "due_at": lead.due_at if lead.status == Lead.Status.PENDING else None,
        "disposition": lead.disposition or None,
        "last_outcome": lead.last_outcome or None,
        "call_id": last.call_id if last else None,
        "attempts": lead.attempt_count,
        "last_attempt_at": lead.last_attempt_at,
        "created_at": lead.created_at,
    }


def given_zone(lead: Lead) -> str | None:
    """Return the one time zone a lead is known to be in."""
    zones = lead.locality.value.zones if lead.locality else ()
    return zones[0] if len(zones) == 1 else None


def why_json(found: Explanation) -> dict[str, Any]:
    """Return why somebody was called, or not, as the API shows it."""
    return {
        "answer": found.answer,
        "reason": found.reason or None,
        "text": found.text,
        "until": found.until,
        "checks": _checks_json(found.checks),
        "decisions": [
            {
                "id": row.pk,
                "at": row.created_at,
                "last_at": row.last_at,
                "times": row.times,
                "answer": row.answer,
                "reason": row.reason or None,
                "held_until": row.held_until,
                "rules_version": row.rules_version,
                "time_zone": row.zone or None,
                "time_zone_source": row.zone_source or None,
                "local_time": row.local_time or None,
                "call_id": row.call_id,
                "checks": _checks_json(row.checks),
            }
            for row in found.records
        ],
    }


def _checks_json(checks: Iterable[Check]) -> list[dict[str, Any]]:
    # What programs read is English, whoever's browser asks.
    with translation.override("en"):
        return [
            {
                "check": check["check"],
                "ok": check["ok"],
                "detail": words_of(check),
                "found": check.get("found", {}),
            }
            for check in checks
        ]
