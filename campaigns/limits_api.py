"""Limits over all campaigns of an organization, over REST."""

from __future__ import annotations

from typing import Any, Final

from ninja import Router
from pydantic import BaseModel, Field

from campaigns.models import CallingLimits
from campaigns.room import limits_of
from campaigns.services.limits import save_limits
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Calling limits"])
# Body field → model field.
_FIELDS: Final = {
    "person_max_calls_per_day": "person_max_a_day",
    "person_gap_seconds": "person_gap_s",
    "reserved_percent": "reserved_percent",
    "max_calls_of_clients": "max_calls_of_clients",
}
_NULLABLE: Final = frozenset({"person_max_calls_per_day", "max_calls_of_clients"})


class LimitsChange(Body):
    """What is left out stays; null of a cap takes it away."""

    person_max_calls_per_day: int | None = Field(None, strict=True, ge=0, le=100)
    person_gap_seconds: int | None = Field(None, strict=True, ge=0, le=2_592_000)
    reserved_percent: int | None = Field(None, strict=True, ge=0, le=90)
    max_calls_of_clients: int | None = Field(None, strict=True, ge=1, le=100_000)


class LimitsJson(BaseModel):
    """`weight` is the organization's share beside others, set by its agency."""

    person_max_calls_per_day: int | None
    person_gap_seconds: int
    reserved_percent: int
    max_calls_of_clients: int | None
    weight: int


class Limits(BaseModel):
    limits: LimitsJson


@router.get("", response=Limits)
@api_requires(Permission.CAMPAIGNS_READ)
def read_limits(request: KeyRequest) -> dict[str, Any]:
    """How often one person may be called, and what is kept free of campaigns."""
    return {"limits": limits_json(limits_of(request.organization))}


@router.patch("", response=Limits)
@api_requires(Permission.CAMPAIGNS_LAUNCH)
def change_limits(request: KeyRequest, wanted: LimitsChange) -> dict[str, Any]:
    """Change limits; they hold for the next call."""
    organization = request.organization
    sent = wanted.model_fields_set
    if "max_calls_of_clients" in sent and not organization.is_agency:
        raise InvalidRequest(
            "Only an agency has clients.", param="max_calls_of_clients"
        )
    changes = {
        field: getattr(wanted, name)
        for name, field in _FIELDS.items()
        if name in sent and (getattr(wanted, name) is not None or name in _NULLABLE)
    }
    row = save_limits(organization=organization, changes=changes, actor=None)
    return {"limits": limits_json(row)}


def limits_json(row: CallingLimits) -> dict[str, Any]:
    """Return limits as the API shows them."""
    shown = {name: getattr(row, field) for name, field in _FIELDS.items()}
    return shown | {"weight": row.weight}
