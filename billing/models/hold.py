"""Credits put aside before a cost arises."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.models.journal import Account
from portal.models import Owned


class Hold(Owned):
    """What one account has put aside for one thing, until it is settled or released.

    A client's call holds twice, the client's wallet and the agency's, both or neither.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        SETTLED = "settled", _("Settled")
        RELEASED = "released", _("Released")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="holds")
    source = models.CharField(max_length=20)
    source_id = models.UUIDField()
    price_microcredits_per_minute = models.BigIntegerField()
    amount_microcredits = models.BigIntegerField()
    settled_microcredits = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id", "account"], name="hold_once"
            ),
            models.CheckConstraint(
                condition=models.Q(amount_microcredits__gte=0), name="hold_not_negative"
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=models.Q(state="active"),
                name="hold_by_expiry",
            )
        ]
