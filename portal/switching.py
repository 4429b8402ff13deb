"""A portal that is off: who still gets in, and what everybody else reads or hears."""

from __future__ import annotations

from typing import Final

from portal.http import PortalRequest
from portal.models import Membership, Organization, Portal, User

# The notice wears the brand, and the agency's own people sign in to switch it on.
_OPEN: Final = (
    "/accounts/",
    "/brand",
    "/static/",
    "/.well-known/",
    "/theme/",
    "/language/",
    "/healthz",
    "/readyz",
    "/api/",  # answers for itself, in its own shape
)


def is_closed_to(request: PortalRequest) -> bool:
    """Whether this request gets the notice in place of a page."""
    portal = request.portal
    if portal is None or portal.is_enabled or request.path.startswith(_OPEN):
        return False
    return not _is_of_agency(request, portal)


def _is_of_agency(request: PortalRequest, portal: Portal) -> bool:
    user = request.user
    return (
        isinstance(user, User)
        and Membership.objects.filter(user=user, organization=portal.agency_id).exists()
    )


def is_on_for(organization: Organization) -> bool:
    """Whether calls may start for an organization: its agency's portal is on."""
    return not Portal.objects.filter(
        agency=organization.agency_id, is_enabled=False
    ).exists()


def speech_while_off(organization: Organization) -> str:
    """Return what a caller hears whose call is not taken because the portal is off."""
    portal = Portal.objects.filter(
        agency=organization.agency_id, is_enabled=False
    ).first()
    return portal.disabled_speech if portal else ""
