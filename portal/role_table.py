"""What each role may do, in words; drawn from the table of rights itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.models import Role
from portal.permissions import Permission, permissions_of

_WORDS: Final[dict[Permission, str | Promise]] = {
    Permission.ASSISTANTS_READ: _("See assistants and numbers"),
    Permission.ASSISTANTS_EDIT: _("Build assistants, connect numbers"),
    Permission.CALLS_READ: _("Read calls and hear recordings"),
    Permission.CALLS_START: _("Start calls"),
    Permission.CALLS_CONTROL: _("Steer and end calls"),
    Permission.CALLS_LISTEN: _("Listen in to calls that go on"),
    Permission.CAMPAIGNS_READ: _("See campaigns"),
    Permission.CAMPAIGNS_EDIT: _("Prepare campaigns"),
    Permission.CAMPAIGNS_LAUNCH: _("Launch and stop campaigns"),
    Permission.BILLING_READ: _("Read the statement"),
    Permission.BILLING_BUY: _("Buy credits, keep a card"),
    Permission.BILLING_SELL: _("Set prices, packages and payments"),
    Permission.BILLING_GRANT: _("Give clients credits"),
    Permission.MEMBERS_READ: _("See the team"),
    Permission.MEMBERS_EDIT: _("Invite people, change roles"),
    Permission.API_KEYS_EDIT: _("Make and revoke API keys"),
    Permission.WEBHOOKS_EDIT: _("Set up webhooks"),
    Permission.PROVIDER_KEYS_EDIT: _("Bring own keys of providers"),
    Permission.PRIVACY_READ: _("Read the privacy settings"),
    Permission.PRIVACY_EDIT: _("Change the privacy settings"),
    Permission.AUDIT_READ: _("Read the audit log"),
    Permission.ORGANIZATION_EDIT: _("Hand over or close the organization"),
    Permission.CLIENTS_READ: _("See clients"),
    Permission.CLIENTS_VISIT: _("Work in a client"),
    Permission.CLIENTS_EDIT: _("Open, limit and close clients"),
    Permission.BRAND_EDIT: _("Change the brand, and how clients come"),
    Permission.DOMAINS_EDIT: _("Connect domains"),
    Permission.MAIL_EDIT: _("Set up mail"),
}
_ORDER: Final = (Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.OWNER)


@dataclass(frozen=True)
class RoleTable:
    """Roles from least to most, and for each right whether each of them holds it."""

    roles: tuple[str, ...]
    rows: tuple[tuple[str | Promise, tuple[tuple[str, bool], ...]], ...]


def role_table(*, in_agency: bool) -> RoleTable:
    """Return the table of an agency's or a client's roles; every right has a row."""
    held = [permissions_of(role, in_agency=in_agency) for role in _ORDER]
    return RoleTable(
        tuple(str(role.label) for role in _ORDER),
        tuple(
            (
                _WORDS[permission],
                tuple(
                    (str(role.label), permission in rights)
                    for role, rights in zip(_ORDER, held, strict=True)
                ),
            )
            for permission in Permission
            if any(permission in rights for rights in held)
        ),
    )
