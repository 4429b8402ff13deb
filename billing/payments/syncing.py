"""Making the ledger agree with how a payment stands at Stripe.

`sync_payment` may be called by anybody, at any time, any number of times at once: by
the webhook's task, by the browser coming back, by the sweeper, by a person. It reads
from Stripe first and then, under the lock of the payment's row, posts what is new. Each
posting has a key made of the payment intent, the refund or the dispute's movement.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from billing.models import CashPosting, LedgerEntry, Payment, StripeCustomer
from billing.payments import cash, effects
from billing.payments.facts import DisputeFact, PaymentFacts, RefundFact, read_facts
from billing.payments.merchant import merchant_of_payment
from billing.taking_back import Return, take_back
from portal.scope import Scope, all_organizations, scoped

logger = logging.getLogger(__name__)
Status = Payment.Status
# A session ends by itself after a day; an attempt that never reached Stripe, too.
GIVE_UP_AFTER: Final = timedelta(hours=26)


def sync_payment(payment_id: UUID) -> Payment:
    """Bring one payment to where Stripe says it is; return it as it is then.

    The scope must cover it. Raises `PaymentUnknown` when Stripe does not answer, and
    then nothing changed.
    """
    agency_id = Payment.objects.values_list("agency_id", flat=True).get(pk=payment_id)
    # The agency's scope: a client does not see the account it pays into.
    with scoped(Scope(agency_id, None)):
        payment = Payment.objects.select_related("merchant").get(pk=payment_id)
        facts = read_facts(merchant_of_payment(payment.merchant), payment)
        with transaction.atomic():
            return _apply(payment_id, facts)


def apply_facts(payment_id: UUID, facts: PaymentFacts) -> Payment:
    """Do the same with facts that Stripe just answered to a request of ours."""
    agency_id = Payment.objects.values_list("agency_id", flat=True).get(pk=payment_id)
    with scoped(Scope(agency_id, None)), transaction.atomic():
        return _apply(payment_id, facts)


def _apply(payment_id: UUID, facts: PaymentFacts) -> Payment:
    payment = (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("organization", "merchant", "subscription")
        .get(pk=payment_id)
    )
    now = timezone.now()
    if facts.payment_intent_id:
        payment.payment_intent_id = facts.payment_intent_id
    payment.charge_id = facts.charge_id or payment.charge_id
    payment.invoice_url = facts.invoice_url or payment.invoice_url
    payment.syncs += 1
    if facts.is_paid:
        _come_in(payment, facts, now)
        for refund in facts.refunds:
            _refund(payment, refund)
        for dispute in facts.disputes:
            _dispute(payment, dispute)
    elif payment.is_undecided:
        _undecided(payment, facts, now)
    payment.next_sync_at = _next_look(payment, now)
    payment.save()
    return payment


def _undecided(payment: Payment, facts: PaymentFacts, now: datetime) -> None:
    is_late = now - payment.created_at > GIVE_UP_AFTER
    if facts.is_over or (is_late and not facts.is_pending):
        is_declined = bool(payment.payment_intent_id)
        payment.status = Status.FAILED if is_declined else Status.EXPIRED
        payment.problem = facts.problem[:300]
        payment.decided_at = now
        effects.after_failure(payment, facts.code)
    elif facts.is_pending:
        payment.status = Status.PENDING


def _come_in(payment: Payment, facts: PaymentFacts, now: datetime) -> None:
    tax_cents = payment.tax_cents if facts.tax_cents is None else facts.tax_cents
    if payment.status != Status.PAID:
        expected = payment.net_cents + tax_cents
        if facts.paid_cents != expected or facts.currency != payment.currency:
            # Money came, but not the sum that was agreed: a person must look.
            payment.problem = "Another amount was paid than was asked for."
            logger.error("amount differs", extra={"payment": str(payment.pk)})
            return
        payment.status = Status.PAID
        payment.decided_at = now
        payment.paid_cents = facts.paid_cents
        payment.tax_cents = tax_cents
        payment.problem = ""
        payment.receipt_number = _next_receipt_number(payment, now)
        _keep_card(payment, facts)
        effects.once_paid(payment)
        # The row comes first: what follows may refer to it.
        payment.save()
    entry = effects.credit(payment)
    if facts.reference and not CashPosting.objects.filter(entry=entry).exists():
        legs = cash.sale(payment, fee_cents=facts.fee_cents, reference=facts.reference)
        cash.post_cash(entry=entry, payment=payment, legs=legs)


def _refund(payment: Payment, refund: RefundFact) -> None:
    """Take credits back for a refund that happened; give them again if it failed."""
    if payment.status != Status.PAID:
        return
    taken = _entry(f"refund:{refund.refund_id}")
    if refund.has_happened and taken is None:
        cents, key, kind = refund.cents, "", LedgerEntry.Kind.REFUND
    elif not refund.has_happened and taken is not None:
        cents, key, kind = -refund.cents, ":failed", LedgerEntry.Kind.CORRECTION
        if _entry(f"refund:{refund.refund_id}{key}") is not None:
            return
    else:
        return
    entry = _give_back(payment, cents, f"refund:{refund.refund_id}{key}", kind)
    legs = cash.taken_back(payment, cents, reference=refund.reference)
    cash.post_cash(entry=entry, payment=payment, legs=legs)


def _dispute(payment: Payment, dispute: DisputeFact) -> None:
    if payment.status != Status.PAID:
        return
    payment.is_disputed = dispute.is_taken
    for reference, cents, fee_cents in dispute.movements:
        key = f"dispute:{dispute.dispute_id}:{reference}"
        if _entry(key) is not None:
            continue
        kind = LedgerEntry.Kind.DISPUTE if cents < 0 else LedgerEntry.Kind.REINSTATE
        entry = _give_back(payment, -cents, key, kind)
        legs = cash.taken_back(
            payment, -cents, fee_cents=fee_cents, reference=reference
        )
        cash.post_cash(entry=entry, payment=payment, legs=legs)


def _entry(key: str) -> LedgerEntry | None:
    return LedgerEntry.objects.filter(idempotency_key=key).first()


def _give_back(
    payment: Payment, cents: int, key: str, kind: LedgerEntry.Kind
) -> LedgerEntry:
    """Take back the credits that these cents of the payment bought.

    Counted from the whole, so that several parts never take more or less than all.
    """
    total = effects.credits_of(payment)
    payment.refunded_cents = max(0, payment.refunded_cents + cents)
    due = total * min(payment.refunded_cents, payment.paid_cents) // payment.paid_cents
    microcredits = due - payment.returned_microcredits
    payment.returned_microcredits = due
    entry, _is_new = take_back(
        Return(
            organization=payment.organization,
            microcredits=microcredits,
            kind=kind,
            key=key,
            source_id=payment.pk,
            corrects=effects.credit_key(payment),
            details={"cents": cents, "currency": payment.currency},
        )
    )
    return entry


def _next_receipt_number(payment: Payment, now: datetime) -> str:
    """Return the seller's next number of the year, with none left out."""
    # An agency numbers on when it pays into another account than before.
    is_platform = payment.merchant_id is None
    seller = "platform" if is_platform else str(payment.agency_id)
    mine = Payment.objects.filter(merchant__isnull=is_platform)
    if not is_platform:
        mine = mine.filter(agency=payment.agency_id)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext(%s))", [seller])
    with all_organizations("the platform numbers what it sells to every agency"):
        taken = mine.filter(receipt_number__startswith=f"{now.year}-").count()
    return f"{now.year}-{taken + 1:05d}"


def _keep_card(payment: Payment, facts: PaymentFacts) -> None:
    if facts.card is None or not facts.customer_id:
        return
    StripeCustomer.objects.filter(
        organization=payment.organization_id, customer_id=facts.customer_id
    ).update(
        payment_method_id=facts.card.payment_method_id,
        card_brand=facts.card.brand,
        card_last_four=facts.card.last_four,
        card_expires=facts.card.expires,
    )


def _next_look(payment: Payment, now: datetime) -> datetime | None:
    if payment.is_undecided:
        return now + min(
            timedelta(minutes=2 ** min(payment.syncs, 6)), timedelta(hours=1)
        )
    if payment.status == Status.PAID and not payment.cash_postings.exists():
        return now + timedelta(hours=1)
    return None
