"""An agency's clients over REST, one by one: what they may have, and their credits."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from ninja import Body as BodyParam, Router, Status
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, WithJsonSchema

from billing.by_hand import ByHand, do_by_hand
from billing.errors import IdempotencyConflict, NotEnoughCredits
from billing.ledger import wallet_balance
from billing.models import GrantRequest
from common.money import format_credits, parse_credits
from config.clients.managing import (
    ask_for_deletion,
    call_off_deletion,
    save_limits,
)
from config.cockpit.queries import get_client
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.idempotency import HEADER
from portal.api.paging import Body
from portal.features import OF_CLIENTS, Feature
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission
from portal.scope import agency_scope
from portal.services.organizations import set_status

router = Router(tags=["Organizations"])
_MOST_CREDITS: Final = 10_000_000


def _credits(text: str) -> str:
    if not 0 < parse_credits(text) <= _MOST_CREDITS * 1_000_000:
        raise ValueError("Give a number of credits, such as 250 or 12.5.")
    return text


Credits = Annotated[
    str,
    Field(
        max_length=20,
        pattern=r"^\d{1,8}(\.\d{1,6})?$",
        examples=["250.00"],
        # What is read above knows no way to say "not nothing" in a pattern.
        json_schema_extra={"pattern": r"^(?!0+(\.0+)?$)\d{1,7}(\.\d{1,6})?$"},
    ),
    AfterValidator(_credits),
]


def _of_client(feature: Feature) -> Feature:
    if feature not in OF_CLIENTS:
        raise ValueError("This is for agencies; a client has no such feature.")
    return feature


FeatureOfClient = Annotated[
    Feature,
    AfterValidator(_of_client),
    WithJsonSchema({"type": "string", "enum": [str(one) for one in OF_CLIENTS]}),
]


class ClientJson(BaseModel):
    """A client of the agency; null is no limit. At `delete_at` it is erased."""

    id: UUID
    name: str
    status: Literal["active", "suspended", "archived"]
    max_concurrent_calls: int
    max_minutes_per_month: int | None
    max_assistants: int | None
    max_numbers: int | None
    max_members: int | None
    api_rate_per_minute: int | None
    requires_second_factor: bool
    features_off: list[str]
    available_credits: str
    delete_at: datetime | None
    created_at: datetime


class OneClient(BaseModel):
    organization: ClientJson


class ClientChange(Body):
    """What is left out stays; a suspended client starts no calls."""

    name: str = Field("", min_length=1, max_length=120)
    status: Literal["active", "suspended", "archived"] = "active"
    max_concurrent_calls: int = Field(0, ge=0, le=10_000)
    max_minutes_per_month: int | None = Field(None, ge=0, le=10_000_000)
    max_assistants: int | None = Field(None, ge=0, le=30_000)
    max_numbers: int | None = Field(None, ge=0, le=30_000)
    max_members: int | None = Field(None, ge=0, le=30_000)
    api_rate_per_minute: int | None = Field(None, ge=0, le=30_000)
    requires_second_factor: bool = Field(False, strict=True)
    features_off: list[FeatureOfClient] = []


class CreditsGiven(Body):
    """`move` takes them out of the agency's pool; else the pool pays as they are used."""

    credits: Credits
    memo: str = Field(min_length=1, max_length=200, description="Why.")
    move: bool = Field(False, strict=True)
    expires_at: AwareDatetime | None = None


class Given(BaseModel):
    """Above the agency's limit a second owner approves it first, on the portal.

    `request_id` is then the one of `/selling/grants`; what is given at once has none.
    """

    success: bool
    waits_for_approval: bool
    request_id: UUID | None
    available_credits: str


def client_json(client: Organization) -> dict[str, Any]:
    names = set(ClientJson.model_fields) - {"available_credits"}
    return {name: getattr(client, name) for name in names} | {
        "available_credits": _available(client)
    }


@router.get("/{uuid:client_id}", response=OneClient)
@api_requires(Permission.CLIENTS_READ)
def read_client(request: KeyRequest, client_id: UUID) -> dict[str, Any]:
    """One client of the key's agency."""
    return {"organization": client_json(_client(request, client_id))}


@router.patch("/{uuid:client_id}", response=OneClient)
@api_requires(Permission.CLIENTS_EDIT)
@transaction.atomic
def change_client(
    request: KeyRequest, client_id: UUID, change: ClientChange
) -> dict[str, Any]:
    """Limit, suspend or reopen a client; it holds at once."""
    client = _client(request, client_id)
    changes = change.model_dump(mode="json", exclude_unset=True)
    status = changes.pop("status", None)
    for name, value in changes.items():
        setattr(client, name, value)
    try:
        client.clean_fields()
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(messages[0], param=name) from error
    save_limits(client=client, actor=None)
    if status is not None:
        set_status(organization=client, status=Organization.Status(status), actor=None)
    return {"organization": client_json(_client(request, client_id))}


@router.post("/{uuid:client_id}/deletion", response={202: OneClient})
@api_requires(Permission.CLIENTS_EDIT)
def delete_client(request: KeyRequest, client_id: UUID) -> Status[dict[str, Any]]:
    """Archive a client now and erase it in 30 days, unless that is called off."""
    client = _client(request, client_id)
    if client.delete_at is None:
        ask_for_deletion(client=client, actor=None)
    return Status(202, {"organization": client_json(_client(request, client_id))})


@router.delete("/{uuid:client_id}/deletion", response=OneClient)
@api_requires(Permission.CLIENTS_EDIT)
def keep_client(request: KeyRequest, client_id: UUID) -> dict[str, Any]:
    """Call a deletion off; the client stays, suspended, so that nothing starts."""
    client = _client(request, client_id)
    if client.delete_at is None:
        raise Conflict("Nobody asked for this client to be deleted.")
    call_off_deletion(client=client, actor=None)
    return {"organization": client_json(_client(request, client_id))}


@router.post("/{uuid:client_id}/credits", response={201: Given, 202: Given})
@api_requires(Permission.BILLING_GRANT, needs_live_key=True)
def give_credits(
    request: KeyRequest,
    client_id: UUID,
    wanted: Annotated[CreditsGiven, BodyParam(...)],
) -> Status[dict[str, Any]]:
    """Give credits to a client; send an `Idempotency-Key`, and it happens once."""
    client = _client(request, client_id)
    key = _once(request)
    amount = parse_credits(wanted.credits)
    if wanted.move and wanted.expires_at is not None:
        raise InvalidRequest(
            "Credits that are moved do not expire.", param="expires_at"
        )
    with agency_scope(client.agency_id):
        try:
            outcome = do_by_hand(
                ByHand(
                    receiver=client,
                    microcredits=amount,
                    memo=wanted.memo,
                    key=key,
                    way=GrantRequest.Way.MOVE if wanted.move else GrantRequest.Way.GIVE,
                    expires_at=wanted.expires_at,
                ),
                actor=None,
            )
        except NotEnoughCredits as error:
            raise InvalidRequest(
                "Your pool has fewer credits than that.",
                param="credits",
                code="insufficient_credits",
            ) from error
        except IdempotencyConflict as error:
            raise Conflict(
                "This key gave other credits before. Use a new one.", param=HEADER
            ) from error
    waits = outcome.entry is None
    return Status(
        202 if waits else 201,
        {
            "success": True,
            "waits_for_approval": waits,
            "request_id": outcome.request.pk if outcome.request else None,
            "available_credits": _available(client),
        },
    )


def _client(request: KeyRequest, client_id: UUID) -> Organization:
    return get_client(request.organization, client_id)


def _once(request: KeyRequest) -> str:
    """Return the ledger's key of a request: its own, else one that comes never again."""
    name = request.headers.get(HEADER)
    if name is None:
        return str(uuid4())
    key = request.api_key
    return hashlib.sha256(f"{key.pk} {name}".encode()).hexdigest()


def _available(client: Organization) -> str:
    with agency_scope(client.agency_id):
        return format_credits(wallet_balance(client).available)
