"""Which price a call has, for its organization and for its agency.

The platform charges an agency, and an agency charges its clients. Both set prices by
direction and mode, versioned by the date they take effect; a call keeps those in force
when it started. Of the prices that fit, one for this payer goes before a general one,
then the more exact one, then the latest. A client that subscribed to a plan pays the
plan's price while it lasts. With nothing set there are the defaults below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from billing.models import Direction, Mode, PlatformPrice, Price
from billing.payments.plan_rules import subscription_of
from billing.tariff import CallPrice, Tariff
from common.money import MICROCREDITS_PER_CREDIT
from portal.models import ForeignRow, Organization, User
from portal.scope import agency_scope, require_scope
from portal.services import audit

DEFAULT_PRICE: Final = MICROCREDITS_PER_CREDIT


@dataclass(frozen=True)
class Terms:
    """What a price says, apart from whose it is and from when on."""

    microcredits_per_minute: int
    direction: str = Direction.ANY
    mode: str = Mode.ANY
    setup_microcredits: int = 0
    minimum_seconds: int = 0
    free_minutes: int = 0
    model_cost_percent: int = 100
    is_withdrawn: bool = False


def price_for_call(
    organization: Organization,
    at: datetime,
    direction: str = Direction.ANY,
    mode: str = Mode.PLATFORM_KEY,
    pool_mode: str | None = None,
) -> CallPrice:
    """Return the prices in force at a moment; a call keeps those it started with.

    `pool_mode` is the agency's own mode where it differs: a call on the agency's keys
    uses the platform's keys for the client and own keys for the agency.
    """
    pool = pool_tariff(organization.agency_id, at, direction, pool_mode or mode)
    if organization.is_agency:
        return CallPrice(pool, pool)
    return CallPrice(_client_tariff(organization, at, direction, mode), pool)


def pool_tariff(
    agency_id: UUID | None, at: datetime, direction: str, mode: str
) -> Tariff:
    """Return what an agency pays the platform; none is any without a price of its own."""
    rows = PlatformPrice.objects.filter(
        Q(agency=agency_id) | Q(agency=None), effective_at__lte=at
    )
    chosen = _choose([(row.agency_id, row) for row in rows], direction, mode)
    if chosen is not None:
        return _tariff(chosen)
    if mode == Mode.REALTIME:
        price: int = settings.PLATFORM_REALTIME_PRICE_MICROCREDITS_PER_MINUTE
        return Tariff(price, model_cost_percent=0)
    return Tariff(settings.PLATFORM_PRICE_MICROCREDITS_PER_MINUTE)


def _client_tariff(
    client: Organization, at: datetime, direction: str, mode: str
) -> Tariff:
    # Prices are the agency's rows: a client's own scope does not see them.
    with agency_scope(client.agency_id):
        plan = subscription_of(client)
        if plan is not None:
            # A plan's minute has one price, with its models in it.
            price_id = f"plan:{plan.pk}"
            per_minute = int(plan.terms["microcredits_per_minute"])
            return Tariff(per_minute, model_cost_percent=0, price_id=price_id)
        rows = Price.objects.filter(
            Q(client=client) | Q(client=None),
            organization=client.agency_id,
            effective_at__lte=at,
        )
        chosen = _choose([(row.client_id, row) for row in rows], direction, mode)
    if chosen is not None:
        return _tariff(chosen)
    if mode == Mode.REALTIME:
        price: int = settings.PLATFORM_REALTIME_PRICE_MICROCREDITS_PER_MINUTE
        return Tariff(price, model_cost_percent=0)
    return Tariff(DEFAULT_PRICE)


_Row = Price | PlatformPrice


def _choose(
    rows: Iterable[tuple[UUID | None, _Row]], direction: str, mode: str
) -> _Row | None:
    """Return the price that counts: of the latest in each cell, the most exact one."""
    latest: dict[tuple[bool, str, str], _Row] = {}
    for payer_id, row in rows:
        if row.direction not in (Direction.ANY, direction):
            continue
        if row.mode not in (Mode.ANY, mode):
            continue
        cell = (payer_id is not None, row.direction, row.mode)
        before = latest.get(cell)
        if before is None or _age(row) > _age(before):
            latest[cell] = row
    standing = [(cell, row) for cell, row in latest.items() if not row.is_withdrawn]
    if not standing:
        return None
    return max(standing, key=lambda item: (item[0][0], item[1].exactness))[1]


def _age(row: _Row) -> tuple[datetime, datetime, UUID]:
    return (row.effective_at, row.created_at, row.pk)


def _tariff(row: _Row) -> Tariff:
    return Tariff(
        row.microcredits_per_minute,
        setup_microcredits=row.setup_microcredits,
        minimum_seconds=row.minimum_seconds,
        model_cost_percent=row.model_cost_percent,
        price_id=str(row.pk),
    )


@transaction.atomic
def set_price(
    *,
    agency: Organization,
    client: Organization | None,
    microcredits_per_minute: int,
    effective_at: datetime,
    actor: User | None,
    terms: Terms | None = None,
) -> Price:
    """Set what an agency's calls cost one client, or all of them, from a moment on.

    Earlier prices stay, so that an old statement can be explained. Setting a price
    again for the same moment overrules the one before. `terms` says more than the
    price of a minute.
    """
    terms = terms or Terms(microcredits_per_minute)
    if not agency.is_agency:
        raise ValidationError("Only an agency sets prices.")
    if client is not None and client.parent_id != agency.pk:
        raise ForeignRow("This client belongs to another agency.")
    _check(terms)
    scope = require_scope()
    if not scope.is_everything and (
        scope.agency_id != agency.pk or scope.organization_id not in (None, agency.pk)
    ):
        raise ForeignRow("Prices are set in the scope of their agency.")
    with agency_scope(agency.pk):
        price = Price.objects.create(
            organization=agency,
            client=client,
            effective_at=effective_at,
            **vars(terms),
        )
        audit.record(
            organization=agency,
            actor=actor,
            action="price.set",
            target=price,
            changes={
                "client": client and str(client.pk),
                "effective_at": effective_at.isoformat(),
                **vars(terms),
            },
        )
    return price


@transaction.atomic
def set_platform_price(
    *,
    agency: Organization | None,
    terms: Terms,
    effective_at: datetime,
    actor: User | None,
) -> PlatformPrice:
    """Set what one agency, or all of them, pay the platform from a moment on.

    Earlier prices stay: a call that began under one is explained by it.
    """
    if agency is not None and not agency.is_agency:
        raise ValidationError("The platform charges agencies.")
    _check(terms)
    price = PlatformPrice.objects.create(
        agency=agency, effective_at=effective_at, set_by=actor, **vars(terms)
    )
    if agency is not None:
        with agency_scope(agency.pk):
            audit.record(
                organization=agency,
                actor=actor,
                action="platform_price.set",
                target=price,
                changes={"effective_at": effective_at.isoformat(), **vars(terms)},
            )
    return price


def _check(terms: Terms) -> None:
    if terms.direction not in Direction.values or terms.mode not in Mode.values:
        raise ValidationError("Unknown direction or mode.")
    amounts = (
        terms.microcredits_per_minute,
        terms.setup_microcredits,
        terms.minimum_seconds,
        terms.free_minutes,
        terms.model_cost_percent,
    )
    if min(amounts) < 0:
        raise ValidationError("A price is not below zero.")
