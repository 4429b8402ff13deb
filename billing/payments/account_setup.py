"""Setting up the Stripe account that an agency's clients pay into.

A key of the same account takes the place of the one before. Another account gets a row
of its own: what was paid to the one before is looked up there, refunded there, and told
of by its events, so that its row stays, retired, with its key.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from billing.errors import PaymentRefused, PaymentsNotReady
from billing.models import Payment, StripeAccount, StripeCustomer
from billing.payments.calls_to_stripe import asking_stripe
from billing.payments.events import ENDPOINT_EVENTS
from billing.payments.merchant import (
    API_VERSION,
    Merchant,
    account_in_use,
    platform_merchant,
)
from portal.hosts import portal_url
from portal.mail.queue import portal_of
from portal.models import Organization, User
from portal.scope import agency_scope
from portal.services import audit

_OF_THE_SELLER: Final = (
    "currency",
    "tax",
    "tax_basis_points",
    "tax_label",
    "seller_tax_id",
    "seller_name",
    "seller_address",
)


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
    The key of another account leaves what was paid before with the account before.
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
    known = _find_row(agency, merchant, found.get("id", ""))
    endpoint_id = ""
    if not webhook_secret:
        endpoint_id, webhook_secret = _make_endpoint(agency, merchant)
    with transaction.atomic():
        account = _put_in_use(agency, known)
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
    """Return the agency's row in use, locked; a new one when there is none."""
    StripeAccount.objects.bulk_create(
        [StripeAccount(organization=agency, agency_id=agency.pk)], ignore_conflicts=True
    )
    return StripeAccount.objects.select_for_update(no_key=True, of=("self",)).get(
        organization=agency, retired_at__isnull=True
    )


def _find_row(
    agency: Organization, merchant: Merchant, account_id: str
) -> StripeAccount | None:
    """Return the row of the account that a key belongs to, also a retired one."""
    rows = StripeAccount.objects.filter(organization=agency)
    for row in rows.order_by(F("retired_at").desc(nulls_first=True)):
        if row.account_id and account_id:
            is_same = row.account_id == account_id
        else:
            is_same = _knows_payments_of(row, merchant)
        if is_same:
            return row
    return None


def _knows_payments_of(row: StripeAccount, merchant: Merchant) -> bool:
    """Whether the last payment to a row's account is found with this key."""
    with agency_scope(row.agency_id):
        last = (
            Payment.objects.filter(merchant=row).exclude(checkout_session_id="").first()
        )
    if last is None:
        return False
    try:
        with asking_stripe():
            merchant.api.checkout.sessions.retrieve(last.checkout_session_id)
    except PaymentRefused:
        return False
    return True


def _put_in_use(agency: Organization, known: StripeAccount | None) -> StripeAccount:
    """Return the row for an account, locked and in use; the one before is retired.

    A row that nobody has paid into is used again for another account.
    """
    before = _row(agency)
    if known is not None and known.pk == before.pk:
        return before
    with agency_scope(agency.pk):
        was_paid = Payment.objects.filter(merchant=before).exists()
        if known is None and not was_paid:
            StripeCustomer.objects.filter(merchant=before).delete()
            return before
    before.is_ready, before.retired_at = False, timezone.now()
    before.save(update_fields=["is_ready", "retired_at"])
    account = known or StripeAccount(organization=agency)
    account.retired_at = None
    for name in _OF_THE_SELLER:
        setattr(account, name, getattr(before, name))
    account.save()
    return account


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
        for name in _OF_THE_SELLER:
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
        before = account
        with asking_stripe():
            made = platform.api.accounts.create(
                params={
                    "type": "standard",
                    "metadata": {"agency_id": str(agency.pk)},
                },
                options={"idempotency_key": f"connect-{before.pk}"},
            )
        with transaction.atomic():
            account = _put_in_use(agency, None)
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
    account = account_in_use(agency.pk)
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
    """Take no further payments, and forget the key.

    Raises `PaymentRefused` while somebody may still pay: nobody would hear of it. What
    was paid to a connected account is followed on; to an own one, once a key of it is
    there again. The endpoint at Stripe is left: it belongs to the agency.
    """
    with transaction.atomic():
        account = _row(agency)
        with agency_scope(agency.pk):
            payments = Payment.objects.filter(merchant=account)
            was_paid = payments.exists()
            if payments.filter(status__in=Payment.UNDECIDED).exists():
                raise PaymentRefused(
                    "Somebody is about to pay. Disconnect when it is paid or has expired."
                )
        if account.is_connected and was_paid:
            account.retired_at = timezone.now()
        else:
            account.secret_key = account.webhook_secret = account.key_hint = ""
            account.is_connected = False
        account.is_ready = False
        account.problem = "Disconnected."
        account.save()
        audit.record(
            organization=agency,
            actor=actor,
            action="stripe.disconnected",
            target=account,
        )
