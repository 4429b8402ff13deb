"""Builders for tests about money: organizations with credits, calls that hold."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from billing.grants import grant_credits
from billing.holds import HeldSeconds, hold_for_call
from billing.ledger import wallet_balance
from billing.models import Account
from billing.tariff import CallPrice, Tariff
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from portal.services.organizations import open_agency, open_client

CREDIT = 1_000_000
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLIENT_PRICE = 2 * CREDIT
POOL_PRICE = 1 * CREDIT


def make_agency(name: str = "Acme", *, credits: int = 0) -> Organization:
    portal = open_agency(name=name, slug=f"a{uuid.uuid4().hex[:12]}", actor=None)
    with all_organizations("the test needs the agency itself"):
        agency = Organization.objects.get(pk=portal.agency_id)
    give(agency, credits)
    return agency


def make_client(
    agency: Organization, name: str = "Bakery", *, credits: int = 0
) -> Organization:
    client = open_client(agency=agency, name=name, actor=None)
    give(client, credits)
    return client


def give(organization: Organization, credits: int) -> None:
    if credits:
        with organization_scope(organization):
            grant_credits(
                organization=organization,
                amount_microcredits=credits * CREDIT,
                idempotency_key=uuid.uuid4().hex,
                actor=None,
            )


def hold(
    organization: Organization,
    call_id: uuid.UUID,
    seconds: int = 60,
    *,
    client_price: int = CLIENT_PRICE,
    pool_price: int = POOL_PRICE,
    lasts_s: int = 60,
) -> HeldSeconds:
    with organization_scope(organization):
        return hold_for_call(
            call_id=call_id,
            organization=organization,
            seconds=seconds,
            price=CallPrice(Tariff(client_price), Tariff(pool_price)),
            expires_at=START + timedelta(seconds=lasts_s),
        )


def credits_of(organization: Organization) -> tuple[int, int]:
    """Available and held, in microcredits."""
    with organization_scope(organization):
        balance = wallet_balance(organization)
    return balance.available, balance.held


def used_by(organization: Organization) -> int:
    with organization_scope(organization):
        return Account.objects.get(kind=Account.Kind.USAGE).balance_microcredits
