"""Whose Stripe account an organization pays into.

An agency pays the operator, with the installation's own keys. A client pays its agency:
by the agency's restricted key, or on its connected account by the platform's key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import stripe
from django.conf import settings

from billing.errors import PaymentsNotReady
from billing.models import StripeAccount
from portal.models import Organization
from portal.scope import agency_scope

# What every request says and every webhook endpoint is made for: Stripe changes shapes
# between versions, and an account's own default may be years old.
API_VERSION: Final = "2026-10-28.endive"
TIMEOUT_S: Final = 20
RETRIES: Final = 2


@dataclass(frozen=True)
class Merchant:
    """One Stripe account that takes money, and what it says on its receipts."""

    account: StripeAccount | None
    secret_key: str = field(repr=False)
    account_id: str = ""
    currency: str = "eur"
    tax: str = StripeAccount.Tax.NONE
    tax_basis_points: int = 0
    tax_label: str = "VAT"
    seller_name: str = ""
    seller_address: str = ""
    seller_tax_id: str = ""

    @cached_property
    def api(self) -> Any:
        """Stripe's client for this account, pinned, with timeouts and retries."""
        base = settings.STRIPE_API_BASE
        addresses: Any = {"api": base} if base else {}
        return stripe.StripeClient(
            self.secret_key,
            stripe_account=self.account_id or None,
            stripe_version=API_VERSION,
            base_addresses=addresses,
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
        ).v1


def account_in_use(agency_id: UUID) -> StripeAccount | None:
    """Return the account that takes an agency's new payments; the scope must cover it."""
    return StripeAccount.objects.filter(
        organization=agency_id, retired_at__isnull=True
    ).first()


def merchant_for(payer: Organization) -> Merchant:
    """Return who an organization pays; raise `PaymentsNotReady` when that is nobody."""
    if payer.is_agency:
        return platform_merchant()
    with agency_scope(payer.agency_id):
        account = account_in_use(payer.agency_id)
        if account is None or not account.is_ready:
            raise PaymentsNotReady
        return merchant_of(account)


def platform_merchant() -> Merchant:
    """Return the operator's own account; raise `PaymentsNotReady` without one."""
    if not settings.STRIPE_SECRET_KEY:
        raise PaymentsNotReady
    return Merchant(
        account=None,
        secret_key=settings.STRIPE_SECRET_KEY,
        tax=StripeAccount.Tax.FIXED
        if settings.STRIPE_TAX_BASIS_POINTS
        else StripeAccount.Tax.NONE,
        tax_basis_points=settings.STRIPE_TAX_BASIS_POINTS,
        seller_name=settings.OPERATOR_NAME,
        seller_tax_id=settings.OPERATOR_TAX_ID,
    )


def merchant_of(account: StripeAccount) -> Merchant:
    """Return an agency's account; the scope must cover it."""
    key = settings.STRIPE_SECRET_KEY if account.is_connected else account.secret_key
    if not key:
        raise PaymentsNotReady
    return Merchant(
        account=account,
        secret_key=key,
        account_id=account.account_id if account.is_connected else "",
        currency=account.currency,
        tax=account.tax,
        tax_basis_points=account.tax_basis_points,
        tax_label=account.tax_label,
        seller_name=account.seller_name or account.account_name,
        seller_address=account.seller_address,
        seller_tax_id=account.seller_tax_id,
    )


def merchant_of_payment(account: StripeAccount | None) -> Merchant:
    """Return the account a payment was made to, also when it takes no new ones."""
    return platform_merchant() if account is None else merchant_of(account)
