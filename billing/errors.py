"""What can go wrong with money.

LedgerError
├── NotEnoughCredits      a wallet cannot pay for the shortest call; says whose
├── IdempotencyConflict   a key was used again for something else
├── UnknownHold           no hold of this call in the active scope
└── NotYours              a second person must decide, not the one who asked

PaymentError
├── PaymentsNotReady      whoever is to be paid has not set up Stripe
├── PaymentRefused        Stripe refused the request; the message may be shown
├── PaymentDeclined       the card was declined: definite, nothing was charged
└── PaymentUnknown        no answer: it may have happened; ask again, same key
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

WalletOwner = Literal["organization", "agency"]


class LedgerError(Exception):
    """The ledger refused an operation; nothing was written."""


class NotEnoughCredits(LedgerError):
    """A wallet cannot pay for the shortest call.

    `owner` is "agency" when the organization itself could pay and the pool of its
    agency could not: a client is not told about that one.
    """

    def __init__(
        self, organization_id: UUID, owner: WalletOwner, *, affordable_seconds: int
    ) -> None:
        super().__init__(f"Not enough credits in the wallet of the {owner}.")
        self.organization_id = organization_id
        self.owner = owner
        self.affordable_seconds = affordable_seconds


class IdempotencyConflict(LedgerError):
    """This idempotency key already stands for another entry."""


class UnknownHold(LedgerError):
    """Nothing was ever held for this call, as far as the active scope may see."""


class NotYours(LedgerError):
    """Who asked for credits does not approve them; somebody else must."""


class PaymentError(Exception):
    """A payment could not be made, or not be made certain."""


class PaymentsNotReady(PaymentError):
    """Whoever is to be paid has not set up Stripe."""


class PaymentRefused(PaymentError):
    """Stripe refused the request itself; asking again changes nothing."""


class PaymentDeclined(PaymentError):
    """The card was declined; nothing was charged."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class PaymentUnknown(PaymentError):
    """Stripe did not answer; whether it happened is found out by asking again."""
