"""Credits that came together, and so expire together."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.journal import LedgerEntry
from portal.models import Owned


class CreditLot(Owned):
    """What one grant, purchase or period brought into a wallet, and what is left of it.

    Calls burn lots by priority, then earliest expiry, then oldest. They do not touch
    this table: what was spent is taken off the lots in that order when somebody needs
    to know, always before a lot comes or goes (`billing.lots`).
    """

    class Kind(models.TextChoices):
        PLAN = "plan", _("Included in the plan")
        FREE = "free", _("Free minutes")
        TRIAL = "trial", _("Trial credits")
        BONUS = "bonus", _("Bonus")
        COUPON = "coupon", _("Coupon")
        GRANT = "grant", _("Granted")
        PURCHASE = "purchase", _("Bought")
        TRANSFER = "transfer", _("Moved from the agency")

    kind = models.CharField(max_length=10, choices=Kind)
    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="+")
    priority = models.PositiveSmallIntegerField()
    amount_microcredits = models.BigIntegerField()
    remaining_microcredits = models.BigIntegerField()
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(remaining_microcredits__gte=0)
                & Q(remaining_microcredits__lte=F("amount_microcredits")),
                name="lot_between_nothing_and_all",
            ),
            models.UniqueConstraint(fields=["entry", "kind"], name="lot_once"),
        ]
        indexes = [
            models.Index(
                fields=["organization"],
                condition=Q(remaining_microcredits__gt=0),
                name="lot_with_something_left",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(remaining_microcredits__gt=0, expires_at__isnull=False),
                name="lot_by_expiry",
            ),
        ]
