"""Credits, prices, sales and payments. Only `billing.ledger` writes money."""

from billing.models.by_hand import GrantRequest, GrantRule
from billing.models.hold import Hold
from billing.models.journal import Account, LedgerEntry, Posting
from billing.models.lot import CreditLot
from billing.models.payment import (
    CashPosting,
    Payment,
    StripeAccount,
    StripeCustomer,
    StripeEvent,
)
from billing.models.price import Direction, Mode, PlatformPrice, Price
from billing.models.selling import (
    Coupon,
    CreditPackage,
    Plan,
    Subscription,
    TrialOffer,
)
from billing.models.watch import AutoRecharge, CreditWatch

__all__ = [
    "Account",
    "AutoRecharge",
    "CashPosting",
    "Coupon",
    "CreditLot",
    "CreditPackage",
    "CreditWatch",
    "Direction",
    "GrantRequest",
    "GrantRule",
    "Hold",
    "LedgerEntry",
    "Mode",
    "Payment",
    "Plan",
    "PlatformPrice",
    "Posting",
    "Price",
    "StripeAccount",
    "StripeCustomer",
    "StripeEvent",
    "Subscription",
    "TrialOffer",
]
