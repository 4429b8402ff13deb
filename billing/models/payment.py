"""Money from outside: who takes it, each payment, and what Stripe told us."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.journal import LedgerEntry
from billing.models.selling import CreditPackage, Subscription
from common.ids import uuid7
from portal.models import Owned
from portal.sealed import SealedTextField


class StripeAccount(Owned):
    """The Stripe account that an agency's clients pay into: the agency's own.

    Either the agency brought a restricted key, or it connected its account (Standard)
    to the platform's, and then `account_id` is used with the platform's key. Another
    account is another row: the one before is retired and follows the payments made to
    it, with its own key, to their last refund.
    """

    class Tax(models.TextChoices):
        NONE = "none", _("No tax")
        FIXED = "fixed", _("One rate for everyone")
        STRIPE = "stripe", _("Stripe Tax")

    secret_key = SealedTextField(blank=True)
    key_hint = models.CharField(max_length=8, blank=True)
    webhook_secret = SealedTextField(blank=True)
    webhook_endpoint_id = models.CharField(max_length=80, blank=True)
    account_id = models.CharField(max_length=80, blank=True)
    is_connected = models.BooleanField(default=False)
    account_name = models.CharField(max_length=200, blank=True)
    is_live = models.BooleanField(default=False)
    is_ready = models.BooleanField(default=False)
    problem = models.CharField(max_length=300, blank=True)
    currency = models.CharField(max_length=3, default="eur")
    tax = models.CharField(max_length=8, choices=Tax, default=Tax.NONE)
    tax_basis_points = models.PositiveIntegerField(default=0)
    tax_label = models.CharField(max_length=20, default="VAT")
    seller_tax_id = models.CharField(max_length=40, blank=True)
    seller_name = models.CharField(max_length=120, blank=True)
    seller_address = models.TextField(max_length=300, blank=True)
    checked_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(retired_at__isnull=True),
                name="one_stripe_account_in_use",
            ),
            models.UniqueConstraint(
                fields=["account_id"],
                condition=Q(is_connected=True),
                name="stripe_account_connected_once",
            ),
        ]


class StripeCustomer(Owned):
    """Who an organization is at the Stripe account it pays into, and its saved card."""

    customer_id = models.CharField(max_length=80)
    # The agency's account, or the platform's when empty.
    merchant = models.ForeignKey(
        StripeAccount, on_delete=models.CASCADE, null=True, related_name="+"
    )
    payment_method_id = models.CharField(max_length=80, blank=True)
    card_brand = models.CharField(max_length=30, blank=True)
    card_last_four = models.CharField(max_length=4, blank=True)
    card_expires = models.CharField(max_length=7, blank=True)
    billing_email = models.EmailField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "merchant"],
                name="customer_once",
                nulls_distinct=False,
            )
        ]


class Payment(Owned):
    """One attempt to pay, from the first click to the last refund.

    Its id is the attempt's key: kept over reloads and unknown outcomes, it goes to
    Stripe as idempotency key and metadata, so that one attempt charges at most once.
    `terms` are what was bought, as it was then. `billing.payments` moves the status.

    open ──▶ pending ──▶ paid      refunds and disputes are amounts beside it
      ╰────────┴──▶ failed, expired: definite, a new attempt gets a new key
    """

    class Purpose(models.TextChoices):
        PACKAGE = "package", _("Credits")
        RECHARGE = "recharge", _("Automatic top-up")
        PLAN = "plan", _("Plan")

    class Status(models.TextChoices):
        OPEN = "open", _("Not paid yet")
        PENDING = "pending", _("Being paid")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Not completed")

    UNDECIDED = (Status.OPEN, Status.PENDING)

    purpose = models.CharField(max_length=10, choices=Purpose)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    merchant = models.ForeignKey(
        StripeAccount, on_delete=models.PROTECT, null=True, related_name="payments"
    )
    package = models.ForeignKey(
        CreditPackage, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, related_name="payments"
    )
    period = models.PositiveIntegerField(null=True)
    terms = models.JSONField()
    currency = models.CharField(max_length=3)
    net_cents = models.PositiveIntegerField()
    # As computed here, or by Stripe Tax once it is paid.
    tax_cents = models.PositiveIntegerField(default=0)
    paid_cents = models.PositiveIntegerField(default=0)
    refunded_cents = models.PositiveIntegerField(default=0)
    returned_microcredits = models.BigIntegerField(default=0)
    is_disputed = models.BooleanField(default=False)

    checkout_session_id = models.CharField(max_length=120, blank=True)
    checkout_url = models.TextField(blank=True)
    payment_intent_id = models.CharField(max_length=80, blank=True)
    charge_id = models.CharField(max_length=80, blank=True)
    invoice_url = models.TextField(blank=True)
    receipt_number = models.CharField(max_length=20, blank=True)
    problem = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)
    next_sync_at = models.DateTimeField(null=True)
    syncs = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["payment_intent_id"],
                condition=~Q(payment_intent_id=""),
                name="payment_intent_once",
            ),
            models.UniqueConstraint(
                fields=["subscription", "period"],
                condition=Q(status__in=["open", "pending", "paid"]),
                name="one_payment_each_period",
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(purpose="recharge", status__in=["open", "pending"]),
                name="one_recharge_in_flight",
            ),
            models.UniqueConstraint(
                "merchant",
                "receipt_number",
                condition=~Q(receipt_number=""),
                name="receipt_number_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at"], name="payment_by_organization"
            ),
            models.Index(
                fields=["next_sync_at"],
                condition=Q(next_sync_at__isnull=False),
                name="payment_to_sync",
            ),
        ]

    @property
    def total_cents(self) -> int:
        """What is to be paid, or was."""
        return self.paid_cents or self.net_cents + self.tax_cents

    @property
    def is_undecided(self) -> bool:
        return self.status in self.UNDECIDED


class CashPosting(Owned):
    """One leg of an entry in the seller's currency; those of an entry sum to zero.

    Owned by the agency whose books it is in: the seller, or the agency that bought from
    the platform. `reference` is Stripe's balance transaction, where the leg is one.
    """

    class Kind(models.TextChoices):
        CLEARING = "clearing", _("At Stripe")
        SALES = "sales", _("Sales")
        TAX = "tax", _("Tax")
        FEES = "fees", _("Fees")

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="+")
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="cash_postings"
    )
    kind = models.CharField(max_length=10, choices=Kind)
    amount_cents = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["payment"], name="cash_by_payment"),
        ]


class StripeEvent(models.Model):
    """What Stripe sent, verified, once by its id; handled by a task or by the sweeper.

    Owned by the agency whose account it is about, by nobody for the platform's own.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey(
        "portal.Organization", on_delete=models.CASCADE, null=True, related_name="+"
    )
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    payload = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "event_id"],
                name="stripe_event_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(
                fields=["received_at"],
                condition=Q(handled_at__isnull=True),
                name="stripe_event_to_handle",
            )
        ]
