"""Where a vendor computes when it is called with somebody's own key.

The catalogue knows where a vendor is. For two that is decided by what is kept beside the
key: a server that somebody runs is wherever its address leads, and nobody can know more
of that than its host; Azure computes in the region the key was made for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings

from assistants.catalogue import Provider, Region
from assistants.keys import config_beside_key
from common.http.addresses import host_of
from portal.policy import Policy
from portal.scope import require_scope

# Regions inside the Union; Norway, Switzerland and the United Kingdom are not.
_AZURE_IN_EU: Final = frozenset(
    {
        *("austriaeast", "belgiumcentral", "denmarkeast", "finlandcentral"),
        *("francecentral", "francesouth", "germanynorth", "germanywestcentral"),
        *("italynorth", "northeurope", "polandcentral", "spaincentral"),
        *("swedencentral", "swedensouth", "westeurope"),
    }
)


class Owner(NamedTuple):
    """Whose keys a call would use."""

    agency_id: UUID
    organization_id: UUID


class Place(NamedTuple):
    """`region` is None where only the host is known."""

    region: Region | None
    host: str = ""

    def is_allowed(self, policy: Policy) -> bool:
        """Whether the policy lets data go there."""
        if self.region is None:
            return policy.allows_host(self.host)
        return policy.regions.allows(self.region)


def place_of(provider: Provider, region: Region, owner: Owner | None = None) -> Place:
    """Return where a provider of the catalogue's `region` computes for this owner.

    Without an owner it is the one in scope.
    """
    if not provider.needs_base_url and provider.key != "azure":
        return Place(region)
    beside = config_beside_key(*(owner or _in_scope()), str(provider.key))
    if provider.needs_base_url:
        # Without an own key it is the operator's server, which the catalogue speaks of.
        return Place(region) if beside is None else _address(beside)
    config = settings.VENDOR_SETTINGS["azure"] if beside is None else beside
    is_inside = str(config.get("region", "")).lower() in _AZURE_IN_EU
    return Place(Region.EU if is_inside else Region.NON_EU)


def _address(config: Mapping[str, Any]) -> Place:
    return Place(None, host_of(str(config.get("base_url", ""))))


def _in_scope() -> Owner:
    scope = require_scope()
    if scope.agency_id is None:
        raise ValueError("Keys are one organization's.")
    return Owner(scope.agency_id, scope.organization_id or scope.agency_id)
