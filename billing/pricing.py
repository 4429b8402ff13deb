"""What a minute of a call costs, for its organization and for its agency.

The platform charges an agency its pool price, the same for everyone. An agency charges
its clients what it sets: a price for one client goes before the general one, and of
each the latest that has taken effect counts. With none set, one credit a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q

from billing.models import Price
from common.money import MICROCREDITS_PER_CREDIT
from portal.models import ForeignRow, Organization, User
from portal.scope import agency_scope, require_scope
from portal.services import audit

DEFAULT_PRICE: Final = MICROCREDITS_PER_CREDIT


@dataclass(frozen=True)
class CallPrice:
    """Prices of one call. An agency's own call has one price, twice."""

    client_microcredits_per_minute: int
    pool_microcredits_per_minute: int


def price_for_call(organization: Organization, at: datetime) -> CallPrice:
    """Return the prices in force at a moment; a call keeps those it started with."""
    pool_price: int = settings.PLATFORM_PRICE_MICROCREDITS_PER_MINUTE
    if organization.is_agency:
        return CallPrice(pool_price, pool_price)
    # Prices are the agency's rows: a client's own scope does not see them.
    with agency_scope(organization.agency_id):
        price = (
            Price.objects.filter(Q(client=organization) | Q(client=None))
            .filter(organization=organization.agency_id, effective_at__lte=at)
            .order_by(
                F("client").asc(nulls_last=True), "-effective_at", "-created_at", "-pk"
            )
            .values_list("microcredits_per_minute", flat=True)
            .first()
        )
    return CallPrice(DEFAULT_PRICE if price is None else price, pool_price)


@transaction.atomic
def set_price(
    *,
    agency: Organization,
    client: Organization | None,
    microcredits_per_minute: int,
    effective_at: datetime,
    actor: User | None,
) -> Price:
    """Set what an agency's calls cost one client, or all of them, from a moment on.

    Earlier prices stay, so that an old statement can be explained. Setting a price
    again for the same moment overrules the one before.
    """
    if not agency.is_agency:
        raise ValidationError("Only an agency sets prices.")
    if client is not None and client.parent_id != agency.pk:
        raise ForeignRow("This client belongs to another agency.")
    if microcredits_per_minute < 0:
        raise ValidationError("A price is not below zero.")
    scope = require_scope()
    if not scope.is_everything and (
        scope.agency_id != agency.pk or scope.organization_id not in (None, agency.pk)
    ):
        raise ForeignRow("Prices are set in the scope of their agency.")
    with agency_scope(agency.pk):
        price = Price.objects.create(
            organization=agency,
            client=client,
            microcredits_per_minute=microcredits_per_minute,
            effective_at=effective_at,
        )
        audit.record(
            organization=agency,
            actor=actor,
            action="price.set",
            target=price,
            changes={
                "client": client and str(client.pk),
                "microcredits_per_minute": microcredits_per_minute,
                "effective_at": effective_at.isoformat(),
            },
        )
    return price
