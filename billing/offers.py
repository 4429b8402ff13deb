"""Credits an agency gives: coupons, trials, the free minutes of a price.

Each is a grant with a key that says what it is for, so it comes once.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from billing.grants import Credits, Reason, issue_credits, month_of
from billing.models import Coupon, CreditLot, LedgerEntry, Price, TrialOffer
from portal.models import Organization, User
from portal.scope import agency_scope, all_organizations

logger = logging.getLogger(__name__)
SWEEP_BATCH: Final = 500


class CouponRefused(Exception):
    """This code gives nothing; the message may be shown."""


@transaction.atomic
def redeem_coupon(
    *, client: Organization, code: str, now: datetime, actor: User | None
) -> LedgerEntry:
    """Give a client what a code of its agency is worth, once for each client.

    Two clients at the last use: one gets it. Raises `CouponRefused`.
    """
    with agency_scope(client.agency_id):
        coupon = (
            Coupon.objects.select_for_update(of=("self",), no_key=True)
            .filter(organization=client.agency_id, code__iexact=code.strip())
            .first()
        )
        if coupon is None or not coupon.is_active or client.is_agency:
            raise CouponRefused("This code is not known here.")
        if coupon.valid_until is not None and coupon.valid_until <= now:
            raise CouponRefused("This code is no longer valid.")
        key = f"coupon:{coupon.pk}:{client.pk}"
        if LedgerEntry.objects.filter(idempotency_key=key).exists():
            raise CouponRefused("You have used this code before.")
        if coupon.max_uses is not None and coupon.uses >= coupon.max_uses:
            raise CouponRefused("This code has been used up.")
        entry, is_new = issue_credits(
            organization=client,
            credits=[
                Credits(
                    coupon.microcredits,
                    CreditLot.Kind.COUPON,
                    _days_from(now, coupon.expires_days),
                )
            ],
            key=key,
            reason=Reason(
                source="coupon", source_id=coupon.pk, memo=f"Code {coupon.code}"
            ),
            actor=actor,
        )
        if is_new:
            Coupon.objects.filter(pk=coupon.pk).update(uses=F("uses") + 1)
    return entry


def give_trials(now: datetime) -> int:
    """Give new clients their trial credits, each once; return how many got them."""
    with all_organizations("a trial is given whoever the agency is"):
        offers = list(TrialOffer.objects.filter(is_active=True))
    given = 0
    for offer in offers:
        with agency_scope(offer.agency_id):
            clients = Organization.objects.filter(
                parent=offer.organization_id, created_at__gte=offer.created_at
            )
            told = LedgerEntry.objects.filter(
                agency=offer.agency_id, source="trial"
            ).values("organization_id")
            for client in clients.exclude(pk__in=told).select_related("parent"):
                given += _give_trial(client, offer, now)
    return given


def give_trial_to(client: Organization, now: datetime) -> bool:
    """Give a client that is being opened its trial credits at once, if there is an offer."""
    with agency_scope(client.agency_id):
        offer = TrialOffer.objects.filter(is_active=True).first()
    return offer is not None and _give_trial(client, offer, now)


def _give_trial(client: Organization, offer: TrialOffer, now: datetime) -> bool:
    _entry, is_new = issue_credits(
        organization=client,
        credits=[
            Credits(
                offer.microcredits,
                CreditLot.Kind.TRIAL,
                _days_from(now, offer.expires_days),
            )
        ],
        key=f"trial:{client.pk}",
        reason=Reason(source="trial", source_id=offer.pk, memo="Trial credits"),
        actor=None,
    )
    return is_new


def give_free_minutes(now: datetime) -> int:
    """Give the free minutes of this month; return to how many clients.

    They are credits worth the minutes at the price that gives them, and end with the
    month. A client's own price goes before the general one.
    """
    with all_organizations("free minutes come whoever the agency is"):
        agencies = list(
            Price.objects.filter(free_minutes__gt=0, effective_at__lte=now)
            .values_list("agency_id", flat=True)
            .distinct()
        )
    return sum(_give_free_minutes(agency_id, now) for agency_id in agencies)


def _give_free_minutes(agency_id: UUID, now: datetime) -> int:
    given = 0
    with agency_scope(agency_id):
        clients = Organization.objects.filter(
            parent=agency_id, status=Organization.Status.ACTIVE
        ).select_related("parent")
        for client in clients:
            price = _general_price(client, now)
            if price is None or not price.free_minutes:
                continue
            month, ends_at = month_of(client, now)
            worth = price.free_minutes * price.microcredits_per_minute
            if not worth:
                continue
            _entry, is_new = issue_credits(
                organization=client,
                credits=[Credits(worth, CreditLot.Kind.FREE, ends_at)],
                key=f"free:{client.pk}:{month}",
                reason=Reason(
                    source="free",
                    source_id=price.pk,
                    memo=f"{price.free_minutes} free minutes",
                    details={
                        "minutes": price.free_minutes,
                        "microcredits_per_minute": price.microcredits_per_minute,
                        "month": month,
                    },
                ),
                actor=None,
            )
            given += is_new
    return given


def _general_price(client: Organization, now: datetime) -> Price | None:
    """Return the price for every call of a client, which is where free minutes stand."""
    return (
        Price.objects.filter(
            Q(client=client) | Q(client=None),
            organization=client.agency_id,
            direction="",
            mode="",
            is_withdrawn=False,
            effective_at__lte=now,
        )
        .order_by(F("client").asc(nulls_last=True), "-effective_at", "-created_at")
        .first()
    )


def _days_from(now: datetime, days: int | None) -> datetime | None:
    return now + timedelta(days=days) if days else None
