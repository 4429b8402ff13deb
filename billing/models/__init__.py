"""Accounts, entries, postings, holds, lots and prices. Only `billing.ledger` writes money."""

from billing.models.hold import Hold
from billing.models.journal import Account, LedgerEntry, Posting
from billing.models.lot import CreditLot
from billing.models.price import Direction, Mode, PlatformPrice, Price

__all__ = [
    "Account",
    "CreditLot",
    "Direction",
    "Hold",
    "LedgerEntry",
    "Mode",
    "PlatformPrice",
    "Posting",
    "Price",
]
