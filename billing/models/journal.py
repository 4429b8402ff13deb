"""The double-entry journal: accounts, immutable entries, and their postings.

Amounts are signed integers in microcredits. The postings of one entry sum to zero,
also within each organization it touches, so a client can reconcile its own books from
the rows it may see. An account's balance equals the sum of its postings; a wallet or
held account never falls below zero, which the database itself refuses.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.models import Owned


class Account(Owned):
    """One balance of one organization; all of them always sum to zero.

    wallet             credits it may spend (an agency's own is its pool)
    held               credits put aside for calls that are going on
    usage              where its calls' time went: what the payee above it earned
    models             where its calls' models went: what vendors cost
    issued             counter-account of credits granted or bought; at or below zero
    expired            credits whose time ran out
    returned           credits taken back with a refund or a dispute
    sent               credits an agency moved to its clients

    A wallet falls below zero in two ways only: down to its credit line, which a plan
    gives, and by what a refund or a dispute took back, its debt.
    """

    class Kind(models.TextChoices):
        WALLET = "wallet", _("Credits")
        HELD = "held", _("Held for calls")
        USAGE = "usage", _("Used by calls")
        MODELS = "models", _("Used by models")
        ISSUED = "issued", _("Issued")
        EXPIRED = "expired", _("Expired")
        RETURNED = "returned", _("Taken back")
        SENT = "sent", _("Moved to clients")

    # Indexed below, with the kind.
    organization = models.ForeignKey(
        "portal.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    kind = models.CharField(max_length=10, choices=Kind)
    balance_microcredits = models.BigIntegerField(default=0)
    credit_line_microcredits = models.BigIntegerField(default=0)
    debt_microcredits = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind"], name="account_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    balance_microcredits__gte=-F("credit_line_microcredits")
                    - F("debt_microcredits")
                )
                | Q(kind__in=["issued", "returned"]),
                name="account_not_below_its_line",
            ),
        ]


class OwnedThroughAccount(Owned):
    """A row whose owner is copied from its account as it is written.

    Checking and indexing the owner a second time made a call a fifth dearer, and nobody
    looks by it.
    """

    organization = models.ForeignKey(
        "portal.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    agency = models.ForeignKey(
        "portal.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        abstract = True


class LedgerEntry(OwnedThroughAccount):
    """One fact about money, with the rule and the figures it was computed from.

    Never edited, which the database refuses too: a correction is another entry that
    names this one. Its organization may read it, so it tells nothing of the pool.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", _("Credits granted")
        HOLD = "hold", _("Held for a call")
        SETTLE = "settle", _("Call")
        RELEASE = "release", _("Hold released")
        PURCHASE = "purchase", _("Credits bought")
        TRANSFER = "transfer", _("Credits moved")
        EXPIRY = "expiry", _("Credits expired")
        REFUND = "refund", _("Refund")
        DISPUTE = "dispute", _("Payment disputed")
        REINSTATE = "reinstate", _("Dispute won")
        CORRECTION = "correction", _("Correction")

    kind = models.CharField(max_length=12, choices=Kind)
    idempotency_key = models.CharField(max_length=120)
    source = models.CharField(max_length=20)
    source_id = models.UUIDField(null=True)
    memo = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    corrects = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    actor = models.ForeignKey(
        "portal.User",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # As a constraint, not `unique=True`, which would index the key twice.
            models.UniqueConstraint(fields=["idempotency_key"], name="entry_once")
        ]
        indexes = [
            models.Index(fields=["source_id", "source"], name="entry_by_source"),
            # Calls, which most entries are of, have neither.
            models.Index(
                fields=["actor"],
                condition=Q(actor__isnull=False),
                name="entry_by_actor",
            ),
            models.Index(
                fields=["corrects"],
                condition=Q(corrects__isnull=False),
                name="entry_by_corrected",
            ),
            models.Index(
                fields=["agency", "-created_at"],
                condition=Q(source__in=["correction", "grant", "transfer"]),
                name="entry_by_hand",
            ),
        ]

    @property
    def microcredits_by_hand(self) -> int:
        """What a person gave or moved by it, or corrected; below zero it was taken."""
        corrected = self.details.get("corrected_microcredits")
        amount = self.details.get("amount_microcredits", 0)
        return int(amount if corrected is None else corrected)


class Posting(OwnedThroughAccount):
    """One leg of an entry: what it did to one account, and the balance it left.

    Numbers are taken under the account's lock, so they tell the order of postings.
    """

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # no UUID here
    # Unchecked, both: a posting is written by the statement that moves its account's
    # balance, after its entry's, and the database lets neither of them go.
    entry = models.ForeignKey(
        LedgerEntry,
        on_delete=models.PROTECT,
        related_name="postings",
        db_constraint=False,
    )
    # Indexed below, with the time.
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="postings",
        db_index=False,
        db_constraint=False,
    )
    amount_microcredits = models.BigIntegerField()
    balance_after_microcredits = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["account", "created_at", "id"], name="posting_by_account_time"
            )
        ]
