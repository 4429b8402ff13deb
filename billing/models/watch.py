"""What an organization wants done before its credits run out."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models.payment import Payment
from billing.models.selling import CreditPackage
from portal.models import Owned


class AutoRecharge(Owned):
    """Buy a package by the saved card whenever credits fall below a threshold.

    At most one payment is in flight. A decline backs off; three payments in ten minutes
    pause it until a person looks, for something eats credits faster than it should.
    """

    is_enabled = models.BooleanField(default=False)
    threshold_microcredits = models.BigIntegerField(default=0)
    package = models.ForeignKey(
        CreditPackage, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # An agency buys credits of the platform by the piece.
    credits_microcredits = models.BigIntegerField(default=0)
    monthly_cap_cents = models.PositiveIntegerField(default=0)
    declines = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    paused_reason = models.CharField(max_length=40, blank=True)
    last_payment = models.ForeignKey(
        Payment, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="auto_recharge_once")
        ]
        indexes = [
            models.Index(
                fields=["organization"],
                condition=Q(is_enabled=True),
                name="auto_recharge_enabled",
            )
        ]


class CreditWatch(Owned):
    """When an organization is told that its credits run low, and what was told last.

    `told` is the lowest step told of since credits were last above it, so that nobody
    is told the same twice: `levels` are steps in microcredits, then "days", then "gone".
    """

    level_microcredits = models.BigIntegerField(default=20_000_000)
    days_left = models.PositiveIntegerField(default=3)
    mail_to = models.CharField(max_length=400, blank=True)
    told = models.CharField(max_length=10, blank=True)
    told_at = models.DateTimeField(null=True)
    # What a caller hears when there are no credits for the call.
    unpaid_message = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="credit_watch_once")
        ]
