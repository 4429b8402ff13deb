"""What an agency may switch off for a client; off, its rights are not there.

A right that is missing hides the page, refuses the form and the API alike, so that
nothing needs to ask twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.permissions import Permission


class Feature(models.TextChoices):
    CAMPAIGNS = "campaigns", _("Campaigns")
    API = "api", _("API and keys")
    WEBHOOKS = "webhooks", _("Webhooks")
    BUILDING = "building", _("Changing assistants")
    TEAM = "team", _("Inviting people")


RIGHTS: Final[dict[str, frozenset[Permission]]] = {
    Feature.CAMPAIGNS: frozenset(
        {
            Permission.CAMPAIGNS_READ,
            Permission.CAMPAIGNS_EDIT,
            Permission.CAMPAIGNS_LAUNCH,
        }
    ),
    Feature.API: frozenset({Permission.API_KEYS_EDIT}),
    Feature.WEBHOOKS: frozenset({Permission.WEBHOOKS_EDIT}),
    Feature.BUILDING: frozenset({Permission.ASSISTANTS_EDIT}),
    Feature.TEAM: frozenset({Permission.MEMBERS_EDIT}),
}


def without(held: frozenset[Permission], off: Iterable[str]) -> frozenset[Permission]:
    """Return the rights that are left; a name that is not known takes nothing away."""
    gone: frozenset[Permission] = frozenset().union(
        *(RIGHTS.get(name, frozenset()) for name in off)
    )
    return held - gone
