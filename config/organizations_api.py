"""The key's organization over REST, and an agency's clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from assistants.queries import visible_assistants
from billing.ledger import open_accounts, wallet_balance
from billing.pricing import price_for_call
from calls.models import Call, PhoneNumber
from common.money import MICROCREDITS_PER_CREDIT
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body
from portal.models import Organization
from portal.permissions import Permission
from portal.scope import agency_scope, organization_scope
from portal.services.api_keys import issue_key
from portal.services.organizations import open_client

router = Router(tags=["Organizations"])


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
    request: HttpRequest, wanted: Annotated[OrganizationWanted, Query()]
) -> dict[str, Any]:
    """The key's organization; `include_children` lists an agency's clients."""
    organization: Organization = request.organization  # type: ignore[attr-defined]  # set by ApiMiddleware
    now = timezone.now()
    balance = wallet_balance(organization)
    price = price_for_call(organization, at=now)
    per_minute = price.client_microcredits_per_minute
    month = timezone.localtime(now, ZoneInfo(organization.time_zone)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    seconds = Call.objects.filter(created_at__gte=month).aggregate(
        sum=Sum("billed_seconds")
    )["sum"]
    return {
        "id": organization.pk,
        "name": organization.name,
        "email": None,
        "plan": "prepaid",
        "credits_balance": balance.available / MICROCREDITS_PER_CREDIT,
        "minutes_balance": round(balance.available / per_minute, 2)
        if per_minute
        else None,
        "monthly_usage_minutes": round((seconds or 0) / 60, 2),
        "active_numbers": PhoneNumber.objects.filter(is_active=True).count(),
        "active_agents": visible_assistants().filter(is_active=True).count(),
        "active_calls": Call.objects.live().count(),
        "has_local_models_access": True,
        "parent_org_id": organization.parent_id,
        "children": [
            {"id": child.pk, "name": child.name, "created_at": child.created_at}
            for child in children_of(organization)
        ]
        if wanted.include_children
        else None,
        "created_at": organization.created_at,
    }


@router.post("", response={201: OrganizationOpened})
@api_requires(Permission.CLIENTS_EDIT)
@transaction.atomic
def open_organization(
    request: HttpRequest, wanted: NewOrganization
) -> Status[dict[str, Any]]:
    """Open a client below the key's agency, with a first key of its own."""
    agency: Organization = request.organization  # type: ignore[attr-defined]  # set by ApiMiddleware
    if not agency.is_agency:
        raise PermissionDenied
    if wanted.parent_org_id not in (None, agency.pk):
        raise InvalidRequest(
            "A key opens clients of its own organization only.", param="parent_org_id"
        )
    client = open_client(agency=agency, name=wanted.name, actor=None)
    with organization_scope(client):
        open_accounts(client)
        _row, key = issue_key(organization=client, name="API", actor=None)
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


def children_of(organization: Organization) -> list[Organization]:
    """Return an agency's clients by name; a client has none."""
    if not organization.is_agency:
        return []
    with agency_scope(organization.pk):
        return list(Organization.objects.filter(parent=organization))
