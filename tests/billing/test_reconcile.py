from __future__ import annotations

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import Error, connection, transaction

from billing.models import Account, Hold, LedgerEntry, Posting
from billing.reconciliation import reconcile
from billing.tasks import release_expired_holds
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.billing.books import CREDIT, credits_of, hold


def test_books_in_order_pass(bakery: Organization) -> None:
    hold(bakery, uuid4())
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert "16 accounts, 3 entries: all agree." in out.getvalue()


def test_a_changed_balance_is_found_and_not_repaired(bakery: Organization) -> None:
    with organization_scope(bakery):
        Account.objects.filter(kind="wallet").update(balance_microcredits=CREDIT)
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("reconcile", stdout=out)
    assert stopped.value.code == 1
    assert "expected 10000000, is 1000000" in out.getvalue()
    assert credits_of(bakery) == (CREDIT, 0)


def test_a_changed_hold_is_found(bakery: Organization) -> None:
    hold(bakery, uuid4())
    with organization_scope(bakery):
        Hold.objects.update(amount_microcredits=5)
    assert [(d.rule, d.expected, d.found) for d in reconcile()] == [
        ("held credits are not those of active holds", 5, 2 * CREDIT)
    ]


def test_a_hold_closed_in_one_wallet_only_is_found(bakery: Organization) -> None:
    hold(bakery, uuid4())
    with organization_scope(bakery):
        Hold.objects.update(state=Hold.State.RELEASED)
    assert {drift.rule for drift in reconcile()} == {
        "held credits are not those of active holds",
        "call held in one wallet only",
    }


def test_the_database_refuses_to_rewrite_the_journal(bakery: Organization) -> None:
    with organization_scope(bakery):
        changes = [
            lambda: Posting.objects.update(amount_microcredits=1),
            lambda: Posting.objects.all()._raw_delete("default"),
            lambda: LedgerEntry.objects.update(kind="correction"),
            lambda: LedgerEntry.objects.all()._raw_delete("default"),
        ]
        for change in changes:
            with pytest.raises(Error), transaction.atomic():
                change()
    assert reconcile() == []


def test_the_database_refuses_a_wallet_below_zero(bakery: Organization) -> None:
    with (
        organization_scope(bakery),
        pytest.raises(Error, match="account_not_below_its_line"),
        transaction.atomic(),
    ):
        Account.objects.filter(kind="wallet").update(balance_microcredits=-1)


def test_no_scope_sees_no_money(bakery: Organization) -> None:
    with connection.cursor() as cursor:
        for table in ("account", "posting", "ledgerentry"):
            cursor.execute(f"select count(*) from billing_{table}")
            assert cursor.fetchone() == (0,)


def test_the_task_releases_what_expired(bakery: Organization) -> None:
    hold(bakery, uuid4())
    release_expired_holds()
    assert credits_of(bakery) == (10 * CREDIT, 0)
    with all_organizations("both wallets are looked at"):
        assert set(Hold.objects.values_list("state", flat=True)) == {"expired"}
