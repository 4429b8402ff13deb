"""Who from outside was in the organization, over REST. Entering is for people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Query, Router
from pydantic import BaseModel

from portal.api.access import api_requires
from portal.api.paging import Page, Pagination, pagination
from portal.http import KeyRequest
from portal.models import Visit
from portal.permissions import Permission

router = Router(tags=["Members"])


class VisitJson(BaseModel):
    """Somebody of the agency or of the operator's staff; `ended_at` is when they left."""

    id: UUID
    kind: Literal["agency", "staff"]
    visitor_name: str
    reason: str
    may_write: bool
    started_at: datetime
    ends_at: datetime
    ended_at: datetime | None


class Visits(BaseModel):
    visits: list[VisitJson]
    pagination: Pagination


@router.get("", response=Visits)
@api_requires(Permission.MEMBERS_READ)
def list_visits(
    request: KeyRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """Who from outside was here, why and for how long, newest first."""
    rows = Visit.objects.filter(organization=request.organization)
    page = rows[wanted.offset : wanted.offset + wanted.limit]
    return {
        "visits": [
            {name: getattr(row, name) for name in VisitJson.model_fields}
            for row in page
        ],
        "pagination": pagination(wanted, rows.count()),
    }
