"""What an agency sells its clients: packages, monthly plans, coupons."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from portal.models import Owned


class CreditPackage(Owned):
    """Credits for one price, bought once. The price is without tax."""

    name = models.CharField(max_length=80)
    credits_microcredits = models.BigIntegerField()
    bonus_microcredits = models.BigIntegerField(default=0)
    price_cents = models.PositiveIntegerField()
    expires_days = models.PositiveIntegerField(null=True, blank=True)
    is_offered = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["price_cents", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(credits_microcredits__gt=0)
                & Q(bonus_microcredits__gte=0)
                & Q(price_cents__gt=0),
                name="package_sells_something",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Plan(Owned):
    """A month at one price a minute: included minutes, then the wallet, then overage.

    `overage_limit_microcredits` is how far a wallet may go below zero; what was used of
    it is paid with the next month, at `overage_cents_per_credit`.
    """

    name = models.CharField(max_length=80)
    price_cents = models.PositiveIntegerField()
    included_minutes = models.PositiveIntegerField()
    microcredits_per_minute = models.BigIntegerField()
    overage_limit_microcredits = models.BigIntegerField(default=0)
    overage_cents_per_credit = models.PositiveIntegerField(default=0)
    is_offered = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["price_cents", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(price_cents__gt=0)
                & Q(microcredits_per_minute__gte=0)
                & Q(overage_limit_microcredits__gte=0),
                name="plan_sells_something",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(Owned):
    """A client on a plan, with the plan's terms as they were when it subscribed.

    pending ──paid──▶ active ──unpaid──▶ past_due ──paid──▶ active
                        │                   ╰─── three days ──▶ ended
                        ╰─cancelled: to the end of its month──▶ ended
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for payment")
        ACTIVE = "active", _("Active")
        PAST_DUE = "past_due", _("Payment failed")
        ENDED = "ended", _("Ended")

    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="subscriptions"
    )
    terms = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    period = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    paid_until = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    is_cancelled = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=~Q(status="ended"),
                name="one_subscription_at_a_time",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(status__in=["active", "past_due"]),
                name="subscription_due",
            )
        ]


class Coupon(Owned):
    """A code for credits, each client once, until it runs out."""

    code = models.CharField(max_length=40)
    microcredits = models.BigIntegerField()
    expires_days = models.PositiveIntegerField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    max_uses = models.PositiveIntegerField(null=True, blank=True)
    uses = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                "organization", Upper("code"), name="coupon_code_once"
            ),
            models.CheckConstraint(
                condition=Q(microcredits__gt=0), name="coupon_gives_something"
            ),
        ]


class TrialOffer(Owned):
    """What an agency gives every client that begins after the offer did."""

    microcredits = models.BigIntegerField()
    expires_days = models.PositiveIntegerField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="one_trial_offer"),
            models.CheckConstraint(
                condition=Q(microcredits__gt=0), name="trial_gives_something"
            ),
        ]
