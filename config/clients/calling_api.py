"""What a client may call over REST, how fast it may spend, and stopping its calls."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import Http404
from ninja import Body as BodyParam, Router, Status
from pydantic import BaseModel, Field

from calls.api.countries import Country
from calls.models import CallAlert, CallGuard
from calls.services.guarding import GuardRefused, save_guard
from calls.services.halting import halt_calls, lift_halt, standing_halts
from calls.services.watching import dismiss_alert, standing_alerts
from common.money import format_credits, parse_credits
from config.clients.api import Credits
from config.cockpit.queries import get_client
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission
from portal.scope import organization_scope

router = Router(tags=["Organizations"])
# Body field → model field.
_FIELDS: Final = {
    "countries": "countries",
    "blocked_prefixes": "blocked_prefixes",
    "allows_premium": "allows_premium",
    "max_credits_per_hour": "hourly_microcredits",
    "max_credits_per_day": "daily_microcredits",
    "max_calls_on_first_day": "first_day_calls",
}
_CREDITS: Final = ("max_credits_per_hour", "max_credits_per_day")
Prefix = Annotated[str, Field(pattern=r"^\+[0-9]{1,15}$", examples=["+3197"])]


class CallingChange(Body):
    """What is left out stays; null of a limit takes it away, no country is every one."""

    countries: list[Country] = Field([], max_length=300)
    blocked_prefixes: list[Prefix] = Field([], max_length=300)
    allows_premium: bool = Field(False, strict=True)
    max_credits_per_hour: Credits | None = None
    max_credits_per_day: Credits | None = None
    max_calls_on_first_day: int | None = Field(None, strict=True, ge=0, le=1_000_000)


class HaltBody(Body):
    reason: str = Field(min_length=1, max_length=200, examples=["A stolen API key."])


class HaltJson(BaseModel):
    reason: str
    started_at: datetime


class AlertJson(BaseModel):
    """Calls that look like fraud, until somebody says that they are all right."""

    id: UUID
    kind: str
    sentence: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime


class CallingJson(BaseModel):
    """`is_halted_above`: the agency's own calls, or everybody's, are stopped."""

    countries: list[str]
    blocked_prefixes: list[str]
    allows_premium: bool
    max_credits_per_hour: str | None
    max_credits_per_day: str | None
    max_calls_on_first_day: int | None
    halt: HaltJson | None
    is_halted_above: bool
    alerts: list[AlertJson]


class Calling(BaseModel):
    calling: CallingJson


class Halted(Calling):
    """`ending_calls` were going on and are told to end."""

    ending_calls: int


@router.get("/{uuid:client_id}/calling", response=Calling)
@api_requires(Permission.CLIENTS_READ)
def read_calling(request: KeyRequest, client_id: UUID) -> dict[str, Any]:
    """What a client may call, whether its calls are stopped, and what looks like fraud."""
    return {"calling": calling_json(_client(request, client_id))}


@router.patch("/{uuid:client_id}/calling", response=Calling)
@api_requires(Permission.CLIENTS_EDIT)
def change_calling(
    request: KeyRequest, client_id: UUID, change: CallingChange
) -> dict[str, Any]:
    """Change limits; they hold for the next call."""
    client = _client(request, client_id)
    choices: dict[str, Any] = {}
    for name in change.model_fields_set:
        value = getattr(change, name)
        if name in _CREDITS and value is not None:
            value = parse_credits(value)
        elif isinstance(value, list):
            value = sorted(set(value))
        choices[_FIELDS[name]] = value
    try:
        if choices:
            save_guard(organization=client, actor=None, **choices)
    except GuardRefused as refusal:
        names = {field: name for name, field in _FIELDS.items()}
        raise InvalidRequest(str(refusal), param=names[refusal.field]) from refusal
    return {"calling": calling_json(client)}


@router.post("/{uuid:client_id}/halt", response={201: Halted})
@api_requires(Permission.CLIENTS_EDIT)
def halt_client(
    request: KeyRequest, client_id: UUID, wanted: Annotated[HaltBody, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Stop a client's calls at once, those going on too; again, it ends what began since."""
    client = _client(request, client_id)
    ending = halt_calls(organization=client, reason=wanted.reason, actor=None)
    return Status(201, {"calling": calling_json(client), "ending_calls": ending})


@router.delete("/{uuid:client_id}/halt", response=Calling)
@api_requires(Permission.CLIENTS_EDIT)
def lift_client_halt(request: KeyRequest, client_id: UUID) -> dict[str, Any]:
    """Let a client call again."""
    client = _client(request, client_id)
    if not lift_halt(organization=client, actor=None):
        raise Http404("This client's calls are not stopped.")
    return {"calling": calling_json(client)}


@router.delete("/{uuid:client_id}/alerts/{uuid:alert_id}", response=Calling)
@api_requires(Permission.CLIENTS_EDIT)
def dismiss_client_alert(
    request: KeyRequest, client_id: UUID, alert_id: UUID
) -> dict[str, Any]:
    """These calls are all right: take the alert off the list."""
    client = _client(request, client_id)
    with organization_scope(client):
        alert = CallAlert.objects.filter(pk=alert_id).first()
        if alert is None or not dismiss_alert(alert=alert, actor=None):
            raise Http404("No such alert.")
    return {"calling": calling_json(client)}


def calling_json(client: Organization) -> dict[str, Any]:
    """Return limits, halt and alerts of a client as the API shows them."""
    with organization_scope(client):
        row = CallGuard.objects.first() or CallGuard(organization=client)
        alerts = standing_alerts(client)
    halts = list(standing_halts(client))
    own = next((halt for halt in halts if halt.organization_id == client.pk), None)
    shown = {name: getattr(row, field) for name, field in _FIELDS.items()}
    for name in _CREDITS:
        shown[name] = None if shown[name] is None else format_credits(shown[name])
    return shown | {
        "halt": own and {"reason": own.reason, "started_at": own.started_at},
        "is_halted_above": any(halt is not own for halt in halts),
        "alerts": [
            {name: getattr(alert, name) for name in AlertJson.model_fields}
            for alert in alerts
        ],
    }


def _client(request: KeyRequest, client_id: UUID) -> Organization:
    return get_client(request.organization, client_id)
