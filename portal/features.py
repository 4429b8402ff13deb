"""What may be switched off: by the operator for an agency, by an agency for a client.

What is off for an agency is off for its clients too. A right that is missing hides the
page, refuses the form and the API alike, so that nothing needs to ask twice. What goes
on without anybody, a campaign that calls or an event that is sent, asks `is_on`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Organization
from portal.permissions import Permission


class Feature(models.TextChoices):
    CAMPAIGNS = "campaigns", _("Campaigns")
    API = "api", _("API and keys")
    WEBHOOKS = "webhooks", _("Webhooks")
    BUILDING = "building", _("Changing assistants")
    TEAM = "team", _("Inviting people")
    LISTENING = "listening", _("Listening in to calls that go on")
    BUYING = "buying", _("Buying credits")
    SELLING = "selling", _("Selling credits")
    DOMAINS = "domains", _("Domains of its own")
    MAIL = "mail", _("Mail under its own name")


# What only an agency has, so that only the operator switches it.
OF_AGENCIES: Final = frozenset({Feature.SELLING, Feature.DOMAINS, Feature.MAIL})
OF_CLIENTS: Final = tuple(one for one in Feature if one not in OF_AGENCIES)

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
    Feature.LISTENING: frozenset({Permission.CALLS_LISTEN}),
    Feature.BUYING: frozenset({Permission.BILLING_BUY}),
    # Where an agency may not sell, nobody buys.
    Feature.SELLING: frozenset({Permission.BILLING_SELL, Permission.BILLING_BUY}),
    Feature.DOMAINS: frozenset({Permission.DOMAINS_EDIT}),
    Feature.MAIL: frozenset({Permission.MAIL_EDIT}),
}
# What an agency's people still do inside a client that may not do it by itself.
_BY_AGENCY: Final = frozenset({Feature.BUILDING})


def off_for(organization: Organization, *, is_visited: bool = False) -> frozenset[str]:
    """Return what is switched off for an organization, by whomever.

    `is_visited`: for people of its agency who work in it.
    """
    own = frozenset(organization.features_off)
    if is_visited:
        own -= _BY_AGENCY
    agency = organization.parent
    return own | frozenset(agency.features_off) if agency else own


def is_on(organization: Organization, feature: Feature) -> bool:
    """Whether an organization has a feature; costs a query where its agency is not read."""
    return feature not in off_for(organization)


def without(held: frozenset[Permission], off: Iterable[str]) -> frozenset[Permission]:
    """Return the rights that are left; a name that is not known takes nothing away."""
    gone: frozenset[Permission] = frozenset().union(
        *(RIGHTS.get(name, frozenset()) for name in off)
    )
    return held - gone
