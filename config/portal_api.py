"""An agency's portal over REST: where it is, and how it looks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from ninja import Router
from pydantic import AfterValidator, BaseModel, Field

from config.clients.library import Choice
from config.clients.library_api import Library, chosen_library, library_json
from config.clients.managing import save_set_up
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body
from portal.api.pictures import PictureJson, pictures_json
from portal.brand_form import MENU_LIMIT, require_https
from portal.hosts import portal_url
from portal.http import KeyRequest
from portal.models import Portal
from portal.permissions import Permission
from portal.services.api_keys import set_prefix
from portal.services.brand import keyed_entries, save_brand

portal = Router(tags=["Portal"])

Color = Annotated[
    str,
    Field(pattern=r"^#[0-9a-fA-F]{6}$", examples=["#3b82f6"]),
    AfterValidator(str.lower),
]


def _https(text: str) -> str:
    try:
        require_https(text)
    except ValidationError as error:
        raise ValueError("Enter an address that begins with https://.") from error
    return text


Address = Annotated[
    str,
    Field(max_length=300, examples=["https://help.example.com/start"]),
    AfterValidator(_https),
]


class MenuEntryBody(Body):
    """A page of the agency's own in the menu, framed inside the portal or beside it."""

    label: str = Field(min_length=1, max_length=30)
    url: Address
    is_framed: bool = Field(False, strict=True)


class BrandChange(Body):
    """What an agency chooses about its portal; what is left out stays."""

    name: str = Field("", min_length=1, max_length=80)
    legal_name: str = Field("", max_length=120)
    accent_color: Color = "#3b5bdb"
    primary_color: Color | Literal[""] = ""
    neutral_hue_deg: int = Field(250, ge=0, le=360)
    radius: Literal["square", "soft", "round"] = "soft"
    font: Literal["sans", "humanist", "serif"] = "sans"
    density: Literal["comfortable", "compact"] = "comfortable"
    welcome_text: str = Field("", max_length=200)
    page_title: str = Field("", max_length=80)
    description: str = Field("", max_length=200)
    support_email: str = Field("", max_length=254)
    support_url: str = Field("", max_length=200)
    terms_url: str = Field("", max_length=200)
    privacy_url: str = Field("", max_length=200)
    credit_word: str = Field("", max_length=30)
    credits_word: str = Field("", max_length=30)
    assistant_word: str = Field("", max_length=30)
    assistants_word: str = Field("", max_length=30)
    shows_powered_by: bool = Field(True, strict=True)
    is_enabled: bool = Field(
        True, strict=True, description="Off, visitors read a notice and no call starts."
    )
    disabled_notice: str = Field("", max_length=300)
    disabled_speech: str = Field("", max_length=300)
    sign_up: Literal["open", "approval", "invite", "closed"] = "invite"
    language: Literal["", "de", "en", "nl"] = Field(
        "en", description="Of pages before sign-in; empty: as the browser asks."
    )
    menu_entries: list[MenuEntryBody] = Field([], max_length=MENU_LIMIT)
    api_key_prefix: str = Field(
        "fl",
        pattern="^[a-z][a-z0-9]{1,9}$",
        description="What new API keys start with; those that are out stay as they are.",
    )
    client_templates: Library = Field(
        default_factory=Library, description="What every new client gets copies of."
    )


# Of these the portal's field is not what is sent.
_APART = ("menu_entries", "api_key_prefix", "client_templates")
_NAMES = tuple(name for name in BrandChange.model_fields if name not in _APART)


class MenuEntryJson(BaseModel):
    label: str
    url: str
    is_framed: bool


class PortalJson(BaseModel):
    """A portal under its agency's brand."""

    id: UUID
    slug: str
    url: str
    is_enabled: bool
    name: str
    legal_name: str
    accent_color: str
    primary_color: str
    neutral_hue_deg: int
    radius: str
    font: str
    density: str
    welcome_text: str
    page_title: str
    description: str
    support_email: str
    support_url: str
    terms_url: str
    privacy_url: str
    credit_word: str
    credits_word: str
    assistant_word: str
    assistants_word: str
    shows_powered_by: bool
    disabled_notice: str
    disabled_speech: str
    sign_up: str
    language: str
    menu_entries: list[MenuEntryJson]
    api_key_prefix: str
    client_templates: Library
    pictures: list[PictureJson]
    created_at: datetime


class OnePortal(BaseModel):
    portal: PortalJson


def portal_json(row: Portal) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _NAMES} | {
        "id": row.pk,
        "slug": row.slug,
        "url": portal_url(row),
        "menu_entries": row.menu_entries,
        "api_key_prefix": row.api_key_prefix,
        "client_templates": library_json(Choice.of(row)),
        **pictures_json(row),
        "created_at": row.created_at,
    }


def _portal_of(request: KeyRequest) -> Portal:
    organization = request.organization
    row = Portal.objects.filter(agency_id=organization.agency_id).first()
    if row is None:
        raise Http404("There is no portal.")
    return row


@portal.get("", response=OnePortal)
@api_requires(Permission.CLIENTS_READ)
def read_portal(request: KeyRequest) -> dict[str, Any]:
    """The agency's portal and brand."""
    return {"portal": portal_json(_portal_of(request))}


@portal.patch("", response=OnePortal)
@api_requires(Permission.BRAND_EDIT)
def change_portal(request: KeyRequest, change: BrandChange) -> dict[str, Any]:
    """Change what is given; a key made by an owner may."""
    row = _portal_of(request)
    sent = change.model_dump(exclude_unset=True)
    for name in _NAMES:
        if name in sent:
            setattr(row, name, sent[name])
    if "menu_entries" in sent:
        row.menu_entries = keyed_entries(row, enumerate(sent["menu_entries"]))
    templates = Choice.of(row)
    if "client_templates" in sent:
        templates = chosen_library(change.client_templates, "client_templates")
    try:
        row.full_clean(exclude=["slug", "slug_look", "agency"])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(messages[0], param=name) from error
    with transaction.atomic():
        save_brand(portal=row, actor=None)
        save_set_up(portal=row, templates=templates, actor=None)
        if sent.get("api_key_prefix", row.api_key_prefix) != row.api_key_prefix:
            set_prefix(portal=row, prefix=sent["api_key_prefix"], actor=None)
    return {"portal": portal_json(_portal_of(request))}
