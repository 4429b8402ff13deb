"""Credits that wait for a second owner, over REST: what waits, and taking one back.

Approving is not here, and neither is the limit above which two must agree: a key is no
second person, and the one who holds it could otherwise agree with itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from ninja import Query, Router
from pydantic import BaseModel

from billing.by_hand import approval_limit, refuse_request
from billing.models import GrantRequest
from common.money import format_credits
from config.selling_api.amounts import agency_of
from portal.api.access import api_requires
from portal.api.errors import Conflict
from portal.api.paging import Page, Pagination, pagination
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission
from portal.scope import agency_scope

router = Router()


class GrantRequestJson(BaseModel):
    """Credits that somebody wants to give. `asked_by`: a person's address or a key."""

    id: UUID
    client_id: UUID
    client: str
    way: Literal["give", "move", "correct"]
    credits: str
    memo: str
    expires_at: datetime | None
    state: Literal["waiting", "approved", "refused"]
    asked_by: str | None
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class OneGrantRequest(BaseModel):
    grant: GrantRequestJson


class GrantRequests(BaseModel):
    """`limit_credits`: above it a second owner decides; null is never."""

    grants: list[GrantRequestJson]
    limit_credits: str | None
    pagination: Pagination


class GrantFilter(Page):
    """Which requests are wanted."""

    state: Literal["waiting", "approved", "refused"] | None = None


@router.get("/grants", response=GrantRequests)
@api_requires(Permission.BILLING_SELL)
def list_grants(
    request: KeyRequest, wanted: Annotated[GrantFilter, Query()]
) -> dict[str, Any]:
    """What was asked for above the limit, newest first, and what became of it."""
    agency = agency_of(request)
    limit = approval_limit(agency, is_operators=False)
    with agency_scope(agency.pk):
        rows = _requests(agency)
        if wanted.state is not None:
            rows = rows.filter(state=wanted.state)
        page = rows[wanted.offset : wanted.offset + wanted.limit]
        return {
            "grants": [grant_json(row) for row in page],
            "limit_credits": None if limit is None else format_credits(limit),
            "pagination": pagination(wanted, rows.count()),
        }


@router.get("/grants/{uuid:request_id}", response=OneGrantRequest)
@api_requires(Permission.BILLING_SELL)
def read_grant(request: KeyRequest, request_id: UUID) -> dict[str, Any]:
    """One of them; an owner who did not ask for it approves it on the portal."""
    return {"grant": grant_json(_request(agency_of(request), request_id))}


@router.post("/grants/{uuid:request_id}/refuse", response=OneGrantRequest)
@api_requires(Permission.BILLING_SELL)
def refuse_grant(request: KeyRequest, request_id: UUID) -> dict[str, Any]:
    """Let it come to nothing: no credits are given. A second time changes nothing."""
    agency = agency_of(request)
    row = _request(agency, request_id)
    with agency_scope(agency.pk):
        is_refused = refuse_request(request_id=row.pk, actor=None)
    row = _request(agency, request_id)
    if not is_refused and row.state == GrantRequest.State.APPROVED:
        raise Conflict("Another owner approved it; the credits were given.")
    return {"grant": grant_json(row)}


def grant_json(row: GrantRequest) -> dict[str, Any]:
    """Return a request as the API shows it."""
    asked_by = row.asked_by.email if row.asked_by else row.asked_with
    return {
        "id": row.pk,
        "client_id": row.receiver_id,
        "client": row.receiver.name,
        "way": row.way,
        "credits": format_credits(row.amount_microcredits),
        "memo": row.memo,
        "expires_at": row.expires_at,
        "state": row.state,
        "asked_by": asked_by or None,
        "asked_at": row.asked_at,
        "decided_by": row.decided_by.email if row.decided_by else None,
        "decided_at": row.decided_at,
    }


def _requests(agency: Organization) -> QuerySet[GrantRequest]:
    """Return what the agency's own people and keys asked for; the scope covers it."""
    return GrantRequest.objects.filter(
        organization=agency, is_operators=False
    ).select_related("receiver", "asked_by", "decided_by")


def _request(agency: Organization, request_id: UUID) -> GrantRequest:
    with agency_scope(agency.pk):
        row = _requests(agency).filter(pk=request_id).first()
    if row is None:
        raise Http404("No such request.")
    return row
