"""Those who ask an agency's portal for an account, and its answer, over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from ninja import Query, Router
from pydantic import BaseModel

from config.clients import signing_up
from portal.api.access import api_requires
from portal.api.errors import Conflict
from portal.api.paging import LongPage, LongPagination, page_of
from portal.http import KeyRequest
from portal.models import SignUpRequest
from portal.permissions import Permission

router = Router(tags=["Organizations"])
State = Literal["waiting", "opened", "declined"]


class SignUpFilter(LongPage):
    status: State | None = None


class SignUpJson(BaseModel):
    """`waiting` is for the agency to decide; `client_id` is the client it became."""

    id: UUID
    name: str
    company: str
    email: str
    status: State
    client_id: UUID | None
    created_at: datetime
    decided_at: datetime | None


class OneSignUp(BaseModel):
    sign_up: SignUpJson


class SignUps(BaseModel):
    sign_ups: list[SignUpJson]
    pagination: LongPagination


def sign_up_json(row: SignUpRequest) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SignUpJson.model_fields}


@router.get("", response=SignUps)
@api_requires(Permission.CLIENTS_READ)
def list_sign_ups(
    request: KeyRequest, wanted: Annotated[SignUpFilter, Query()]
) -> dict[str, Any]:
    """Who asked for an account, newest first; their addresses are confirmed."""
    rows = _confirmed().order_by("-created_at", "-pk")
    if wanted.status is not None:
        rows = rows.filter(status=wanted.status)
    page, said = page_of(rows, wanted, rows.count())
    return {"sign_ups": [sign_up_json(row) for row in page], "pagination": said}


@router.post("/{uuid:request_id}/approve", response=OneSignUp)
@api_requires(Permission.CLIENTS_EDIT)
def approve_sign_up(request: KeyRequest, request_id: UUID) -> dict[str, Any]:
    """Open the client; who asked gets an invitation as its owner."""
    return _decided(request_id, signing_up.approve)


@router.post("/{uuid:request_id}/decline", response=OneSignUp)
@api_requires(Permission.CLIENTS_EDIT)
def decline_sign_up(request: KeyRequest, request_id: UUID) -> dict[str, Any]:
    """Say no; nobody is written to."""
    return _decided(request_id, signing_up.decline)


def _decided(request_id: UUID, decide: Callable[..., bool]) -> dict[str, Any]:
    row = _confirmed().filter(pk=request_id).first()
    if row is None:
        raise Http404("Nobody asked under this id.")
    if not decide(request=row, actor=None):
        raise Conflict("This request does not wait for an answer.")
    return {"sign_up": sign_up_json(SignUpRequest.objects.get(pk=request_id))}


def _confirmed() -> QuerySet[SignUpRequest]:
    return SignUpRequest.objects.exclude(status=SignUpRequest.Status.UNCONFIRMED)
