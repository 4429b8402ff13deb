"""Changing what a portal looks like."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from portal import pictures
from portal.models import BrandPicture, Portal, User
from portal.pictures import Picture
from portal.services import audit

BRAND_FIELDS = (
    "name",
    "legal_name",
    "primary_color",
    "accent_color",
    "neutral_hue_deg",
    "radius",
    "font",
    "density",
    "welcome_text",
    "page_title",
    "description",
    "support_email",
    "support_url",
    "terms_url",
    "privacy_url",
    "credit_word",
    "credits_word",
    "assistant_word",
    "assistants_word",
    "menu_entries",
    "shows_powered_by",
    "language",
)

Kind = BrandPicture.Kind
_ICONS = (Kind.ICON, *pictures.ICON_SIZES, Kind.ICON_MASKABLE)


def keyed_entries(
    portal: Portal, entries: Iterable[tuple[int, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Return entries of a menu with the keys their pages are at.

    Each comes with its place: what stands where another stood has that one's key.
    """
    keys = [entry["key"] for entry in portal.menu_entries]
    return [
        {"key": keys[at] if at < len(keys) else secrets.token_urlsafe(6), **entry}
        for at, entry in entries
    ]


@transaction.atomic
def save_brand(*, portal: Portal, actor: User | None) -> None:
    """Store the brand fields of a validated portal; every address that shows them changes."""
    before = Portal.objects.get(pk=portal.pk)
    changes = {
        name: [getattr(before, name), getattr(portal, name)]
        for name in BRAND_FIELDS
        if getattr(before, name) != getattr(portal, name)
    }
    if not changes:
        return
    _save(portal, [*BRAND_FIELDS])
    audit.record(
        organization=portal.agency,
        actor=actor,
        action="brand.saved",
        target=portal,
        changes=changes,
    )


@transaction.atomic
def set_picture(*, portal: Portal, kind: str, data: bytes, actor: User | None) -> None:
    """Store a picture made from an upload; an icon makes all sizes.

    Raises `pictures.BadPicture` before anything is written.
    """
    made: dict[Kind, Picture]
    if kind == Kind.ICON:
        made = pictures.icons(data)
        made[Kind.ICON] = made[Kind.ICON_512]
    elif kind == Kind.SIGN_IN:
        made = {Kind.SIGN_IN: pictures.photo(data, width=1200, height=1600)}
    elif kind == Kind.SOCIAL:
        made = {Kind.SOCIAL: pictures.photo(data, width=1200, height=630)}
    else:
        made = {Kind(kind): pictures.logo(data)}
    kept = dict(portal.pictures)
    for each, picture in made.items():
        BrandPicture.objects.update_or_create(
            portal=portal,
            kind=each,
            defaults={"content_type": picture.content_type, "data": picture.data},
        )
        kept[str(each)] = hashlib.sha256(picture.data).hexdigest()[:12]
    _save_pictures(portal, kept, f"{kind} set", actor)


@transaction.atomic
def remove_picture(*, portal: Portal, kind: str, actor: User | None) -> None:
    """Take a picture away; the portal shows its letter, or nothing, in its place."""
    kinds = _ICONS if kind == Kind.ICON else (Kind(kind),)
    BrandPicture.objects.filter(portal=portal, kind__in=kinds).delete()
    kept = {name: value for name, value in portal.pictures.items() if name not in kinds}
    if kept != portal.pictures:
        _save_pictures(portal, kept, f"{kind} removed", actor)


def _save_pictures(
    portal: Portal, kept: dict[str, str], change: str, actor: User | None
) -> None:
    portal.pictures = kept
    _save(portal, ["pictures"])
    audit.record(
        organization=portal.agency,
        actor=actor,
        action="brand.saved",
        target=portal,
        changes={"pictures": change},
    )


def _save(portal: Portal, fields: list[str]) -> None:
    portal.brand_version = F("brand_version") + 1
    portal.save(update_fields=[*fields, "brand_version"])
    portal.refresh_from_db(fields=["brand_version"])
