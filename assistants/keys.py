"""Keys at vendors that organizations bring, and whose key a call runs on.

    a client's own  ▶  its agency's, where the agency shares it  ▶  the platform's

A key is checked with the vendor before it is kept, sealed at rest, and never shown
again but for its last four characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assistants.key_checks import Checked, KeyRefused, check_key
from assistants.key_kinds import KINDS, KeyKind
from assistants.models import ProviderKey
from portal.models import Organization, User
from portal.scope import Scope, require_scope, scoped
from portal.services import audit

MASK: Final = "••••"


class Payer(StrEnum):
    """Whose key a vendor is called with, and so who gets the vendor's bill."""

    ORGANIZATION = "organization"
    AGENCY = "agency"
    PLATFORM = "platform"


@dataclass(frozen=True)
class OwnKey:
    """A key of an organization or its agency, opened. Never logged, never shown."""

    api_key: str = field(repr=False)
    payer: Payer
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def base_url(self) -> str | None:
        return self.config.get("base_url") or None


@dataclass(frozen=True)
class KeyView:
    """One vendor as the page shows it: whose key is used, and what is known of it."""

    kind: KeyKind
    own: ProviderKey | None
    payer: Payer | None
    agency_last_four: str = ""


def kind_of(provider: object) -> KeyKind:
    """Return a vendor whose keys are taken, or raise `KeyRefused` for another."""
    kind = KINDS.get(provider) if isinstance(provider, str) else None
    if kind is None:
        raise KeyRefused(
            _("Choose one of: %(vendors)s.") % {"vendors": ", ".join(KINDS)}, "provider"
        )
    return kind


def save_key(
    *,
    organization: Organization,
    provider: str,
    api_key: str,
    config: Mapping[str, Any] | None = None,
    is_shared: bool = False,
    actor: User | None,
) -> ProviderKey:
    """Check a key with its vendor and keep it, in place of the one before.

    Raises `KeyRefused` or `KeyUnchecked` and changes nothing. The vendor is asked
    outside of any transaction of ours.
    """
    kind = kind_of(provider)
    api_key = api_key.strip()
    before = ProviderKey.objects.filter(provider=provider).first()
    settled = dict(config if config is not None else before.config if before else {})
    checked = check_key(kind, api_key, settled)
    return _keep(organization, kind, api_key, settled, checked, is_shared, actor)


@transaction.atomic
def _keep(
    organization: Organization,
    kind: KeyKind,
    api_key: str,
    config: dict[str, Any],
    checked: Checked,
    is_shared: bool,
    actor: User | None,
) -> ProviderKey:
    row = ProviderKey.objects.select_for_update(of=("self",)).filter(
        provider=kind.provider
    ).first() or ProviderKey(organization=organization, provider=kind.provider)
    row.secret = api_key
    row.last_four = "" if kind.is_service_account else api_key[-4:]
    row.config = config
    row.is_shared = is_shared and organization.is_agency
    row.state = ProviderKey.State.LIMITED if checked.note else ProviderKey.State.VALID
    row.note = checked.note[:200]
    row.checked_at = timezone.now()
    row.created_by = actor
    row.save()
    audit.record(
        organization=organization,
        actor=actor,
        action="provider_key.saved",
        target=row,
        changes={"provider": kind.provider, "shared": row.is_shared},
    )
    return row


def save_config(
    *,
    organization: Organization,
    provider: str,
    config: Mapping[str, Any],
    actor: User | None,
) -> ProviderKey:
    """Merge settings of a vendor into those beside its key; a null takes one away.

    The key is checked with the new settings. Raises `KeyRefused` when there is none.
    """
    kind = kind_of(provider)
    row = ProviderKey.objects.filter(provider=provider).first()
    if row is None:
        raise KeyRefused(
            _("Add a key of %(vendor)s first.") % {"vendor": kind.label}, "provider"
        )
    if config.get("base_url", row.config.get("base_url")) != row.config.get("base_url"):
        raise KeyRefused(
            _("Another address needs the key again: it was given for this one."),
            "config.base_url",
        )
    merged = {k: v for k, v in {**row.config, **config}.items() if v is not None}
    return save_key(
        organization=organization,
        provider=provider,
        api_key=row.secret,
        config=merged,
        is_shared=row.is_shared,
        actor=actor,
    )


@transaction.atomic
def share_key(*, key: ProviderKey, is_shared: bool, actor: User | None) -> None:
    """Let an agency's clients use its key, or not; running calls keep what they have."""
    if (
        ProviderKey.objects.filter(pk=key.pk)
        .exclude(is_shared=is_shared)
        .update(is_shared=is_shared, updated_at=timezone.now())
    ):
        audit.record(
            organization=key.organization,
            actor=actor,
            action="provider_key.shared" if is_shared else "provider_key.unshared",
            target=key,
            changes={"provider": key.provider},
        )


@transaction.atomic
def remove_key(
    *, provider: str, organization: Organization, actor: User | None
) -> bool:
    """Take a key away; calls use the next one in line. Returns whether there was one."""
    row = ProviderKey.objects.filter(provider=provider).first()
    if row is None:
        return False
    audit.record(
        organization=organization,
        actor=actor,
        action="provider_key.removed",
        target=row,
        changes={"provider": provider},
    )
    row.delete()
    return True


# --- whose key ------------------------------------------------------------------------
def own_keys(agency_id: UUID, organization_id: UUID) -> dict[str, OwnKey]:
    """Return the keys an organization's calls use before the platform's, opened."""
    found: dict[str, OwnKey] = {}
    for row in _usable_rows(agency_id, organization_id):
        is_own = row.organization_id == organization_id
        payer = Payer.ORGANIZATION if is_own else Payer.AGENCY
        if is_own or row.provider not in found:
            found[row.provider] = OwnKey(row.secret, payer, row.config)
    return found


def payers(agency_id: UUID, organization_id: UUID) -> dict[str, Payer]:
    """Return whose key each vendor would be called with; opens nothing."""
    found = dict.fromkeys(platform_keys(), Payer.PLATFORM)
    for row in _usable_rows(agency_id, organization_id):
        if row.organization_id == organization_id:
            found[row.provider] = Payer.ORGANIZATION
        elif found.get(row.provider) != Payer.ORGANIZATION:
            found[row.provider] = Payer.AGENCY
    return found


def _usable_rows(agency_id: UUID, organization_id: UUID) -> list[ProviderKey]:
    """Own rows first, then the agency's shared ones; each read in its owner's scope."""
    with scoped(Scope(agency_id, organization_id)):
        rows = list(ProviderKey.objects.all())
    if agency_id != organization_id:
        with scoped(Scope(agency_id, agency_id)):
            rows += ProviderKey.objects.filter(is_shared=True)
    return rows


def config_beside_key(
    agency_id: UUID, organization_id: UUID, provider: str
) -> dict[str, Any] | None:
    """Return what is kept beside the key a vendor is called with; opens no key.

    None when it is the platform's.
    """
    for row in _usable_rows(agency_id, organization_id):
        if row.provider == provider:
            return dict(row.config)
    return None


def platform_keys() -> set[str]:
    """Return the names of the keys the installation has."""
    keys = {name for name, key in settings.VENDOR_KEYS.items() if key}
    if settings.VENDOR_BASE_URLS.get("openai"):
        keys.add("openai_compatible")
    return keys


def keys_at_hand() -> set[str]:
    """Return the names of the keys that the organization in scope may use.

    In the scope of a whole agency, or of everything, those are the platform's.
    """
    scope = require_scope()
    if scope.agency_id is None or scope.organization_id is None:
        return platform_keys()
    return set(payers(scope.agency_id, scope.organization_id))


def overview(organization: Organization) -> list[KeyView]:
    """Return every vendor with whose key this organization's calls would use."""
    rows = _usable_rows(organization.agency_id, organization.pk)
    own = {r.provider: r for r in rows if r.organization_id == organization.pk}
    shared = {r.provider: r for r in rows if r.organization_id != organization.pk}
    used = payers(organization.agency_id, organization.pk)
    return [
        KeyView(
            kind,
            own.get(name),
            used.get(name),
            shared[name].last_four if name in shared else "",
        )
        for name, kind in KINDS.items()
    ]
