"""The keys that vendors are asked with: the operator's, and somebody's own before them."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from assistants.keys import OwnKey
from calls.vendors.errors import Owner
from calls.vendors.order import Credential
from calls.vendors.registry import platform_credentials


def credential_of(key: OwnKey) -> Credential:
    """Return somebody's own key as vendors take it."""
    return Credential(
        key.api_key, key.base_url, Owner(str(key.payer)), dict(key.config)
    )


def installation_credentials() -> dict[str, Credential]:
    """Return the operator's own keys."""
    return platform_credentials(
        settings.VENDOR_KEYS, settings.VENDOR_BASE_URLS, settings.VENDOR_SETTINGS
    )


def with_own_keys(
    credentials: Mapping[str, Credential], own_keys: Mapping[str, OwnKey]
) -> dict[str, Credential]:
    """Return the operator's keys with an organization's or its agency's before them."""
    own = {name: credential_of(key) for name, key in own_keys.items()}
    return {**credentials, **own}
