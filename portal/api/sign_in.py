"""How people sign in, over REST: second steps, and the agency's own applications.

What concerns one person alone, such as their password and their second step, is theirs
to change, signed in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse
from ninja import Body as BodyParam, Router
from pydantic import BaseModel, Field

from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body, Deleted
from portal.hosts import portal_url
from portal.http import KeyRequest
from portal.models import Organization, Portal, SignInApp
from portal.permissions import Permission
from portal.services import sign_in

router = Router(tags=["Sign-in"])

ProviderName = Literal["google", "github", "microsoft"]


class SignInAppJson(BaseModel):
    """An agency's application at a provider; `callback_url` is what to enter there.

    Null of `client_id`: there is none of the agency's own.
    """

    provider: ProviderName
    client_id: str | None
    secret_hint: str | None
    callback_url: str
    created_at: datetime | None


class SignInJson(BaseModel):
    """`apps` are the agency's; a client signs in as its agency has set it up."""

    requires_second_factor: bool
    people: int
    people_with_second_factor: int
    apps: list[SignInAppJson]


class OneSignIn(BaseModel):
    sign_in: SignInJson


class SecondFactorChange(Body):
    """Whether everybody of the organization needs a second step, from now on."""

    requires_second_factor: bool = Field(strict=True)


class SignInAppBody(Body):
    """An empty `secret` keeps the one there is; it is never given back."""

    client_id: str = Field(min_length=1, max_length=200)
    secret: str = Field("", max_length=400, json_schema_extra={"writeOnly": True})


@router.get("", response=OneSignIn)
@api_requires(Permission.ORGANIZATION_EDIT)
def read_sign_in(request: KeyRequest) -> dict[str, Any]:
    """Whether a second step is needed, who has one, and the agency's applications."""
    return {"sign_in": sign_in_json(request.organization)}


@router.patch("", response=OneSignIn)
@api_requires(Permission.ORGANIZATION_EDIT)
def change_sign_in(
    request: KeyRequest, change: Annotated[SecondFactorChange, BodyParam(...)]
) -> dict[str, Any]:
    """Ask everybody of the organization for a second step, or no longer."""
    organization = request.organization
    sign_in.require_second_factor(
        organization=organization,
        is_required=change.requires_second_factor,
        actor=None,
    )
    organization.refresh_from_db(fields=["requires_second_factor"])
    return {"sign_in": sign_in_json(organization)}


@router.put("/apps/{app}", response=OneSignIn)
@api_requires(Permission.BRAND_EDIT)
def save_sign_in_app(
    request: KeyRequest,
    app: ProviderName,
    wanted: Annotated[SignInAppBody, BodyParam(...)],
) -> dict[str, Any]:
    """Keep the agency's application at a provider; its button is there at once."""
    agency = _agency(request)
    is_there = SignInApp.objects.filter(provider=app).exists()
    if not wanted.secret and not is_there:
        raise InvalidRequest("Give the secret that belongs to the id.", param="secret")
    sign_in.save_sign_in_app(
        agency=agency,
        provider=app,
        client_id=wanted.client_id,
        secret=wanted.secret,
        actor=None,
    )
    return {"sign_in": sign_in_json(agency)}


@router.delete("/apps/{app}", response=Deleted)
@api_requires(Permission.BRAND_EDIT)
def remove_sign_in_app(request: KeyRequest, app: ProviderName) -> dict[str, bool]:
    """Take an application away; its people sign in another way from now on."""
    agency = _agency(request)
    if not sign_in.remove_sign_in_app(agency=agency, provider=app, actor=None):
        raise Http404("There is no application at this provider.")
    return {"success": True}


def sign_in_json(organization: Organization) -> dict[str, Any]:
    """Return how an organization's people sign in, without secrets."""
    having, people = sign_in.count_second_factors(organization)
    return {
        "requires_second_factor": organization.requires_second_factor,
        "people": people,
        "people_with_second_factor": having,
        "apps": _apps_json(organization) if organization.is_agency else [],
    }


def _apps_json(agency: Organization) -> list[dict[str, Any]]:
    portal = Portal.objects.get(agency=agency)
    rows = {row.provider: row for row in SignInApp.objects.all()}
    shown = []
    for provider in SignInApp.Provider.values:
        row = rows.get(provider)
        path = reverse(f"{provider}_callback", urlconf=settings.ROOT_URLCONF)
        shown.append(
            {
                "provider": provider,
                "client_id": row.client_id if row else None,
                "secret_hint": row.hint if row else None,
                "callback_url": portal_url(portal, path),
                "created_at": row.created_at if row else None,
            }
        )
    return shown


def _agency(request: KeyRequest) -> Organization:
    organization = request.organization
    if not organization.is_agency:
        raise PermissionDenied("Only an agency has applications of its own.")
    return organization
