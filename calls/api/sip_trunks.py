"""SIP trunks over REST, in the field names of both generations of the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

from ninja import Router, Status
from pydantic import BaseModel, Field, JsonValue
from pydantic.config import JsonDict

from calls.models import Trunk
from calls.queries import get_trunk, visible_trunks
from calls.services import trunk_checks, trunks
from calls.telephony.registry import carrier_choices
from calls.trunk_places import require_open_host
from calls.trunk_rules import (
    OPTIONS_EVERY_S,
    REGISTER_EXPIRES_S,
    BadAddress,
    contradictions,
    parse_address,
    parse_codecs,
    parse_domain,
    parse_networks,
    parse_port,
    parse_seconds,
)
from common.phone import InvalidNumber, parse_number
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted
from portal.api.shapes import either
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["SIP trunks"])
T = TypeVar("T")

# What the older generation calls a field, by the name of the newer one.
_OLDER: Final = {"auth_username": "username", "auth_password": "password"}


def _within(bounds: tuple[int, int]) -> JsonDict:
    return {"minimum": bounds[0], "maximum": bounds[1]}


class TrunkChange(Body):
    """`address` is `host` or `host:port`; `host` and `port` say the same in two fields."""

    name: str | None = Field(None, min_length=1, max_length=80)
    provider: str | None = Field(None, min_length=1, max_length=40)
    carrier: str | None = Field(None, max_length=20, examples=["sip"])
    address: str | None = Field(None, max_length=260, examples=["sip.example.com"])
    host: str | None = Field(None, max_length=260, examples=["sip.example.com"])
    port: int | None = Field(None, json_schema_extra={"minimum": 1, "maximum": 65_535})
    transport: Literal["udp", "tcp", "tls"] | None = None
    data_region: Literal["us", "eu"] | None = Field(
        None, description="Where a carrier that is reached over its own API computes."
    )
    auth_username: str | None = Field(None, max_length=120)
    username: str | None = Field(None, max_length=120)
    auth_password: str | None = Field(None, max_length=200)
    password: str | None = Field(None, max_length=200)
    public_key: str | None = Field(None, max_length=120)
    inbound_addresses: list[str] | None = Field(
        None, max_length=50, examples=[["192.0.2.10", "198.51.100.0/24"]]
    )
    outbound_address: str | None = Field(
        None, max_length=260, examples=["sip.example.com"]
    )
    outbound_number: str | None = Field(None, max_length=40, examples=["+31201234567"])
    registration: bool | None = Field(None, strict=True)
    max_channels: int | None = Field(None, ge=1, le=10_000, strict=True)
    calls_per_second: int | None = Field(None, ge=1, le=100, strict=True)
    caller_id: Literal["number", "outbound"] | None = None
    number_format: Literal["plus", "digits", "national"] | None = None
    codecs: list[str] | None = Field(
        None, max_length=10, examples=[["PCMA", "PCMU", "opus"]]
    )
    srtp: bool | None = Field(None, strict=True)
    domain: str | None = Field(None, max_length=253, examples=["example.com"])
    register_expires_s: int | None = Field(
        None, strict=True, json_schema_extra=_within(REGISTER_EXPIRES_S)
    )
    options_every_s: int | None = Field(
        None,
        strict=True,
        description="0 is never.",
        json_schema_extra={
            "anyOf": [
                {"const": 0},
                {"type": "integer", **_within(OPTIONS_EVERY_S)},
                {"type": "null"},
            ]
        },
    )
    is_active: bool | None = Field(None, strict=True)


class NewTrunk(TrunkChange):
    """`name` and one of `address`, `host` and `outbound_address` are required."""

    model_config = either(address="string", host="string", outbound_address="string")

    name: str = Field(min_length=1, max_length=80)


class TrunkJson(BaseModel):
    """A trunk. Its password is never returned; `has_password` says that there is one."""

    id: UUID
    org_id: UUID
    name: str
    provider: str
    carrier: str
    address: str
    host: str
    port: int | None
    transport: str
    data_region: str
    auth_username: str | None
    username: str | None
    has_password: bool
    public_key: str | None
    inbound_addresses: list[str]
    outbound_address: str | None
    outbound_number: str | None
    registration: bool
    max_channels: int
    calls_per_second: int
    caller_id: str
    number_format: str
    codecs: list[str]
    srtp: bool
    domain: str | None
    register_expires_s: int
    options_every_s: int
    is_active: bool
    is_tested: bool
    last_test: dict[str, JsonValue] | None
    created_at: datetime
    updated_at: datetime


class OneTrunk(BaseModel):
    trunk: TrunkJson


class Trunks(BaseModel):
    trunks: list[TrunkJson]


def trunk_json(trunk: Trunk) -> dict[str, Any]:
    """Return a trunk as the API shows it, under the names of both generations."""
    return {
        "id": trunk.pk,
        "org_id": trunk.organization_id,
        "name": trunk.name,
        "provider": trunk.provider,
        "carrier": trunk.carrier,
        "address": trunk.address,
        "host": trunk.host,
        "port": trunk.port,
        "transport": trunk.transport,
        "data_region": trunk.data_region,
        "auth_username": trunk.auth_username or None,
        "username": trunk.auth_username or None,
        "has_password": bool(trunk.password_hint),
        "public_key": trunk.public_key or None,
        "inbound_addresses": trunk.inbound_addresses,
        "outbound_address": trunk.outbound_host or trunk.address or None,
        "outbound_number": trunk.outbound_number or None,
        "registration": trunk.registers,
        "max_channels": trunk.max_channels,
        "calls_per_second": trunk.calls_per_second,
        "caller_id": trunk.caller_id,
        "number_format": trunk.number_format,
        "codecs": trunk.codecs,
        "srtp": trunk.srtp,
        "domain": trunk.domain or None,
        "register_expires_s": trunk.register_expires_s,
        "options_every_s": trunk.options_every_s,
        "is_active": trunk.is_active,
        "is_tested": trunk.is_tested,
        "last_test": trunk_checks.last_test(trunk),
        "created_at": trunk.created_at,
        "updated_at": trunk.updated_at,
    }


@router.get("", response=Trunks)
@api_requires(Permission.ASSISTANTS_READ)
def list_trunks(request: KeyRequest) -> dict[str, Any]:
    """Every trunk of the organization, by name."""
    return {"trunks": [trunk_json(trunk) for trunk in visible_trunks()]}


@router.post("", response={201: OneTrunk})
@api_requires(Permission.ASSISTANTS_EDIT)
def add_trunk(request: KeyRequest, wanted: NewTrunk) -> Status[dict[str, Any]]:
    """Connect a trunk. Test the connection next, then give it to a number."""
    values = trunk_values(wanted)
    if values.get("carrier", "sip") == "sip" and not values.get("host"):
        if not values.get("outbound_host"):
            raise InvalidRequest(
                "Missing required field: address", param="address", code="missing_field"
            )
        values |= _address(values.pop("outbound_host"), "outbound_address")
    _refuse_contradictions(values)
    trunk = trunks.add_trunk(
        organization=request.organization,
        values=values,
        actor=None,
    )
    return Status(201, {"trunk": trunk_json(trunk)})


@router.get("/{uuid:trunk_id}", response=OneTrunk)
@api_requires(Permission.ASSISTANTS_READ)
def read_trunk(request: KeyRequest, trunk_id: UUID) -> dict[str, Any]:
    """One trunk, with what its last connection test saw."""
    return {"trunk": trunk_json(get_trunk(trunk_id))}


@router.patch("/{uuid:trunk_id}", response=OneTrunk)
@api_requires(Permission.ASSISTANTS_EDIT)
def change_trunk(
    request: KeyRequest, trunk_id: UUID, wanted: TrunkChange
) -> dict[str, Any]:
    """Change what is sent; a new address or password makes the last test out of date."""
    trunk, changes = get_trunk(trunk_id), trunk_values(wanted)
    if changes.keys() & {"srtp", "transport", "registers", "auth_username"}:
        kept = ("srtp", "transport", "registers", "auth_username")
        _refuse_contradictions({name: getattr(trunk, name) for name in kept} | changes)
    trunk = trunks.change_trunk(trunk=trunk, changes=changes, actor=None)
    return {"trunk": trunk_json(trunk)}


@router.delete("/{uuid:trunk_id}", response=Deleted)
@api_requires(Permission.ASSISTANTS_EDIT)
def remove_trunk(request: KeyRequest, trunk_id: UUID) -> dict[str, bool]:
    """Forget a trunk that no number uses; its calls stay."""
    try:
        trunks.remove_trunk(trunk=get_trunk(trunk_id), actor=None)
    except trunks.TrunkInUse as error:
        raise Conflict(f"Numbers use this trunk: {error}.") from error
    return {"success": True}


@router.post("/{uuid:trunk_id}/check", response={202: OneTrunk})
@api_requires(Permission.ASSISTANTS_EDIT)
def check_trunk(request: KeyRequest, trunk_id: UUID) -> Status[dict[str, Any]]:
    """Have the connection tested; read the trunk again to see what was seen."""
    trunk = get_trunk(trunk_id)
    if not trunk_checks.is_running(trunk):
        trunk_checks.ask_for_check(trunk=trunk, actor=None)
    return Status(202, {"trunk": trunk_json(get_trunk(trunk_id))})


def trunk_values(wanted: TrunkChange) -> dict[str, Any]:
    """Return the fields of a trunk that a body sets; a wrong one is refused by name.

    Null means the default for a field that must have a value, else nothing.
    """
    sent = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    values: dict[str, Any] = {}
    for newer, older in _OLDER.items():
        for name in (older, newer):
            if name in sent:
                values[newer] = sent.pop(name) or ""
    values |= _place(sent)
    if "inbound_addresses" in sent:
        values["inbound_addresses"] = _checked(
            "inbound_addresses", parse_networks, sent.pop("inbound_addresses") or []
        )
    if "outbound_number" in sent:
        number = sent.pop("outbound_number")
        values["outbound_number"] = (
            _checked("outbound_number", parse_number, number) if number else ""
        )
    values |= _details(sent)
    if "registration" in sent:
        values["registers"] = bool(sent.pop("registration"))
    if sent.get("carrier") and sent["carrier"] not in dict(carrier_choices()):
        names = ", ".join(dict(carrier_choices()))
        raise InvalidRequest(f"Choose one of: {names}.", param="carrier")
    if "public_key" in sent:
        values["public_key"] = sent.pop("public_key") or ""
    return values | {name: value for name, value in sent.items() if value is not None}


def _place(sent: dict[str, Any]) -> dict[str, Any]:
    """Take where the trunk is out of what was sent, in whichever form it was."""
    values: dict[str, Any] = {}
    if host := sent.pop("host", None):
        values |= _address(host, "host")
    if address := sent.pop("address", None):
        values |= _address(address, "address")
    if "port" in sent:
        port = sent.pop("port")
        values["port"] = None if port is None else _checked("port", parse_port, port)
    if "outbound_address" in sent:
        outbound = sent.pop("outbound_address") or ""
        if outbound:
            _address(outbound, "outbound_address")
        values["outbound_host"] = outbound.lower()
    return values


def _details(sent: dict[str, Any]) -> dict[str, Any]:
    """Take what few trunks set out of what was sent, checked by name."""
    values: dict[str, Any] = {}
    if "codecs" in sent:
        values["codecs"] = _checked("codecs", parse_codecs, sent.pop("codecs") or [])
    if "domain" in sent:
        values["domain"] = _checked("domain", parse_domain, sent.pop("domain") or "")
    if (expires_s := sent.pop("register_expires_s", None)) is not None:
        values["register_expires_s"] = _checked(
            "register_expires_s",
            lambda s: parse_seconds(s, REGISTER_EXPIRES_S, may_be_off=False),
            expires_s,
        )
    if (every_s := sent.pop("options_every_s", None)) is not None:
        values["options_every_s"] = _checked(
            "options_every_s",
            lambda s: parse_seconds(s, OPTIONS_EVERY_S, may_be_off=True),
            every_s,
        )
    return values


def _refuse_contradictions(values: dict[str, Any]) -> None:
    for param, message in contradictions(values).items():
        raise InvalidRequest(message, param=param)


def _address(text: str, param: str) -> dict[str, Any]:
    place = _checked(param, parse_address, text)
    _checked(param, require_open_host, place.host)
    return {"host": place.host, "port": place.port}


def _checked(param: str, check: Callable[[Any], T], value: Any) -> T:
    try:
        return check(value)
    except (BadAddress, InvalidNumber) as error:
        raise InvalidRequest(str(error), param=param) from error
