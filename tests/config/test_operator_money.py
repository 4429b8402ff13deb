"""What staff does with money in the console: prices, grants, corrections, two persons."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from billing.by_hand import waiting_requests
from billing.holds import settle_call
from billing.models import GrantRequest, LedgerEntry, PlatformPrice
from billing.pricing import price_for_call
from billing.reconciliation import reconcile
from portal.models import AuditRecord, Organization, User
from portal.scope import all_organizations, organization_scope
from tests.billing.books import CREDIT, credits_of, hold
from tests.config.test_operator_console import address, visitor
from tests.portal.test_sudo import is_question
from tests.world import CREDITS, PASSWORD, House

BEFORE = CREDITS * CREDIT
REASON = "The line was bad, ticket 4711"


def desk(user: User) -> Client:
    """Return a browser of staff that signed in a moment ago."""
    client = visitor(user)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time()}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


@pytest.fixture
def ole(db: None) -> User:
    return User.objects.create_user("ole@operator.example", PASSWORD, is_staff=True)


@pytest.fixture
def called(bakery: House) -> LedgerEntry:
    """The entry of a call of a minute that cost 2 credits, and the pool 1."""
    call_id = uuid4()
    hold(bakery.organization, call_id, 60)
    with organization_scope(bakery.organization):
        settle_call(call_id=call_id, seconds=60)
        return LedgerEntry.objects.get(source_id=call_id, kind="settle")


def form(amount: str, **values: Any) -> dict[str, Any]:
    return {"amount": amount, "reason": REASON, "key": str(uuid4()), **values}


# --- prices ---------------------------------------------------------------------------
def pool_price(organization: Organization, mode: str = "platform_key") -> int:
    with organization_scope(organization):
        found = price_for_call(organization, timezone.now(), mode=mode)
    return found.pool_microcredits_per_minute


def test_staff_sets_a_price_for_everyone_and_one_for_an_agency(
    acme: House, globex: House, olga: User
) -> None:
    client, page = desk(olga), address("admin:platform_prices")
    everyone = {"per_minute": "0.8", "model_cost_percent": "100"}
    assert client.post(page, everyone).status_code == 302
    own = everyone | {"per_minute": "0.5", "agency": str(acme.organization.pk)}
    assert client.post(page, own).status_code == 302
    assert pool_price(acme.organization) == 500_000
    assert pool_price(globex.organization) == 800_000
    shown = client.get(page).content.decode()
    assert "set by" in shown
    withdrawn = {
        "agency": str(acme.organization.pk),
        "is_withdrawn": "on",
        "model_cost_percent": "100",
    }
    assert client.post(page, withdrawn).status_code == 302
    assert pool_price(acme.organization) == 800_000
    assert PlatformPrice.objects.count() == 3
    assert set(PlatformPrice.objects.values_list("set_by", flat=True)) == {olga.pk}
    with all_organizations("test"):
        records = AuditRecord.objects.filter(action="platform_price.set")
        assert {row.organization for row in records} == {acme.organization}


def test_a_price_of_a_later_day_waits_for_it(acme: House, olga: User) -> None:
    client, page = desk(olga), address("admin:platform_prices")
    before = pool_price(acme.organization)
    later = {
        "per_minute": "9",
        "model_cost_percent": "100",
        "effective_on": "2099-01-01",
    }
    assert client.post(page, later).status_code == 302
    assert pool_price(acme.organization) == before
    assert "planned" in client.get(page).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_minute": ""},
        {"per_minute": "-1"},
        {"per_minute": "cheap"},
        {"per_minute": "1", "agency": "00000000-0000-7000-8000-000000000000"},
        {"per_minute": "1", "minimum_seconds": "-5"},
        {"per_minute": "1", "model_cost_percent": "1001"},
        {"per_minute": "1", "direction": "sideways"},
    ],
)
def test_a_price_that_is_none_sets_nothing(
    acme: House, olga: User, wrong: dict[str, str]
) -> None:
    page = address("admin:platform_prices")
    answer = desk(olga).post(page, {"model_cost_percent": "100"} | wrong)
    assert answer.status_code == 422
    assert not PlatformPrice.objects.exists()


# --- grants and the second person -----------------------------------------------------
def given(amount: str, **values: Any) -> dict[str, Any]:
    return {"amount": amount, "memo": REASON, "key": str(uuid4()), **values}


def test_money_and_looking_around_ask_again(acme: House, olga: User) -> None:
    staff, agency = visitor(olga), acme.organization.pk
    why = {"reason": "They asked for help", "minutes": "30"}
    price = {"per_minute": "0.07", "model_cost_percent": "100"}
    for page, sent in (
        (address("admin:grant", agency), given("250")),
        (address("admin:visit_organization", agency), why),
        (address("admin:platform_prices"), price),
    ):
        assert staff.get(page).status_code == 200
        assert is_question(staff.post(page, sent))
    assert not PlatformPrice.objects.exists()
    assert credits_of(acme.organization) == (BEFORE, 0)


def test_a_client_gets_its_credits_from_its_agency(bakery: House, olga: User) -> None:
    page = address("admin:grant", bakery.organization.pk)
    assert desk(olga).post(page, given("250")).status_code == 404
    assert credits_of(bakery.organization) == (BEFORE, 0)


@pytest.mark.parametrize("amount", ["", "0", "-5", "many", "2e9", "99999999999"])
def test_nonsense_gives_nothing(acme: House, olga: User, amount: str) -> None:
    page = address("admin:grant", acme.organization.pk)
    answer = desk(olga).post(page, given(amount))
    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.content
    assert credits_of(acme.organization) == (BEFORE, 0)


def test_staff_gives_an_agency_credits_once(acme: House, olga: User) -> None:
    client = desk(olga)
    page, sent = address("admin:grant", acme.organization.pk), given("250")
    for _ in range(2):
        assert client.post(page, sent).status_code == 302
    assert credits_of(acme.organization) == (BEFORE + 250 * CREDIT, 0)
    with all_organizations("test"):
        entry = LedgerEntry.objects.get(memo=REASON)
    assert (entry.actor, entry.details["approver"]) == (olga, olga.email)
    assert client.post(page, sent | {"amount": "251"}).status_code == 422
    assert client.post(page, given("1", memo="")).status_code == 422
    assert credits_of(acme.organization) == (BEFORE + 250 * CREDIT, 0)


def test_above_the_limit_another_of_the_staff_approves(
    acme: House, olga: User, ole: User, settings: Any
) -> None:
    settings.OPERATOR_APPROVAL_CREDITS = 100
    desk(olga).post(address("admin:grant", acme.organization.pk), given("101"))
    assert credits_of(acme.organization) == (BEFORE, 0)
    with all_organizations("test"):
        (waiting,) = waiting_requests(None, is_operators=True)
        assert waiting_requests(acme.organization, is_operators=False) == []
    decide = address("admin:grant_decide", waiting.pk, "approve")
    assert decide not in desk(olga).get(address("admin:grants")).content.decode()
    desk(olga).post(decide)
    assert credits_of(acme.organization) == (BEFORE, 0)
    assert decide in desk(ole).get(address("admin:grants")).content.decode()
    assert desk(ole).post(decide).status_code == 302
    assert credits_of(acme.organization) == (BEFORE + 101 * CREDIT, 0)
    assert desk(ole).post(decide).status_code == 404
    assert ole.email in desk(ole).get(address("admin:grants")).content.decode()


# --- corrections ----------------------------------------------------------------------
def test_a_correction_names_the_entry_it_corrects(
    acme: House, bakery: House, called: LedgerEntry, olga: User
) -> None:
    client, page = desk(olga), address("admin:correct", called.pk)
    assert credits_of(bakery.organization) == (BEFORE - 2 * CREDIT, 0)
    back = form("2", organization=str(bakery.organization.pk))
    pool = form("1", organization=str(acme.organization.pk))
    for sent in (back, back, pool):
        assert client.post(page, sent).status_code == 302
    assert credits_of(bakery.organization) == (BEFORE, 0)
    assert credits_of(acme.organization) == (BEFORE, 0)
    with all_organizations("test"):
        found = LedgerEntry.objects.filter(corrects=called).order_by("created_at")
        assert [row.organization for row in found] == [
            bakery.organization,
            acme.organization,
        ]
        assert {row.kind for row in found} == {"correction"}
        assert {(row.memo, row.actor) for row in found} == {(REASON, olga)}
        assert AuditRecord.objects.filter(action="entry.corrected").count() == 2
    assert reconcile() == []
    shown = client.get(address("admin:billing_ledgerentry_change", called.pk))
    assert REASON in shown.content.decode()
    assert address("admin:correct", called.pk) in shown.content.decode()


def test_a_correction_may_take_what_is_not_there_any_more(
    bakery: House, called: LedgerEntry, olga: User
) -> None:
    page = address("admin:correct", called.pk)
    taken = form("-6000", organization=str(bakery.organization.pk))
    assert desk(olga).post(page, taken).status_code == 302
    assert credits_of(bakery.organization) == (BEFORE - 6002 * CREDIT, 0)
    assert reconcile() == []
    given = form("6000", organization=str(bakery.organization.pk))
    assert desk(olga).post(page, given).status_code == 302
    assert credits_of(bakery.organization) == (BEFORE - 2 * CREDIT, 0)
    assert reconcile() == []


@pytest.mark.parametrize("amount", ["0", "-0", "", "--1", "two", "9" * 19])
def test_a_correction_of_nothing_is_none(
    bakery: House, called: LedgerEntry, olga: User, amount: str
) -> None:
    page = address("admin:correct", called.pk)
    sent = form(amount, organization=str(bakery.organization.pk))
    assert desk(olga).post(page, sent).status_code == 422
    with all_organizations("test"):
        assert not LedgerEntry.objects.filter(kind="correction").exists()


def test_an_entry_corrects_nobody_it_never_touched(
    globex: House, bakery: House, called: LedgerEntry, olga: User
) -> None:
    page = address("admin:correct", called.pk)
    sent = form("2", organization=str(globex.organization.pk))
    assert desk(olga).post(page, sent).status_code == 422
    assert credits_of(globex.organization) == (BEFORE, 0)


def test_a_large_correction_waits_too(
    bakery: House, called: LedgerEntry, olga: User, ole: User, settings: Any
) -> None:
    settings.OPERATOR_APPROVAL_CREDITS = 1
    page = address("admin:correct", called.pk)
    sent = form("-2", organization=str(bakery.organization.pk))
    assert desk(olga).post(page, sent).status_code == 302
    with all_organizations("test"):
        request = GrantRequest.objects.get()
    desk(ole).post(address("admin:grant_decide", request.pk, "approve"))
    assert credits_of(bakery.organization) == (BEFORE - 4 * CREDIT, 0)
    with all_organizations("test"):
        entry = LedgerEntry.objects.get(corrects=called)
    assert (entry.actor, entry.details["approver"]) == (olga, ole.email)
    assert reconcile() == []
