"""Accounts, entries, postings, holds and prices. Only `billing.ledger` writes money."""

from billing.models.hold import Hold
from billing.models.journal import Account, LedgerEntry, Posting
from billing.models.price import Price

__all__ = ["Account", "Hold", "LedgerEntry", "Posting", "Price"]
