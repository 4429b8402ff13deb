"""The record of changes over REST: who changed what, from where."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router
from pydantic import BaseModel, Field, JsonValue

from portal.api.access import api_requires
from portal.api.paging import LongPagination, Period, page_of
from portal.http import KeyRequest
from portal.models import AuditRecord
from portal.permissions import Permission

router = Router(tags=["Audit records"])


class RecordFilter(Period):
    """Which changes are wanted; `action` by its beginning, such as `api_key.`."""

    action: str = Field("", max_length=60)
    target_id: UUID | None = None


class AuditRecordJson(BaseModel):
    """One change. `api_key` names the key it was made with, `actor` the person."""

    id: UUID
    action: str
    target: str | None
    target_id: UUID | None
    actor: str | None
    api_key: str | None
    address: str | None
    is_visit: bool
    changes: dict[str, JsonValue]
    created_at: datetime


class AuditRecords(BaseModel):
    audit_records: list[AuditRecordJson]
    pagination: LongPagination


@router.get("", response=AuditRecords)
@api_requires(Permission.AUDIT_READ)
def list_audit_records(
    request: KeyRequest, wanted: Annotated[RecordFilter, Query()]
) -> dict[str, Any]:
    """Changes of the key's organization, newest first; secrets are masked."""
    organization = request.organization
    rows = AuditRecord.objects.filter(
        organization=organization,
        **wanted.bounds(organization.time_zone).filter("created_at"),
    ).select_related("actor")
    if wanted.action:
        rows = rows.filter(action__startswith=wanted.action)
    if wanted.target_id is not None:
        rows = rows.filter(target_id=wanted.target_id)
    page, said = page_of(rows, wanted, rows.count())
    return {"audit_records": [record_json(row) for row in page], "pagination": said}


def record_json(row: AuditRecord) -> dict[str, Any]:
    return {name: getattr(row, name, None) for name in AuditRecordJson.model_fields} | {
        "target": row.target or None,
        "actor": row.actor.email if row.actor else None,
        "api_key": row.api_key or None,
        "is_visit": row.visit_id is not None,
    }
