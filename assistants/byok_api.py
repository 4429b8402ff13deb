"""Own keys over REST, under `/byok`: told by an id and four characters, never read back."""

from __future__ import annotations

from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from ninja import Body as BodyParam, Router
from pydantic import BaseModel, Field

from assistants import keys
from assistants.key_checks import KeyRefused, KeyUnchecked
from assistants.key_kinds import KINDS
from assistants.models import ProviderKey
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Own keys"])


Provider = Annotated[
    str, Field(max_length=30, json_schema_extra={"enum": sorted(KINDS)})
]


class NewKey(Body):
    """A key and, where the vendor needs it, settings such as a region."""

    provider: Provider
    api_key: str = Field(min_length=1, max_length=10_000)
    config: dict[str, str] | None = None
    share_with_clients: bool = False


class NewConfig(Body):
    """Settings of a vendor, merged into those there are; null removes one."""

    provider: Provider
    config: dict[str, str | None]


class Sharing(Body):
    """Whether an agency's clients may use its key of a vendor."""

    provider: Provider
    share_with_clients: bool = Field(strict=True)


class OneProvider(Body):
    provider: Provider


class ProviderKeyJson(BaseModel):
    """One vendor: whose key its calls use, and what is known of one's own."""

    provider: str
    label: str
    used_key: str | None
    last_four: str | None
    status: str | None
    note: str | None
    share_with_clients: bool


class ProviderKeys(BaseModel):
    """`byok_keys` maps `<provider>_secret_id` to an id, or to null without a key."""

    byok_keys: dict[str, str | None]
    keys: list[ProviderKeyJson]


class SavedProviderKeys(ProviderKeys):
    success: bool


class Configs(BaseModel):
    success: bool
    config: dict[str, dict[str, str]]


@router.get("", response=ProviderKeys)
@api_requires(Permission.PROVIDER_KEYS_EDIT)
def list_keys(request: KeyRequest) -> dict[str, Any]:
    """Which vendors have a key of one's own, and whose key calls use."""
    return _keys(request)


@router.post("", response=SavedProviderKeys)
@api_requires(Permission.PROVIDER_KEYS_EDIT)
def save_key(
    request: KeyRequest, body: Annotated[NewKey, BodyParam(...)]
) -> dict[str, Any]:
    """Check a key with its vendor and keep it; calls that start from now on use it."""
    _checked(
        keys.save_key,
        organization=request.organization,
        provider=body.provider,
        api_key=body.api_key,
        config=body.config,
        is_shared=body.share_with_clients,
        actor=None,
    )
    return {"success": True, **_keys(request)}


@router.patch("", response=SavedProviderKeys)
@api_requires(Permission.PROVIDER_KEYS_EDIT)
def share_key(
    request: KeyRequest, body: Annotated[Sharing, BodyParam(...)]
) -> dict[str, Any]:
    """Let an agency's clients use its key, or keep it to itself; running calls go on."""
    _checked(keys.kind_of, provider=body.provider)
    organization = request.organization
    if not organization.is_agency:
        raise PermissionDenied("Only an agency shares its keys.")
    row = ProviderKey.objects.filter(provider=body.provider).first()
    if row is None:
        raise Http404("There is no key of this provider.")
    keys.share_key(key=row, is_shared=body.share_with_clients, actor=None)
    return {"success": True, **_keys(request)}


@router.delete("", response=SavedProviderKeys)
@api_requires(Permission.PROVIDER_KEYS_EDIT)
def remove_key(
    request: KeyRequest, body: Annotated[OneProvider, BodyParam(...)]
) -> dict[str, Any]:
    """Take a key away; calls use the agency's or the platform's again."""
    _checked(keys.kind_of, provider=body.provider)
    organization = request.organization
    if not keys.remove_key(
        provider=body.provider, organization=organization, actor=None
    ):
        raise Http404("There is no key of this provider.")
    return {"success": True, **_keys(request)}


@router.get("/config", response=Configs)
@api_requires(Permission.PROVIDER_KEYS_EDIT)
def read_config(request: KeyRequest) -> dict[str, Any]:
    """The settings beside each key."""
    return _configs()


@router.post("/config", response=Configs)
@api_requires(Permission.PROVIDER_KEYS_EDIT)
def save_config(
    request: KeyRequest, body: Annotated[NewConfig, BodyParam(...)]
) -> dict[str, Any]:
    """Change settings of a vendor; its key must be there, and is checked with them."""
    _checked(
        keys.save_config,
        organization=request.organization,
        provider=body.provider,
        config=body.config,
        actor=None,
    )
    return _configs()


def _checked(service: Any, **values: Any) -> None:
    try:
        service(**values)
    except KeyRefused as refusal:
        raise InvalidRequest(str(refusal), param=refusal.param) from refusal
    except KeyUnchecked as away:
        raise InvalidRequest(
            str(away), param="api_key", code="provider_unreachable"
        ) from away


def _keys(request: KeyRequest) -> dict[str, Any]:
    organization = request.organization
    views = keys.overview(organization)
    return {
        "byok_keys": {
            f"{view.kind.provider}_secret_id": str(view.own.pk) if view.own else None
            for view in views
        },
        "keys": [
            {
                "provider": view.kind.provider,
                "label": view.kind.label,
                "used_key": view.payer,
                "last_four": view.own.last_four if view.own else None,
                "status": view.own.state if view.own else None,
                "note": view.own.note or None if view.own else None,
                "share_with_clients": bool(view.own and view.own.is_shared),
            }
            for view in views
        ],
    }


def _configs() -> dict[str, Any]:
    rows = {row.provider: row.config for row in ProviderKey.objects.all()}
    return {
        "success": True,
        "config": {name: rows[name] for name in KINDS if name in rows},
    }
