"""Whether what lies at Stripe is what our books say; reads, never edits."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Sum

from billing.errors import PaymentError
from billing.models import CashPosting, Payment
from billing.payments.calls_to_stripe import asking_stripe
from billing.payments.merchant import Merchant, merchant_of_payment
from billing.reconciliation import Drift
from portal.scope import Scope, all_organizations, scoped

logger = logging.getLogger(__name__)
LOOK_BACK: Final = timedelta(days=35)
# What Stripe moved a moment ago may not have been told yet.
SETTLING: Final = timedelta(hours=2)
RULE: Final = "what lies at Stripe is not what the books say"


def check_clearing(now: datetime) -> list[Drift]:
    """Compare the last weeks of every account's balance transactions with the books.

    Both ways: a movement of ours that Stripe has not, or has as another amount, and a
    charge of one of our payments that is not in the books.
    """
    since = now - LOOK_BACK
    with all_organizations("the books of every seller are checked"):
        sellers = list(
            Payment.objects.filter(created_at__gte=since, status=Payment.Status.PAID)
            .order_by()
            .values_list("agency_id", "merchant_id")
            .distinct()
        )
    drifts: list[Drift] = []
    for agency_id, merchant_id in sellers:
        try:
            with scoped(Scope(agency_id, None)):
                drifts += _check(agency_id, merchant_id, since, now)
        except PaymentError as error:
            logger.warning(
                "clearing not checked",
                extra={"agency": str(agency_id), "problem": str(error)},
            )
    return drifts


def _check(
    agency_id: UUID, merchant_id: UUID | None, since: datetime, now: datetime
) -> list[Drift]:
    payments = Payment.objects.filter(
        agency=agency_id, merchant=merchant_id, status=Payment.Status.PAID
    ).select_related("merchant")
    first = payments.first()
    if first is None:
        return []
    at_stripe = _movements(merchant_of_payment(first.merchant), since)
    in_books = {
        row["reference"]: int(row["cents"])
        for row in CashPosting.objects.filter(
            payment__in=payments,
            created_at__gte=since,
            kind__in=[CashPosting.Kind.CLEARING],
        )
        .exclude(reference="")
        .values("reference")
        .annotate(cents=Sum("amount_cents"))
    }
    drifts = [
        Drift(RULE, reference, at_stripe.get(reference, (0, "", since))[0], cents)
        for reference, cents in in_books.items()
        if at_stripe.get(reference, (None, "", since))[0] != cents
    ]
    charges = set(payments.values_list("charge_id", flat=True)) - {""}
    drifts += [
        Drift(RULE, reference, cents, 0)
        for reference, (cents, source, created) in at_stripe.items()
        if source in charges and reference not in in_books and created < now - SETTLING
    ]
    return drifts


def _movements(
    merchant: Merchant, since: datetime
) -> dict[str, tuple[int, str, datetime]]:
    """Return net amount, source and time of each balance transaction."""
    with asking_stripe():
        found = merchant.api.balance_transactions.list(
            params={"created": {"gte": int(since.timestamp())}, "limit": 100}
        )
        return {
            one.id: (
                int(one.net),
                str(one.source or ""),
                datetime.fromtimestamp(one.created, tz=since.tzinfo),
            )
            for one in found.auto_paging_iter()
        }
