"""Credits put aside before a cost arises."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.journal import Account, OwnedThroughAccount


class Hold(OwnedThroughAccount):
    """What one wallet has put aside for one thing, until it is settled or released.

    A client's call holds twice, the client's wallet and the agency's, both or neither;
    an agency's own call holds once.

    active ──settle──▶ settled        the call is over and paid
      │ ╰────release─▶ released       it is over and cost nothing
      ▼ ▲
    expired                           nobody kept it alive: the credits are back in the
                                      wallet, and it can still be extended or settled
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        EXPIRED = "expired", _("Expired")
        SETTLED = "settled", _("Settled")
        RELEASED = "released", _("Released")

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # no UUID here
    # Unchecked: it is the wallet under whose lock the hold is written, and that stays.
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="holds",
        db_index=False,
        db_constraint=False,
    )
    source = models.CharField(max_length=20)
    source_id = models.UUIDField()
    price_microcredits_per_minute = models.BigIntegerField()
    setup_microcredits = models.BigIntegerField(default=0)
    minimum_seconds = models.PositiveIntegerField(default=0)
    # What its models are expected to cost, and the payer's part of what they will.
    model_microcredits_per_minute = models.BigIntegerField(default=0)
    model_cost_percent = models.PositiveIntegerField(default=100)
    # What is (or last was) put aside, and the length of call it pays for.
    seconds = models.PositiveIntegerField()
    amount_microcredits = models.BigIntegerField()
    settled_microcredits = models.BigIntegerField(default=0)
    # The part of it that went to the models.
    settled_model_microcredits = models.BigIntegerField(default=0)
    # Part of the price that neither the hold nor the wallet could pay.
    shortfall_microcredits = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source_id", "source", "account"], name="hold_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_microcredits__gte=0)
                & Q(settled_microcredits__gte=0)
                & Q(shortfall_microcredits__gte=0),
                name="hold_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(state="active"),
                name="hold_by_expiry",
            )
        ]
