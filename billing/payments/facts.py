"""How a payment stands at Stripe, read object by object.

Nothing an event or a browser brought along is believed; both only make us look here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from billing.models import Payment
from billing.payments.calls_to_stripe import asking_stripe
from billing.payments.merchant import Merchant


@dataclass(frozen=True)
class RefundFact:
    refund_id: str
    cents: int
    has_happened: bool
    reference: str = ""


@dataclass(frozen=True)
class DisputeFact:
    """`is_taken` while Stripe has taken the money back; `reference` of each movement."""

    dispute_id: str
    cents: int
    is_taken: bool
    is_won: bool
    movements: tuple[tuple[str, int, int], ...] = ()  # reference, cents, fee


@dataclass(frozen=True)
class CardFact:
    payment_method_id: str
    brand: str = ""
    last_four: str = ""
    expires: str = ""


@dataclass(frozen=True)
class PaymentFacts:
    """`is_paid`, `is_over` (nothing will come of it any more), or neither: still open."""

    is_paid: bool = False
    is_over: bool = False
    is_pending: bool = False
    problem: str = ""
    code: str = ""
    payment_intent_id: str = ""
    charge_id: str = ""
    customer_id: str = ""
    currency: str = ""
    paid_cents: int = 0
    tax_cents: int | None = None
    fee_cents: int = 0
    reference: str = ""
    invoice_url: str = ""
    card: CardFact | None = None
    refunds: tuple[RefundFact, ...] = ()
    disputes: tuple[DisputeFact, ...] = ()


@dataclass
class _Seen:
    """What is known while reading."""

    values: dict[str, Any] = field(default_factory=dict)


def read_facts(merchant: Merchant, payment: Payment) -> PaymentFacts:
    """Read a payment's session, intent, charge, refunds and disputes.

    Raises `PaymentUnknown` when Stripe does not answer.
    """
    seen = _Seen()
    intent_id = payment.payment_intent_id
    with asking_stripe():
        if payment.checkout_session_id:
            intent_id = _read_session(merchant, payment, seen) or intent_id
        if not intent_id:
            return PaymentFacts(**seen.values)
        intent = merchant.api.payment_intents.retrieve(
            intent_id, params={"expand": ["latest_charge.balance_transaction"]}
        )
        _read_intent(intent, seen, is_checkout=bool(payment.checkout_session_id))
        if seen.values.get("is_paid"):
            seen.values["refunds"] = _refunds(merchant, intent_id)
            if _get(intent.latest_charge, "disputed", False):
                seen.values["disputes"] = _disputes(merchant, intent_id)
    return PaymentFacts(**seen.values)


def _read_session(merchant: Merchant, payment: Payment, seen: _Seen) -> str:
    session = merchant.api.checkout.sessions.retrieve(
        payment.checkout_session_id, params={"expand": ["invoice"]}
    )
    details = _get(session, "total_details")
    invoice = _get(session, "invoice")
    is_taxed = bool(_get(_get(session, "automatic_tax"), "enabled"))
    seen.values |= {
        "is_over": session.status == "expired",
        "is_pending": session.status == "complete",
        "customer_id": _get(session, "customer") or "",
        # A fixed rate is a line of its own, which Stripe does not count as tax.
        "tax_cents": _get(details, "amount_tax") if is_taxed else None,
        "invoice_url": _get(invoice, "hosted_invoice_url") or "",
        "problem": "The payment page was left." if session.status == "expired" else "",
    }
    return _get(session, "payment_intent") or ""


def _read_intent(intent: Any, seen: _Seen, *, is_checkout: bool) -> None:
    charge = _get(intent, "latest_charge")
    error = _get(intent, "last_payment_error")
    seen.values |= {
        "payment_intent_id": intent.id,
        "currency": intent.currency,
        "customer_id": _get(intent, "customer") or seen.values.get("customer_id", ""),
    }
    if intent.status == "succeeded":
        transaction = _get(charge, "balance_transaction")
        seen.values |= {
            "is_paid": True,
            "is_over": False,
            "problem": "",
            "charge_id": charge.id,
            "paid_cents": intent.amount_received,
            "fee_cents": _get(transaction, "fee") or 0,
            "reference": _get(transaction, "id") or "",
            "card": _card(intent, charge),
        }
    elif intent.status == "canceled":
        seen.values |= {"is_over": True, "problem": "The payment was cancelled."}
    elif intent.status in ("processing", "requires_capture"):
        seen.values["is_pending"] = True
    elif error is not None and not is_checkout:
        # On Stripe's page a person may try another card; a saved card has one try.
        seen.values |= {
            "is_over": True,
            "problem": _get(error, "message") or "The card was declined.",
            "code": _get(error, "decline_code") or _get(error, "code") or "",
        }


def _card(intent: Any, charge: Any) -> CardFact | None:
    method_id = _get(intent, "payment_method")
    if not method_id:
        return None
    card = _get(_get(charge, "payment_method_details"), "card")
    if card is None:
        return CardFact(method_id)
    return CardFact(
        method_id,
        brand=_get(card, "brand") or "",
        last_four=_get(card, "last4") or "",
        expires=f"{_get(card, 'exp_month') or 0:02d}/{_get(card, 'exp_year') or 0}",
    )


def _refunds(merchant: Merchant, intent_id: str) -> tuple[RefundFact, ...]:
    found = merchant.api.refunds.list(
        params={"payment_intent": intent_id, "limit": 100}
    )
    refunds = [
        RefundFact(
            refund.id,
            refund.amount,
            has_happened=refund.status == "succeeded",
            reference=_get(refund, "balance_transaction") or "",
        )
        for refund in found.auto_paging_iter()
    ]
    return tuple(sorted(refunds, key=lambda refund: refund.refund_id))


def _disputes(merchant: Merchant, intent_id: str) -> tuple[DisputeFact, ...]:
    found = merchant.api.disputes.list(
        params={"payment_intent": intent_id, "limit": 100}
    )
    disputes = []
    for dispute in found.auto_paging_iter():
        moved = tuple(
            (one.id, one.amount, one.fee)
            for one in _get(dispute, "balance_transactions") or []
        )
        disputes.append(
            DisputeFact(
                dispute.id,
                dispute.amount,
                is_taken=bool(moved) and dispute.status != "won",
                is_won=dispute.status == "won",
                movements=moved,
            )
        )
    return tuple(disputes)


def _get(thing: Any, name: str, default: Any = None) -> Any:
    """Return a field that Stripe may leave out."""
    if thing is None:
        return default
    return getattr(thing, name, default)
