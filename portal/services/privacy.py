"""Which policy holds for an organization, and changing it."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg import sql

from common.redaction import Category
from portal.models import Organization, PrivacySettings, User
from portal.policy import CONTENT_DAYS, METADATA_DAYS, Policy, RegionRule
from portal.postgresql.prepared import prepared_cursor
from portal.scope import agency_scope, require_scope
from portal.services import audit

_CHOICES: Final = (
    "regions",
    "trusted_hosts",
    "keeps_callers_inside",
    "content_retention_days",
    "metadata_retention_days",
    "gdpr_mode",
    "redacted_categories",
    "seals_content",
    "discloses_ai",
    "legal_hold_reason",
)

_LISTS: Final = ("trusted_hosts", "redacted_categories")  # JSON, read as text
_CHOSEN: Final = (
    sql.SQL("select {} from portal_privacysettings where organization_id in (%s, %s)")
    .format(sql.SQL(", ").join(map(sql.Identifier, _CHOICES)))
    .as_bytes()
)

_HOST: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"
)
# An agency's hold holds for its clients whatever they choose; it is no bound to keep.
_BOUND: Final = {
    "regions": "regions",
    "keeps_callers_inside": "keeps_callers_inside",
    "content_retention_days": "content_days",
    "metadata_retention_days": "metadata_days",
    "gdpr_mode": "gdpr_mode",
    "redacted_categories": "redacted",
    "seals_content": "seals_content",
    "discloses_ai": "discloses_ai",
}


class PolicyRefused(ValueError):
    """A policy that cannot be; `field` names the choice at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def policy_of(organization: Organization) -> Policy:
    """Return what holds: the stricter of the organization's choices and its agency's."""
    return policy_for(organization.agency_id, organization.pk)


def policy_for(agency_id: UUID, organization_id: UUID) -> Policy:
    """The same by ids; one query, made in the scope of the agency, whose bounds count.

    Every call's start asks, so the statement stays prepared on the connection.
    """
    with agency_scope(agency_id), prepared_cursor() as cursor:
        rows = cursor.execute(_CHOSEN, [agency_id, organization_id]).fetchall()
    policy = Policy()
    for row in rows:
        chosen = dict(zip(_CHOICES, row, strict=True))
        chosen |= {name: json.loads(chosen[name]) for name in _LISTS}
        policy = policy.stricter(PrivacySettings(**chosen).policy())
    return policy


def policy_in_scope() -> Policy:
    """Return what holds for the organization whose rows are in scope."""
    scope = require_scope()
    if scope.agency_id is None:
        raise ValueError("A policy is one organization's.")
    return policy_for(scope.agency_id, scope.organization_id or scope.agency_id)


def settings_of(organization: Organization) -> PrivacySettings:
    """Return the organization's own choices; the defaults when it made none."""
    found = PrivacySettings.objects.filter(organization=organization).first()
    return found or PrivacySettings(organization=organization)


def bounds_of(organization: Organization) -> Policy:
    """Return what an agency asks of a client; an agency has no bounds."""
    if organization.is_agency:
        return Policy()
    return policy_for(organization.agency_id, organization.agency_id)


@transaction.atomic
def save_privacy(
    *, organization: Organization, actor: User | None, **choices: Any
) -> PrivacySettings:
    """Change the choices given by name; raise `PolicyRefused` and keep all otherwise.

    A client may be stricter than its agency, never looser. Locks the organization.
    """
    unknown = set(choices) - set(_CHOICES)
    if unknown:
        raise TypeError(f"No such choice: {', '.join(sorted(unknown))}")
    Organization.objects.select_for_update(of=("self",), no_key=True).get(
        pk=organization.pk
    )
    row = settings_of(organization)
    before = {name: getattr(row, name) for name in choices}
    for name, value in choices.items():
        setattr(row, name, value)
    _check(row, bounds_of(organization), set(choices))
    row.save()
    changes = {
        name: [before[name], getattr(row, name)]
        for name in choices
        if before[name] != getattr(row, name)
    }
    if changes:
        audit.record(
            organization=organization,
            actor=actor,
            action="privacy.changed",
            target=row,
            changes=changes,
        )
    return row


def _check(row: PrivacySettings, bounds: Policy, chosen: set[str]) -> None:
    if row.regions not in set(RegionRule):
        raise PolicyRefused("regions", _("Choose one of the places offered."))
    row.trusted_hosts = [_one_spelling(str(host)) for host in row.trusted_hosts]
    for host in row.trusted_hosts:
        if not _is_host(host):
            raise PolicyRefused(
                "trusted_hosts",
                _("%(host)s is no host, such as crm.example.com.") % {"host": host},
            )
    _check_days(row)
    known = {str(category) for category in Category}
    if not isinstance(row.redacted_categories, list) or not known.issuperset(
        map(str, row.redacted_categories)
    ):
        raise PolicyRefused("redacted_categories", _("One of these kinds is unknown."))
    row.redacted_categories = sorted({str(name) for name in row.redacted_categories})
    wanted = row.policy()
    together = wanted.stricter(bounds)
    for name, attribute in _BOUND.items():
        is_looser = getattr(wanted, attribute) != getattr(together, attribute)
        if name in chosen and is_looser:
            raise PolicyRefused(name, _("Your agency asks for more than this."))


def _one_spelling(host: str) -> str:
    """Return a name as it is, and an address as Python writes it."""
    try:
        return str(ip_address(host))
    except ValueError:
        return host


def _is_host(host: str) -> bool:
    try:
        return "%" not in str(ip_address(host))  # a zone is nobody else's
    except ValueError:
        return _HOST.fullmatch(host) is not None


def _check_days(row: PrivacySettings) -> None:
    for name, allowed in (
        ("content_retention_days", CONTENT_DAYS),
        ("metadata_retention_days", METADATA_DAYS),
    ):
        if getattr(row, name) not in allowed:
            days = ", ".join(map(str, allowed))
            raise PolicyRefused(name, _("Choose one of %(days)s.") % {"days": days})
    if row.content_retention_days > row.metadata_retention_days:
        raise PolicyRefused(
            "content_retention_days", _("Content cannot be kept longer than metadata.")
        )
