"""What the database itself refuses to do to the books."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from billing.ledger import Fact, Leg, lock_wallets, write_entry
from billing.models import Account, LedgerEntry, Posting
from billing.reconciliation import reconcile
from portal.models import Organization
from portal.scope import agency_scope, organization_scope
from tests.billing.books import CREDIT, credits_of


def refused() -> pytest.RaisesExc[IntegrityError]:
    return pytest.raises(IntegrityError)


def test_entries_and_postings_are_never_edited_or_deleted(bakery: Organization) -> None:
    with organization_scope(bakery):
        entry, posting = LedgerEntry.objects.get(), Posting.objects.first()
        assert posting is not None
        changes = [
            lambda: LedgerEntry.objects.filter(pk=entry.pk).update(memo="Other"),
            lambda: LedgerEntry.objects.filter(pk=entry.pk)._raw_delete("default"),
            lambda: Posting.objects.filter(pk=posting.pk).update(amount_microcredits=1),
            lambda: Posting.objects.filter(pk=posting.pk).delete(),
        ]
        for change in changes:
            with refused(), transaction.atomic():
                change()
        assert LedgerEntry.objects.get().memo == ""
        assert Posting.objects.count() == 2


def test_an_account_with_postings_stays(bakery: Organization) -> None:
    with organization_scope(bakery):
        used = Account.objects.filter(kind="wallet")
        unused = Account.objects.filter(kind="sent")
        with refused(), transaction.atomic():
            used._raw_delete("default")
        assert unused._raw_delete("default") == 1
    assert credits_of(bakery) == (10 * CREDIT, 0)


def test_an_entry_that_names_an_account_there_is_not_is_not_written(
    bakery: Organization,
) -> None:
    fact = Fact(bakery, LedgerEntry.Kind.CORRECTION, "key", "test")
    legs = [
        Leg(bakery, Account.Kind.WALLET, -CREDIT),
        Leg(bakery, Account.Kind.SENT, CREDIT),
    ]
    with agency_scope(bakery.agency_id):
        Account.objects.filter(organization=bakery, kind="sent")._raw_delete("default")
        with refused(), transaction.atomic():
            lock_wallets(bakery)
            write_entry(fact, legs)
        assert not LedgerEntry.objects.filter(kind="correction").exists()
    assert credits_of(bakery) == (10 * CREDIT, 0)
    assert reconcile() == []
