"""Keys over REST: a key makes, replaces and ends keys that may no more than it may."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from ninja import Router, Status
from pydantic import AfterValidator, BaseModel, Field

from common.origins import MAX_LENGTH, read_origin
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted
from portal.api_scopes import SCOPES, exceeds
from portal.http import KeyRequest
from portal.models import APIKey, Role
from portal.permissions import Permission
from portal.services import api_keys
from portal.services.api_keys import KeyEnded

router = Router(tags=["API keys"])
RANK: Final = (Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.OWNER)


def _network(text: str) -> str:
    return str(ip_network(text))


Network = Annotated[
    str, Field(max_length=50, examples=["203.0.113.0/24"]), AfterValidator(_network)
]
Scope = Annotated[str, Field(json_schema_extra={"enum": list(SCOPES)})]
Origin = Annotated[
    str,
    Field(max_length=MAX_LENGTH, examples=["https://www.example.com"]),
    AfterValidator(read_origin),
]


class KeyJson(BaseModel):
    id: UUID
    name: str
    prefix: str
    mode: Literal["live", "test"]
    scopes: list[str]
    networks: list[str]
    origins: list[str]
    created_at: datetime
    last_used_at: datetime | None
    last_used_from: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by_id: UUID | None


class Keys(BaseModel):
    api_keys: list[KeyJson]


class NewKeyJson(BaseModel):
    """`key` is shown here and never again."""

    api_key: KeyJson
    key: str


class NewApiKey(Body):
    name: str = Field(min_length=1, max_length=80)
    mode: Literal["live", "test"] = "live"
    scopes: list[Scope] = Field(
        default_factory=lambda: ["write"], min_length=1, max_length=len(SCOPES)
    )
    networks: list[Network] = Field(default_factory=list, max_length=20)
    origins: list[Origin] = Field(
        default_factory=list,
        max_length=20,
        description="Pages that may join the browser calls it starts; empty: any.",
    )
    expires_in_days: int | None = Field(None, ge=1, le=3_650)


class Rotation(Body):
    overlap_hours: int = Field(24, ge=0, le=720)


def key_json(row: APIKey) -> dict[str, Any]:
    return {name: getattr(row, name) for name in KeyJson.model_fields} | {
        "last_used_from": row.last_used_from or None
    }


def _get_key(key_id: UUID) -> APIKey:
    row = APIKey.objects.filter(pk=key_id).first()
    if row is None:
        raise Http404("No such key.")
    return row


@router.get("", response=Keys)
@api_requires(Permission.API_KEYS_EDIT)
def list_api_keys(request: KeyRequest) -> dict[str, Any]:
    """Every key of the organization, without its text."""
    return {"api_keys": [key_json(row) for row in APIKey.objects.all()]}


@router.post("", response={201: NewKeyJson})
@api_requires(Permission.API_KEYS_EDIT)
def create_api_key(request: KeyRequest, wanted: NewApiKey) -> Status[dict[str, Any]]:
    """Make a key that may no more than the one it is made with."""
    mine = request.api_key
    for index, scope in enumerate(wanted.scopes):
        if scope not in SCOPES:
            raise InvalidRequest(
                f"Choose of: {', '.join(SCOPES)}.", param=f"scopes[{index}]"
            )
    is_wider = bool(mine.origins) and not set(wanted.origins) <= set(mine.origins)
    is_live = mine.is_test and wanted.mode == "live"
    if exceeds(wanted.scopes, mine.scopes) or is_live or is_wider:
        raise PermissionDenied("A key makes keys that may no more than itself.")
    ends_at = mine.expires_at
    if wanted.expires_in_days is not None:
        ends_at = timezone.now() + timedelta(days=wanted.expires_in_days)
        if mine.expires_at is not None:
            ends_at = min(ends_at, mine.expires_at)
    row, text = api_keys.issue_key(
        organization=mine.organization,
        name=wanted.name,
        actor=None,
        mode=wanted.mode,
        role=mine.role,
        scopes=wanted.scopes,
        networks=wanted.networks or mine.networks,
        origins=wanted.origins or mine.origins,
        expires_at=ends_at,
    )
    return Status(201, {"api_key": key_json(row), "key": text})


@router.post("/{uuid:key_id}/rotate", response={201: NewKeyJson})
@api_requires(Permission.API_KEYS_EDIT)
def rotate_api_key(
    request: KeyRequest, key_id: UUID, wanted: Rotation
) -> Status[dict[str, Any]]:
    """Replace a key; the old one works on for the overlap, no longer."""
    row = _get_key(key_id)
    mine = request.api_key
    is_higher = RANK.index(Role(row.role)) > RANK.index(Role(mine.role))
    exceeded = is_higher or exceeds(row.scopes, mine.scopes)
    if exceeded or (mine.is_test and not row.is_test):
        raise PermissionDenied("A key replaces keys that may no more than itself.")
    try:
        new, text = api_keys.rotate_key(
            key=row, actor=None, overlap=timedelta(hours=wanted.overlap_hours)
        )
    except KeyEnded as error:
        raise Conflict(str(error)) from error
    return Status(201, {"api_key": key_json(new), "key": text})


@router.delete("/{uuid:key_id}", response=Deleted)
@api_requires(Permission.API_KEYS_EDIT)
def revoke_api_key(request: KeyRequest, key_id: UUID) -> dict[str, bool]:
    """End a key at once."""
    api_keys.revoke_key(key=_get_key(key_id), actor=None)
    return {"success": True}
