from __future__ import annotations

import pytest

from billing.errors import IdempotencyConflict
from billing.grants import grant_credits
from billing.ledger import Balance, open_accounts, wallet_balance, wallet_balances
from billing.models import Account, LedgerEntry, Posting
from billing.reconciliation import reconcile
from portal.models import ForeignRow, Organization, User
from portal.scope import NoActiveScope, agency_scope, organization_scope
from tests.billing.books import CREDIT, credits_of, make_client


def grant(
    organization: Organization, amount: int, key: str, **more: object
) -> LedgerEntry:
    return grant_credits(
        organization=organization,
        amount_microcredits=amount,
        idempotency_key=key,
        **{"actor": None, **more},  # type: ignore[arg-type]
    )


def test_a_grant_moves_credits_from_issued_to_the_wallet(acme: Organization) -> None:
    client = make_client(acme)
    alice = User.objects.create_user("alice@acme.test", "secret-enough")
    with organization_scope(client):
        entry = grant(client, 1_234_567, "first", memo="Welcome", actor=alice)
        postings = {
            p.account.kind: p for p in Posting.objects.select_related("account")
        }
    assert (entry.kind, entry.memo, entry.actor_id) == ("grant", "Welcome", alice.pk)
    assert {kind: p.amount_microcredits for kind, p in postings.items()} == {
        "issued": -1_234_567,
        "wallet": 1_234_567,
    }
    assert postings["wallet"].balance_after_microcredits == 1_234_567
    assert credits_of(client) == (1_234_567, 0)
    assert reconcile() == []


def test_the_same_key_grants_once(acme: Organization) -> None:
    client = make_client(acme)
    with organization_scope(client):
        first = grant(client, CREDIT, "order-7")
        second = grant(client, CREDIT, "order-7")
    assert second.pk == first.pk
    assert credits_of(client) == (CREDIT, 0)


def test_the_same_key_with_another_amount_is_refused(acme: Organization) -> None:
    client = make_client(acme)
    with organization_scope(client):
        grant(client, CREDIT, "order-7")
        with pytest.raises(IdempotencyConflict):
            grant(client, 2 * CREDIT, "order-7")
    assert credits_of(client) == (CREDIT, 0)


def test_two_organizations_may_use_the_same_key(
    acme: Organization, globex: Organization
) -> None:
    for agency in (acme, globex):
        with organization_scope(agency):
            grant(agency, CREDIT, "order-7")
        assert credits_of(agency) == (101 * CREDIT, 0)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_grant_is_more_than_nothing(acme: Organization, amount: int) -> None:
    with organization_scope(acme), pytest.raises(ValueError, match="more than nothing"):
        grant(acme, amount, "order-7")


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_a_key_has_a_length(acme: Organization, key: str) -> None:
    with organization_scope(acme), pytest.raises(ValueError, match="1 to 64"):
        grant(acme, CREDIT, key)


def test_nobody_grants_without_a_scope(acme: Organization) -> None:
    with pytest.raises(NoActiveScope):
        grant(acme, CREDIT, "order-7")


def test_a_client_cannot_touch_its_neighbour_or_its_agency(
    acme: Organization, bakery: Organization, garage: Organization, globex: Organization
) -> None:
    with organization_scope(bakery):
        for other in (acme, garage, globex):
            with pytest.raises(ForeignRow):
                grant(other, CREDIT, "order-7")
            with pytest.raises(ForeignRow):
                wallet_balance(other)
    assert credits_of(acme) == (100 * CREDIT, 0)
    assert credits_of(garage) == (10 * CREDIT, 0)


def test_accounts_are_opened_once(acme: Organization) -> None:
    client = make_client(acme)
    with organization_scope(client):
        open_accounts(client)
        open_accounts(client)
        kinds = sorted(Account.objects.values_list("kind", flat=True))
    assert kinds == sorted(Account.Kind.values)


def test_an_organization_without_accounts_has_nothing(acme: Organization) -> None:
    assert credits_of(make_client(acme)) == (0, 0)


def test_balances_of_several_clients_come_at_once(
    acme: Organization, bakery: Organization
) -> None:
    poor = make_client(acme, "Poor")
    with agency_scope(acme.pk):
        found = wallet_balances([bakery.pk, poor.pk])
    assert found == {bakery.pk: Balance(10 * CREDIT, 0), poor.pk: Balance(0, 0)}
