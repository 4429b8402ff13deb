from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from billing.holds import ModelUse, extend_hold, settle_call
from billing.queries import Line, Period, every_line, read_statement
from portal.models import ForeignRow, Organization
from portal.scope import organization_scope
from tests.billing.books import CREDIT, START, give, hold, make_client


def call(organization: Organization, seconds: int) -> UUID:
    call_id = uuid4()
    hold(organization, call_id, 60)
    with organization_scope(organization):
        extend_hold(call_id=call_id, total_seconds=90, expires_at=START)
        settle_call(call_id=call_id, seconds=seconds)
    return call_id


def lines_of(organization: Organization, **chosen: object) -> list[Line]:
    with organization_scope(organization):
        return read_statement(organization, period=Period(), **chosen).lines  # type: ignore[arg-type]


def test_a_call_is_one_line_with_its_final_cost(bakery: Organization) -> None:
    call_id = call(bakery, 30)
    give(bakery, 5)
    hold(bakery, uuid4(), 60)
    assert [
        (line.is_call, line.call_id, line.seconds, line.amount_microcredits,
         line.balance_microcredits)
        for line in lines_of(bakery)
    ] == [
        (False, None, None, 5 * CREDIT, 14 * CREDIT),
        (True, call_id, 30, -CREDIT, 9 * CREDIT),
        (False, None, None, 10 * CREDIT, 10 * CREDIT),
    ]  # fmt: skip


def test_a_client_reads_nothing_of_its_agency(
    acme: Organization, bakery: Organization
) -> None:
    call(bakery, 30)
    line = lines_of(bakery)[0]
    assert (line.client_name, line.paid_microcredits, line.margin_microcredits) == (
        "",
        None,
        None,
    )
    with organization_scope(bakery), pytest.raises(ForeignRow):
        read_statement(acme, period=Period())


def test_an_agency_reads_who_called_and_what_it_earned(
    acme: Organization, bakery: Organization, garage: Organization
) -> None:
    call(bakery, 60)
    call(garage, 30)
    call(acme, 30)
    with organization_scope(acme):
        statement = read_statement(acme, period=Period())
    assert [
        (line.client_name, line.amount_microcredits, line.paid_microcredits,
         line.margin_microcredits, line.balance_microcredits)
        for line in statement.lines
    ] == [
        ("", -CREDIT // 2, None, None, 98 * CREDIT),
        ("Garage", -CREDIT // 2, CREDIT, CREDIT // 2, 98_500_000),
        ("Bakery", -CREDIT, 2 * CREDIT, CREDIT, 99 * CREDIT),
        ("", 100 * CREDIT, None, None, 100 * CREDIT),
    ]  # fmt: skip
    assert (statement.total_in, statement.total_out) == (100 * CREDIT, 2 * CREDIT)


def test_pages_follow_each_other_without_gap_or_repeat(bakery: Organization) -> None:
    for _ in range(6):
        give(bakery, 1)
    with organization_scope(bakery):
        whole = read_statement(bakery, period=Period()).lines
        first = read_statement(bakery, period=Period(), limit=3)
        give(bakery, 1)
        second = read_statement(
            bakery, period=Period(), limit=3, before=first.next_before
        )
        third = read_statement(
            bakery, period=Period(), limit=3, before=second.next_before
        )
        assert [*first.lines, *second.lines, *third.lines] == whole
        assert third.next_before is None
        assert len(list(every_line(bakery, period=Period(), limit=2))) == 8


def test_kind_and_period_narrow_lines_and_sums(bakery: Organization) -> None:
    call(bakery, 30)
    assert [line.is_call for line in lines_of(bakery, kind="call")] == [True]
    assert [line.is_call for line in lines_of(bakery, kind="grant")] == [False]
    today = timezone.now().date()
    far = today + timedelta(days=3)
    with organization_scope(bakery):
        around = Period(today - timedelta(days=2), today + timedelta(days=2))
        assert len(read_statement(bakery, period=around).lines) == 2
        assert read_statement(bakery, period=Period(far, None)).lines == []
        later = read_statement(bakery, period=Period(None, today - timedelta(days=3)))
    assert (later.lines, later.total_in, later.total_out) == ([], 0, 0)


def test_days_are_those_of_the_organization() -> None:
    period = Period(START.date(), START.date())
    since, until = period.bounds("Asia/Tokyo")
    assert since is not None
    assert until is not None
    assert (since.isoformat(), until.isoformat()) == (
        "2026-03-01T00:00:00+09:00",
        "2026-03-02T00:00:00+09:00",
    )


def test_a_new_client_has_an_empty_statement(acme: Organization) -> None:
    assert lines_of(make_client(acme)) == []


def test_the_models_of_a_call_are_a_line_and_the_margin_counts_them(
    acme: Organization, bakery: Organization
) -> None:
    call_id = uuid4()
    hold(bakery, call_id, 60)
    with organization_scope(bakery):
        settle_call(call_id=call_id, seconds=60, models=ModelUse(CREDIT, CREDIT // 2))
    assert [
        (line.what, line.amount_microcredits, line.balance_microcredits)
        for line in lines_of(bakery, kind="call")
    ] == [
        ("Models of the call", -CREDIT, 7 * CREDIT),
        ("Call", -2 * CREDIT, 8 * CREDIT),
    ]
    with organization_scope(acme):
        lines = read_statement(acme, period=Period(), kind="call").lines
    margins = {line.account: line.margin_microcredits for line in lines}
    assert margins == {"usage": 3 * CREDIT - 3 * CREDIT // 2, "models": None}


def test_a_period_sums_what_moved_in_it(bakery: Organization) -> None:
    call(bakery, 30)
    today = timezone.localdate(timezone=ZoneInfo(bakery.time_zone))
    with organization_scope(bakery):
        found = read_statement(bakery, period=Period(today, today))
        before = read_statement(
            bakery, period=Period(None, today - timedelta(days=1)), kind="call"
        )
    assert (found.total_in, found.total_out) == (10 * CREDIT, CREDIT)
    assert (before.total_in, before.total_out) == (0, 0)
