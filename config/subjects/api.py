"""Requests of people about their own data over REST: found, handed over, erased.

The number is in the body of each request, never in an address that logs keep.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpResponse
from ninja import Body as BodyParam, Query, Router, Status
from pydantic import BaseModel, Field

from calls.models import Erasure
from common.phone import InvalidNumber, parse_number
from config.subjects.erasing import (
    ErasureRefused,
    erase_subject,
    export_subject,
    find_subject,
)
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Page, Pagination, pagination
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Privacy"])


class SubjectBody(Body):
    """Whose data: a telephone number with its country code."""

    phone_number: str = Field(max_length=40, examples=["+31612345678"])


class Subject(BaseModel):
    """How much is kept of a number in the organization."""

    phone_number: str
    calls: int
    recordings: int
    leads: int
    saved_lists: int
    suppressed: bool


class ErasureJson(BaseModel):
    """A certificate of what was erased; the person is there as a keyed hash."""

    id: UUID
    number_hash: str
    call_count: int
    recording_count: int
    lead_count: int
    left_count: int
    is_still_suppressed: bool
    erased_by: str
    erased_at: datetime


class OneErasure(BaseModel):
    erasure: ErasureJson


class Erasures(BaseModel):
    erasures: list[ErasureJson]
    pagination: Pagination


@router.post("/find", response=Subject)
@api_requires(Permission.PRIVACY_EDIT)
def find_person(
    request: KeyRequest, wanted: Annotated[SubjectBody, BodyParam(...)]
) -> dict[str, Any]:
    """How much is kept of a telephone number."""
    found = find_subject(request.organization, _number(wanted))
    return {
        "phone_number": found.number,
        "calls": len(found.calls),
        "recordings": sum(bool(call.recording) for call in found.calls),
        "leads": len(found.leads),
        "saved_lists": len(found.saved),
        "suppressed": bool(found.suppressions),
    }


@router.post("/export")
@api_requires(Permission.PRIVACY_EDIT)
def export_person(
    request: KeyRequest, wanted: Annotated[SubjectBody, BodyParam(...)]
) -> HttpResponse:
    """Everything of a number as a ZIP to hand over: `data.json` and the recordings."""
    found = find_subject(request.organization, _number(wanted))
    return HttpResponse(
        export_subject(found),
        content_type="application/zip",
        headers={
            "Content-Disposition": 'attachment; filename="personal-data.zip"',
            "Cache-Control": "no-store",
        },
    )


@router.post("/erase", response={201: OneErasure})
@api_requires(Permission.PRIVACY_EDIT)
def erase_person(
    request: KeyRequest, wanted: Annotated[SubjectBody, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Erase everything of a number, for good; the answer is the certificate."""
    try:
        row = erase_subject(
            organization=request.organization, number=_number(wanted), actor=None
        )
    except ErasureRefused as refusal:
        raise Conflict(str(refusal)) from refusal
    return Status(201, {"erasure": erasure_json(row)})


@router.get("/erasures", response=Erasures)
@api_requires(Permission.PRIVACY_READ)
def list_erasures(
    request: KeyRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """Certificates, newest first."""
    rows = Erasure.objects.all()
    page = rows[wanted.offset : wanted.offset + wanted.limit]
    return {
        "erasures": [erasure_json(row) for row in page],
        "pagination": pagination(wanted, rows.count()),
    }


@router.get("/erasures/{uuid:erasure_id}", response=OneErasure)
@api_requires(Permission.PRIVACY_READ)
def read_erasure(request: KeyRequest, erasure_id: UUID) -> dict[str, Any]:
    """One certificate."""
    row = Erasure.objects.filter(pk=erasure_id).first()
    if row is None:
        raise Http404("No such certificate.")
    return {"erasure": erasure_json(row)}


def erasure_json(row: Erasure) -> dict[str, Any]:
    """Return a certificate as the API shows it."""
    return {name: getattr(row, name) for name in ErasureJson.model_fields}


def _number(wanted: SubjectBody) -> str:
    try:
        return parse_number(wanted.phone_number)
    except InvalidNumber as error:
        raise InvalidRequest(str(error), param="phone_number") from error
