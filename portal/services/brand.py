"""Changing what a portal looks like."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from portal.models import Portal, User
from portal.services import audit

BRAND_FIELDS = (
    "name",
    "accent_color",
    "neutral_hue_deg",
    "radius",
    "font",
    "density",
    "welcome_text",
    "support_email",
    "credits_word",
)


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
    portal.brand_version = F("brand_version") + 1
    portal.save(update_fields=[*BRAND_FIELDS, "brand_version"])
    portal.refresh_from_db(fields=["brand_version"])
    audit.record(
        organization=portal.agency,
        actor=actor,
        action="brand.saved",
        target=portal,
        changes=changes,
    )
