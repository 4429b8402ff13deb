"""The double-entry journal: accounts, immutable entries, and their postings.

Amounts are signed integers in microcredits. The postings of one entry sum to zero,
also within each organization it touches, so a client can reconcile its own books from
the rows it may see. An account's balance equals the sum of its postings; a wallet or
held account never falls below zero, which the database itself refuses.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models import Owned


class Account(Owned):
    """One balance of one organization; its four always sum to zero.

    wallet             credits it may spend (an agency's own is its pool)
    held               credits put aside for calls that are going on
    usage              where its settled calls went: what the payee above it earned
    issued             counter-account of credits granted or bought; at or below zero
    """

    class Kind(models.TextChoices):
        WALLET = "wallet", _("Credits")
        HELD = "held", _("Held for calls")
        USAGE = "usage", _("Used by calls")
        ISSUED = "issued", _("Issued")

    kind = models.CharField(max_length=10, choices=Kind)
    balance_microcredits = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind"], name="account_once"
            ),
            models.CheckConstraint(
                condition=Q(balance_microcredits__gte=0) | Q(kind="issued"),
                name="account_not_below_zero",
            ),
        ]


class LedgerEntry(Owned):
    """One fact about money, with the rule and the figures it was computed from.

    Never edited, which the database refuses too: a correction is another entry that
    names this one. Its organization may read it, so it tells nothing of the pool.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", _("Credits granted")
        HOLD = "hold", _("Held for a call")
        SETTLE = "settle", _("Call")
        RELEASE = "release", _("Hold released")
        CORRECTION = "correction", _("Correction")

    kind = models.CharField(max_length=12, choices=Kind)
    idempotency_key = models.CharField(max_length=120)
    source = models.CharField(max_length=20)
    source_id = models.UUIDField(null=True)
    memo = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+"
    )
    actor = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # As a constraint, not `unique=True`, which would index the key twice.
            models.UniqueConstraint(fields=["idempotency_key"], name="entry_once")
        ]
        indexes = [models.Index(fields=["source_id", "source"], name="entry_by_source")]


class OwnedThroughAccount(Owned):
    """A numbered row whose owner is copied from its account as it is written.

    Checking and indexing the owner a second time made a call a fifth dearer, and nobody
    looks by it.
    """

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # no UUID here
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


class Posting(OwnedThroughAccount):
    """One leg of an entry: what it did to one account, and the balance it left.

    Numbers are taken under the account's lock, so they tell the order of postings.
    """

    entry = models.ForeignKey(
        LedgerEntry, on_delete=models.PROTECT, related_name="postings"
    )
    # Indexed below, with the time.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="postings", db_index=False
    )
    amount_microcredits = models.BigIntegerField()
    balance_after_microcredits = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["account", "-id"], name="posting_by_account")]
