"""Setting up the Stripe account that an agency's clients pay into."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from billing.errors import PaymentRefused, PaymentsNotReady
from billing.models import StripeAccount
from billing.payments.calls_to_stripe import asking_stripe
from billing.payments.events import ENDPOINT_EVENTS
from billing.payments.merchant import API_VERSION, Merchant, platform_merchant
from portal.hosts import portal_url
from portal.mail.queue import portal_of
from portal.models import Organization, User
from portal.services import audit


def webhook_address(agency: Organization) -> str:
    """Return where Stripe sends the events of an agency's own account."""
    path = reverse("stripe_webhook", urlconf=settings.ROOT_URLCONF)
    portal = portal_of(agency)
    return portal_url(portal, path) if portal is not None else path


def save_own_key(
    *, agency: Organization, secret_key: str, webhook_secret: str, actor: User | None
) -> StripeAccount:
    """Keep an agency's restricted key, sealed, once Stripe has answered to it.

    The webhook endpoint is made with it when it may; else the agency pastes the secret
    of one it made itself. Raises `PaymentRefused` when Stripe does not take the key.
    """
    if not secret_key.startswith(("sk_", "rk_")):
        raise PaymentRefused("A secret or restricted key starts with sk_ or rk_.")
    merchant = Merchant(account=None, secret_key=secret_key)
    with asking_stripe():
        # What every purchase needs, asked for without changing anything.
        merchant.api.checkout.sessions.list(params={"limit": 1})
        merchant.api.payment_intents.list(params={"limit": 1})
        merchant.api.refunds.list(params={"limit": 1})
    found = _account_of(merchant)
    endpoint_id = ""
    if not webhook_secret:
        endpoint_id, webhook_secret = _make_endpoint(agency, merchant)
    with transaction.atomic():
        account = _row(agency)
        account.secret_key = secret_key
        account.key_hint = secret_key[-4:]
        account.is_live = "_live_" in secret_key
        account.webhook_secret = webhook_secret
        account.webhook_endpoint_id = endpoint_id
        account.is_connected = False
        account.account_id = found.get("id", "")
        account.account_name = found.get("name", "")[:200]
        _ready(account)
        account.save()
        audit.record(
            organization=agency,
            actor=actor,
            action="stripe.key_saved",
            target=account,
            changes={"account": account.account_id, "is_live": account.is_live},
        )
    return account


def _account_of(merchant: Merchant) -> dict[str, str]:
    """Return the account's id and name; a restricted key may not be let to read them."""
    try:
        with asking_stripe():
            account = merchant.api.accounts.retrieve_current()
    except PaymentRefused:
        return {}
    profile = getattr(account, "business_profile", None)
    return {"id": account.id, "name": getattr(profile, "name", "") or ""}


def _make_endpoint(agency: Organization, merchant: Merchant) -> tuple[str, str]:
    try:
        with asking_stripe():
            endpoint = merchant.api.webhook_endpoints.create(
                params={
                    "url": webhook_address(agency),
                    "enabled_events": list(ENDPOINT_EVENTS),
                    "api_version": API_VERSION,
                }
            )
    except PaymentRefused:
        return "", ""
    return endpoint.id, endpoint.secret


def _row(agency: Organization) -> StripeAccount:
    StripeAccount.objects.bulk_create(
        [StripeAccount(organization=agency, agency_id=agency.pk)], ignore_conflicts=True
    )
    return StripeAccount.objects.select_for_update(no_key=True, of=("self",)).get(
        organization=agency
    )


def _ready(account: StripeAccount) -> None:
    """Take payments only when we would also hear of them."""
    has_key = bool(account.is_connected or account.key_hint)
    hears = account.is_connected or bool(account.webhook_secret)
    account.is_ready = has_key and hears
    account.problem = (
        ""
        if account.is_ready
        else "Stripe cannot tell us of payments yet: add the webhook’s signing secret."
    )
    account.checked_at = timezone.now()


def save_tax(
    *, agency: Organization, values: dict[str, Any], actor: User | None
) -> StripeAccount:
    """Keep currency, tax and what stands on receipts, for payments from now on."""
    with transaction.atomic():
        account = _row(agency)
        for name in (
            "currency",
            "tax",
            "tax_basis_points",
            "tax_label",
            "seller_tax_id",
            "seller_name",
            "seller_address",
        ):
            setattr(account, name, values[name])
        account.save()
        audit.record(
            organization=agency,
            actor=actor,
            action="stripe.tax_saved",
            target=account,
            changes={"tax": account.tax, "basis_points": account.tax_basis_points},
        )
    return account


def begin_connecting(*, agency: Organization, back: str) -> str:
    """Return Stripe's page where the agency connects a Standard account of its own.

    Raises `PaymentsNotReady` when the operator has no Stripe account to connect to.
    """
    platform = platform_merchant()
    with transaction.atomic():
        account = _row(agency)
    if not account.account_id or not account.is_connected:
        with asking_stripe():
            made = platform.api.accounts.create(
                params={
                    "type": "standard",
                    "metadata": {"agency_id": str(agency.pk)},
                },
                options={"idempotency_key": f"connect-{account.pk}"},
            )
        account.account_id = made.id
        account.is_connected = True
        account.is_ready = False
        account.problem = "Finish connecting at Stripe."
        account.save()
    with asking_stripe():
        link = platform.api.account_links.create(
            params={
                "account": account.account_id,
                "type": "account_onboarding",
                "refresh_url": back,
                "return_url": back,
            }
        )
    return str(link.url)


def check_connected(*, agency: Organization) -> StripeAccount | None:
    """Ask Stripe whether a connected account may charge; return it as it is then."""
    account = StripeAccount.objects.filter(organization=agency).first()
    if account is None or not account.is_connected or account.is_ready:
        return account
    platform = platform_merchant()
    with asking_stripe():
        found = platform.api.accounts.retrieve(account.account_id)
    if not settings.STRIPE_CONNECT_WEBHOOK_SECRET:
        raise PaymentsNotReady
    account.is_ready = bool(getattr(found, "charges_enabled", False))
    account.problem = "" if account.is_ready else "Finish connecting at Stripe."
    account.is_live = bool(getattr(found, "livemode", False))
    account.checked_at = timezone.now()
    account.save()
    return account


def disconnect(*, agency: Organization, actor: User | None) -> None:
    """Take no further payments, and forget the key; what was paid stays to be refunded.

    The endpoint at Stripe is left: it belongs to the agency.
    """
    with transaction.atomic():
        account = _row(agency)
        account.secret_key = account.webhook_secret = account.key_hint = ""
        account.is_ready = account.is_connected = False
        account.problem = "Disconnected."
        account.save()
        audit.record(
            organization=agency,
            actor=actor,
            action="stripe.disconnected",
            target=account,
        )
