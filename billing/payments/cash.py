"""The seller's side of an entry: cents, beside the credits."""

from __future__ import annotations

from collections.abc import Sequence

from billing.models import CashPosting, LedgerEntry, Payment

Kind = CashPosting.Kind
CashLeg = tuple[CashPosting.Kind, int, str]


def post_cash(*, entry: LedgerEntry, payment: Payment, legs: Sequence[CashLeg]) -> None:
    """Write what an entry did to the seller's books; the legs sum to zero.

    The caller made the entry in this transaction, which keeps it to one time.
    """
    if sum(cents for _kind, cents, _reference in legs) != 0:
        raise ValueError("The legs of an entry sum to zero.")
    CashPosting.objects.bulk_create(
        CashPosting(
            organization_id=payment.agency_id,
            agency_id=payment.agency_id,
            entry=entry,
            payment=payment,
            kind=kind,
            amount_cents=cents,
            currency=payment.currency,
            reference=reference,
        )
        for kind, cents, reference in legs
        if cents
    )


def sale(payment: Payment, *, fee_cents: int, reference: str) -> list[CashLeg]:
    """Return the legs of a payment that came in."""
    paid, tax = payment.paid_cents, payment.tax_cents
    return [
        (Kind.CLEARING, paid - fee_cents, reference),
        (Kind.FEES, fee_cents, reference),
        (Kind.SALES, tax - paid, ""),
        (Kind.TAX, -tax, ""),
    ]


def taken_back(
    payment: Payment, cents: int, *, fee_cents: int = 0, reference: str = ""
) -> list[CashLeg]:
    """Return the legs of money that went back; below zero, of money that returned."""
    paid = payment.paid_cents or 1
    tax = payment.tax_cents * cents // paid
    return [
        (Kind.CLEARING, -cents - fee_cents, reference),
        (Kind.FEES, fee_cents, reference),
        (Kind.SALES, cents - tax, ""),
        (Kind.TAX, tax, ""),
    ]
