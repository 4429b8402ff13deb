"""Webhooks over REST: endpoints, what they were sent, and sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Query, Router, Status
from pydantic import BaseModel, Field, JsonValue

from common.http import OutboundError
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted, LongPagination, Moment, Period, page_of
from portal.http import KeyRequest
from portal.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from portal.permissions import Permission
from portal.webhooks import endpoints, kinds, replaying
from portal.webhooks.endpoints import TooManyEndpoints
from portal.webhooks.queries import (
    filter_deliveries,
    get_delivery,
    get_endpoint,
    visible_deliveries,
    visible_endpoints,
)

router = Router(tags=["Webhooks"])
deliveries_router = Router(tags=["Webhooks"])


class EndpointJson(BaseModel):
    """An address that is told of events. Its secret is shown when made and never again."""

    id: UUID
    url: str
    description: str
    events: list[str]
    assistant_id: UUID | None
    secret_hint: str
    status: Literal["enabled", "disabled"]
    disabled_reason: str | None
    failures_in_row: int
    failing_since: datetime | None
    paused_until: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OneEndpoint(BaseModel):
    webhook_endpoint: EndpointJson


class EndpointWithSecret(OneEndpoint):
    """`secret` is shown here and never again."""

    secret: str


class Endpoints(BaseModel):
    webhook_endpoints: list[EndpointJson]


class EndpointChange(Body):
    url: str = Field("", max_length=2_000, examples=["https://example.com/webhook"])
    description: str = Field("", max_length=120)
    events: list[str] = Field(
        default_factory=list,
        max_length=50,
        description="Kinds such as `status-update`, families such as `lead.*`, or `*`.",
        examples=[["status-update", "end-of-call-report"]],
    )
    is_enabled: bool = Field(True, strict=True)


class NewEndpoint(Body):
    url: str = Field(max_length=2_000, examples=["https://example.com/webhook"])
    description: str = Field("", max_length=120)
    events: list[str] = Field(
        default_factory=lambda: ["*"],
        max_length=50,
        description="Kinds such as `status-update`, families such as `lead.*`, or `*`.",
        examples=[["status-update", "end-of-call-report"]],
    )


class TestEvent(Body):
    kind: str = Field("status-update", max_length=60, examples=["status-update"])


class DeliveryJson(BaseModel):
    """One event on its way to one endpoint."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    kind: str
    call_id: UUID | None
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    is_test: bool
    is_replay: bool
    status_code: int | None
    elapsed_ms: int | None
    error: str | None
    created_at: datetime
    next_at: datetime | None
    finished_at: datetime | None


class AttemptJson(BaseModel):
    """One request and what came back."""

    number: int
    at: datetime
    elapsed_ms: int
    request_headers: dict[str, JsonValue]
    status_code: int | None
    response_headers: dict[str, JsonValue]
    response_body: str
    error: str | None


class WholeDelivery(DeliveryJson):
    """`body` is the very text that is signed and sent."""

    body: str
    tries: list[AttemptJson]


class OneDelivery(BaseModel):
    delivery: WholeDelivery


class Deliveries(BaseModel):
    deliveries: list[DeliveryJson]
    pagination: LongPagination


class DeliveryFilter(Period):
    endpoint_id: UUID | None = None
    kind: str = Field("", max_length=60)
    status: Literal["pending", "delivered", "failed"] | None = None
    call_id: UUID | None = None


class ReplayWanted(Body):
    """Which deliveries are sent again; what is left out narrows nothing."""

    kind: str = Field("", max_length=60)
    status: Literal["delivered", "failed"] | None = None
    call_id: UUID | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None


class Replayed(BaseModel):
    success: bool
    replayed: int


def endpoint_json(row: WebhookEndpoint) -> dict[str, Any]:
    names = EndpointJson.model_fields
    return {name: getattr(row, name) for name in names} | {
        "disabled_reason": row.disabled_reason or None
    }


def delivery_json(row: WebhookDelivery) -> dict[str, Any]:
    names = set(DeliveryJson.model_fields) - {"is_test"}
    return {name: getattr(row, name) for name in names} | {
        "is_test": row.event.is_test,
        "error": row.error or None,
        "next_at": None if row.finished_at else row.next_at,
    }


def _attempt_json(row: WebhookAttempt) -> dict[str, Any]:
    names = AttemptJson.model_fields
    return {name: getattr(row, name) for name in names} | {"error": row.error or None}


def _check_events(events: list[str]) -> list[str]:
    for index, name in enumerate(events):
        if kinds.unknown([name]):
            raise InvalidRequest(
                f"Choose of: {', '.join([*kinds.CHOICES, '*'])}.",
                param=f"events[{index}]",
            )
    return list(dict.fromkeys(events))


@router.get("", response=Endpoints)
@api_requires(Permission.WEBHOOKS_EDIT)
def list_webhook_endpoints(request: KeyRequest) -> dict[str, Any]:
    """Every endpoint of the organization, and of its assistants."""
    return {"webhook_endpoints": [endpoint_json(row) for row in visible_endpoints()]}


@router.post("", response={201: EndpointWithSecret})
@api_requires(Permission.WEBHOOKS_EDIT)
def create_webhook_endpoint(
    request: KeyRequest, wanted: NewEndpoint
) -> Status[dict[str, Any]]:
    """Name an address that is told of events; its secret is shown once."""
    events = _check_events(wanted.events)
    try:
        row, secret = endpoints.create_endpoint(
            organization=request.organization,
            url=wanted.url,
            description=wanted.description,
            events=events,
            actor=None,
        )
    except OutboundError as error:
        raise InvalidRequest(str(error), param="url") from error
    except TooManyEndpoints as error:
        raise Conflict(str(error)) from error
    return Status(201, {"webhook_endpoint": endpoint_json(row), "secret": secret})


@router.get("/{uuid:endpoint_id}", response=OneEndpoint)
@api_requires(Permission.WEBHOOKS_EDIT)
def read_webhook_endpoint(request: KeyRequest, endpoint_id: UUID) -> dict[str, Any]:
    """One endpoint."""
    return {"webhook_endpoint": endpoint_json(get_endpoint(endpoint_id))}


@router.patch("/{uuid:endpoint_id}", response=OneEndpoint)
@api_requires(Permission.WEBHOOKS_EDIT)
def change_webhook_endpoint(
    request: KeyRequest, endpoint_id: UUID, change: EndpointChange
) -> dict[str, Any]:
    """Change what is given; `is_enabled` switches it on or off."""
    row = get_endpoint(endpoint_id)
    changes = change.model_dump(exclude_unset=True)
    is_enabled = changes.pop("is_enabled", None)
    fixed = [name for name in ("url", "events") if name in changes]
    if row.assistant_id and fixed:
        raise Conflict(
            "Its address and events are settings of an assistant.", param=fixed[0]
        )
    if "events" in changes:
        changes["events"] = _check_events(changes["events"])
    if changes:
        try:
            endpoints.change_endpoint(endpoint=row, changes=changes, actor=None)
        except OutboundError as error:
            raise InvalidRequest(str(error), param="url") from error
    if is_enabled is True:
        endpoints.enable_endpoint(endpoint=row, actor=None)
    elif is_enabled is False:
        endpoints.disable_endpoint(
            endpoint=row, reason=WebhookEndpoint.Reason.BY_HAND, actor=None
        )
    return {"webhook_endpoint": endpoint_json(get_endpoint(endpoint_id))}


@router.delete("/{uuid:endpoint_id}", response=Deleted)
@api_requires(Permission.WEBHOOKS_EDIT)
def delete_webhook_endpoint(request: KeyRequest, endpoint_id: UUID) -> dict[str, bool]:
    """Forget an endpoint and what it was sent."""
    row = get_endpoint(endpoint_id)
    if row.assistant_id:
        raise Conflict("It goes when the assistant's `webhook_url` is null.")
    endpoints.delete_endpoint(endpoint=row, actor=None)
    return {"success": True}


@router.post("/{uuid:endpoint_id}/rotate-secret", response=EndpointWithSecret)
@api_requires(Permission.WEBHOOKS_EDIT)
def rotate_webhook_secret(request: KeyRequest, endpoint_id: UUID) -> dict[str, Any]:
    """Replace the secret; for 24 hours the one before signs as well."""
    secret = endpoints.rotate_secret(endpoint=get_endpoint(endpoint_id), actor=None)
    return {
        "webhook_endpoint": endpoint_json(get_endpoint(endpoint_id)),
        "secret": secret,
    }


@router.post("/{uuid:endpoint_id}/test", response=OneDelivery)
@api_requires(Permission.WEBHOOKS_EDIT)
def send_test_event(
    request: KeyRequest, endpoint_id: UUID, wanted: TestEvent
) -> dict[str, Any]:
    """Send an invented event now and return how it went."""
    if not kinds.is_kind(wanted.kind) or wanted.kind.endswith("*"):
        raise InvalidRequest("There is no such event.", param="kind")
    row = replaying.send_test(endpoint=get_endpoint(endpoint_id), kind=wanted.kind)
    return {"delivery": _whole(row.pk)}


@router.post("/{uuid:endpoint_id}/replay", response=Replayed)
@api_requires(Permission.WEBHOOKS_EDIT)
def replay_webhook_deliveries(
    request: KeyRequest, endpoint_id: UUID, wanted: ReplayWanted
) -> dict[str, Any]:
    """Send again what an endpoint was sent, or missed; each message keeps its id."""
    row = get_endpoint(endpoint_id)
    zone = request.organization.time_zone
    period = Period(start_date=wanted.start_date, end_date=wanted.end_date).bounds(zone)
    count = replaying.replay(
        deliveries=filter_deliveries(
            replaying.replayable(),
            endpoint_id=row.pk,
            kind=wanted.kind,
            status=wanted.status or "",
            call_id=wanted.call_id,
            since=period.since,
            until=period.until,
        ),
        actor=None,
    )
    return {"success": True, "replayed": count}


@deliveries_router.get("", response=Deliveries)
@api_requires(Permission.WEBHOOKS_EDIT)
def list_webhook_deliveries(
    request: KeyRequest, wanted: Annotated[DeliveryFilter, Query()]
) -> dict[str, Any]:
    """What endpoints were sent in the last 30 days, newest first."""
    period = wanted.bounds(request.organization.time_zone)
    rows = filter_deliveries(
        visible_deliveries(),
        endpoint_id=wanted.endpoint_id,
        kind=wanted.kind,
        status=wanted.status or "",
        call_id=wanted.call_id,
        since=period.since,
        until=period.until,
    )
    page, said = page_of(rows, wanted, rows.count())
    return {"deliveries": [delivery_json(row) for row in page], "pagination": said}


@deliveries_router.get("/{uuid:delivery_id}", response=OneDelivery)
@api_requires(Permission.WEBHOOKS_EDIT)
def read_webhook_delivery(request: KeyRequest, delivery_id: UUID) -> dict[str, Any]:
    """One delivery with its body and every try."""
    return {"delivery": _whole(delivery_id)}


@deliveries_router.post("/{uuid:delivery_id}/replay", response=Replayed)
@api_requires(Permission.WEBHOOKS_EDIT)
def replay_webhook_delivery(request: KeyRequest, delivery_id: UUID) -> dict[str, Any]:
    """Send one delivery again."""
    row = get_delivery(delivery_id)
    count = replaying.replay(
        deliveries=replaying.replayable().filter(pk=row.pk), actor=None
    )
    return {"success": bool(count), "replayed": count}


def _whole(delivery_id: UUID) -> dict[str, Any]:
    row = get_delivery(delivery_id)
    return delivery_json(row) | {
        "body": row.event.body,
        "tries": [_attempt_json(one) for one in row.tries.all()],
    }
