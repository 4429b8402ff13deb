"""The key's organization over REST, and an agency's clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from ninja import Query, Router, Status
from pydantic import BaseModel, ConfigDict, Field

from assistants.queries import visible_assistants
from billing.ledger import wallet_balance
from billing.pricing import price_for_call
from calls.models import Call, PhoneNumber
from calls.queries import seconds_this_month
from common.money import MICROCREDITS_PER_CREDIT
from config.clients.opening import open_complete_client, open_furnished_client
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.members import Email
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission
from portal.policy import CONTENT_DAYS
from portal.scope import agency_scope, organization_scope
from portal.services.api_keys import issue_key
from portal.services.privacy import PolicyRefused, save_privacy

router = Router(tags=["Organizations"])
account = Router(tags=["Organizations"])


class Child(BaseModel):
    id: UUID
    name: str
    created_at: datetime


class OrganizationJson(BaseModel):
    """`minutes_balance` is what the credits pay for at the price of now."""

    id: UUID
    name: str
    email: str | None
    plan: str
    credits_balance: float
    minutes_balance: float | None
    monthly_usage_minutes: float
    active_numbers: int
    active_agents: int
    active_calls: int
    has_local_models_access: bool
    parent_org_id: UUID | None
    children: list[Child] | None
    created_at: datetime


class OrganizationWanted(BaseModel):
    include_children: bool = False


class NewOrganization(Body):
    name: str = Field(min_length=1, max_length=120)
    email: str | None = Field(
        None,
        max_length=254,
        description="Taken for older clients; nobody is invited by it.",
    )
    owner_email: Email | None = Field(
        None, description="Who is invited by mail to be its owner."
    )
    parent_org_id: UUID | None = None


class OrganizationOpened(BaseModel):
    """`api_key` is shown here and never again."""

    id: UUID
    name: str
    parent_org_id: UUID
    api_key: str
    created_at: datetime


@router.get("", response=OrganizationJson)
@api_requires(Permission.BILLING_READ)
def read_organization(
    request: KeyRequest, wanted: Annotated[OrganizationWanted, Query()]
) -> dict[str, Any]:
    """The key's organization; `include_children` lists an agency's clients."""
    organization = request.organization
    children = children_of(organization) if wanted.include_children else None
    return summary_of(organization) | {
        "children": None
        if children is None
        else [
            {"id": child.pk, "name": child.name, "created_at": child.created_at}
            for child in children
        ]
    }


def summary_of(organization: Organization) -> dict[str, Any]:
    """Return what is shown of an organization, without its clients."""
    now = timezone.now()
    balance = wallet_balance(organization)
    price = price_for_call(organization, at=now)
    per_minute = price.client_microcredits_per_minute
    return {
        "id": organization.pk,
        "name": organization.name,
        "email": None,
        "plan": "prepaid",
        "credits_balance": balance.available / MICROCREDITS_PER_CREDIT,
        "minutes_balance": round(balance.available / per_minute, 2)
        if per_minute
        else None,
        "monthly_usage_minutes": round(seconds_this_month(organization) / 60, 2),
        "active_numbers": PhoneNumber.objects.filter(is_active=True).count(),
        "active_agents": visible_assistants().filter(is_active=True).count(),
        "active_calls": Call.objects.live().count(),
        "has_local_models_access": True,
        "parent_org_id": organization.parent_id,
        "created_at": organization.created_at,
    }


@router.post("", response={201: OrganizationOpened})
@api_requires(Permission.CLIENTS_EDIT)
@transaction.atomic
def open_organization(
    request: KeyRequest, wanted: NewOrganization
) -> Status[dict[str, Any]]:
    """Open a client as the agency's pages do, with a first key of the same mode."""
    agency = request.organization
    if not agency.is_agency:
        raise PermissionDenied("Only an agency opens organizations.")
    if wanted.parent_org_id not in (None, agency.pk):
        raise InvalidRequest(
            "A key opens clients of its own organization only.", param="parent_org_id"
        )
    if wanted.owner_email is None:
        client = open_furnished_client(agency=agency, name=wanted.name, actor=None)
    else:
        client, _token = open_complete_client(
            agency=agency, name=wanted.name, owner_email=wanted.owner_email, actor=None
        )
    with organization_scope(client):
        _row, key = issue_key(
            organization=client,
            name="API",
            actor=None,
            mode=request.api_key.mode,
        )
    return Status(
        201,
        {
            "id": client.pk,
            "name": client.name,
            "parent_org_id": agency.pk,
            "api_key": key,
            "created_at": client.created_at,
        },
    )


class RetentionChange(Body):
    """How long the organization's calls are kept; content never longer than metadata."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {
                    "properties": {
                        "content_retention_days": {"const": days},
                        "metadata_retention_days": {"minimum": days},
                    }
                }
                for days in CONTENT_DAYS
            ]
        }
    )

    content_retention_days: Literal[30, 90, 180, 365]
    metadata_retention_days: Literal[30, 90, 180, 365, 730]


class Retention(BaseModel):
    success: bool
    content_retention_days: int
    metadata_retention_days: int


@router.patch("", response=Retention)
@api_requires(Permission.PRIVACY_EDIT)
def change_organization(request: KeyRequest, change: RetentionChange) -> dict[str, Any]:
    """Say how long transcripts and recordings are kept, and how long the rest."""
    organization = request.organization
    try:
        row = save_privacy(
            organization=organization,
            actor=None,
            content_retention_days=change.content_retention_days,
            metadata_retention_days=change.metadata_retention_days,
        )
    except PolicyRefused as error:
        raise InvalidRequest(str(error), param=error.field) from error
    return {
        "success": True,
        "content_retention_days": row.content_retention_days,
        "metadata_retention_days": row.metadata_retention_days,
    }


class Account(BaseModel):
    """The older form of an organization."""

    id: UUID
    email: str | None
    company_name: str
    minutes_balance: float | None
    monthly_usage_minutes: float
    active_numbers: int
    active_agents: int
    active_calls: int


@account.get("", response=Account, deprecated=True)
@api_requires(Permission.BILLING_READ)
def read_account(request: KeyRequest) -> dict[str, Any]:
    """The key's organization under its older name."""
    found = summary_of(request.organization)
    return {
        name: found[name] for name in Account.model_fields if name != "company_name"
    } | {"company_name": found["name"]}


def children_of(organization: Organization) -> list[Organization]:
    """Return an agency's clients by name; a client has none."""
    if not organization.is_agency:
        return []
    with agency_scope(organization.pk):
        return list(Organization.objects.filter(parent=organization))
