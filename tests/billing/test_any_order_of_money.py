"""Whatever is asked in whatever order, the books agree, with each other and with a
model of them that is a few lines of arithmetic.

Every operation may die between any two of its statements, and is then asked again, as a
worker would; most are also asked twice. `MONEY_OPERATIONS=10000` runs as many.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from billing.errors import NotEnoughCredits, UnknownHold
from billing.grants import (
    Credits,
    Reason,
    grant_credits,
    issue_credits,
    transfer_credits,
)
from billing.holds import (
    MIN_SECONDS,
    extend_hold,
    release_expired_holds,
    release_hold,
    settle_call,
)
from billing.lots import PRIORITY, expire_lots, lots_of
from billing.models import CreditLot, LedgerEntry
from billing.reconciliation import reconcile
from billing.taking_back import Return, take_back
from common.money import price_of_seconds, seconds_affordable
from portal.models import Organization
from portal.scope import organization_scope
from tests.billing.books import START, credits_of, hold, make_agency, make_client

T = TypeVar("T")
Kind = CreditLot.Kind
PRICES = st.sampled_from([0, 1, 59, 60, 61, 1_000_000, 1_234_567])
SECONDS = st.integers(1, 200)


@dataclass
class ModelHold:
    """One wallet's side of a call."""

    owner: UUID
    price: int
    amount: int = 0
    settled: int = 0


@dataclass
class ModelCall:
    organization: Organization
    sides: list[ModelHold]
    seconds: int
    expires_s: int
    state: str = "active"


@dataclass
class ModelLot:
    """What is left of what one key brought."""

    key: str
    kind: str
    left: int
    age: int
    expires_at: datetime | None = None

    @property
    def order(self) -> tuple[int, float, int]:
        end = self.expires_at.timestamp() if self.expires_at else float("inf")
        return (PRIORITY[CreditLot.Kind(self.kind)], end, self.age)


@dataclass
class Lots:
    """The lots of one wallet, burned at once where the ledger burns them late."""

    rows: list[ModelLot] = field(default_factory=list)

    def in_order(self) -> list[ModelLot]:
        return sorted((lot for lot in self.rows if lot.left), key=lambda lot: lot.order)

    def burn(self, amount: int, first: str = "") -> None:
        own = [lot for lot in self.in_order() if lot.key == first]
        for lot in [*own, *(lot for lot in self.in_order() if lot not in own)]:
            taken = min(amount, lot.left)
            lot.left -= taken
            amount -= taken


class Died(Exception):
    """The process was killed."""


@contextmanager
def dying_after(statements: int) -> Iterator[None]:
    """Let the database's driver fail for good after so many statements."""
    left = statements
    whole = psycopg.Cursor.execute

    def execute(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        text = str(query)
        if "SAVEPOINT" in text or "set_config" in text:
            return whole(self, query, *args, **kwargs)
        if left == 0:
            raise Died
        left -= 1
        return whole(self, query, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute)
        yield


class Money(RuleBasedStateMachine):
    """An agency with two clients; every operation, twice or on the wrong call too."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        # Taken back at the end: the books that are checked after every step hold this
        # example alone, and so the thousandth step costs what the first did.
        self.example = transaction.atomic()
        self.example.__enter__()
        self.agency = make_agency()
        self.payers = [self.agency, *(make_client(self.agency, n) for n in "AB")]
        self.wallet = {payer.pk: 0 for payer in self.payers}
        self.known: dict[UUID, ModelCall] = {}
        self.granted: dict[tuple[UUID, str], int] = {}
        self.lots = {payer.pk: Lots() for payer in self.payers}
        self.bought: dict[str, tuple[Organization, int]] = {}
        self.returned: set[str] = set()
        self.dies_after: int | None = None
        self.age = 0

    def asked(self, operation: Callable[[], T]) -> T:
        """Ask; if it dies on the way, ask again: what it did is done once."""
        after, self.dies_after = self.dies_after, None
        if after is not None:
            try:
                with transaction.atomic(), dying_after(after):
                    operation()
                    raise Died  # after the last statement, before the commit
            except Died:
                pass
        return operation()

    def brings(
        self,
        payer: Organization,
        key: str,
        kind: CreditLot.Kind,
        amount: int,
        expires_at: datetime | None = None,
    ) -> None:
        """The model of credits that came."""
        self.age += 1
        debt = max(0, -self.has(payer))
        self.wallet[payer.pk] += amount
        lots = self.lots[payer.pk]
        lots.rows.append(ModelLot(key, kind.value, amount, self.age, expires_at))
        lots.burn(min(debt, amount))

    def has(self, payer: Organization) -> int:
        """Wallet and held together."""
        held = sum(
            side.amount
            for call in self.known.values()
            for side in call.sides
            if side.owner == payer.pk
        )
        return self.wallet[payer.pk] + held

    @rule(statements=st.integers(0, 12))
    def the_next_one_dies(self, statements: int) -> None:
        self.dies_after = statements

    def affordable(self, sides: list[ModelHold], seconds: int) -> int:
        spans = [
            seconds_affordable(
                max(0, self.wallet[side.owner]) + side.amount, side.price
            )
            for side in sides
        ]
        return min([seconds, *(span for span in spans if span is not None)])

    def is_in_debt(self, sides: list[ModelHold]) -> list[bool]:
        return [self.wallet[side.owner] < 0 for side in sides]

    def take(self, call: ModelCall, seconds: int) -> None:
        for side in call.sides:
            amount = price_of_seconds(seconds, side.price)
            self.wallet[side.owner] -= amount - side.amount
            side.amount = amount
        call.seconds = seconds
        call.state = "active"

    def give_back(self, call: ModelCall, state: str) -> None:
        for side in call.sides:
            self.wallet[side.owner] += side.amount
            side.amount = 0
        call.state = state

    @rule(
        who=st.integers(0, 2),
        amount=st.integers(1, 5_000_000),
        key=st.sampled_from("abcdef"),
    )
    def grant(self, who: int, amount: int, key: str) -> None:
        payer = self.payers[who]
        is_new = (payer.pk, key) not in self.granted
        first = self.granted.setdefault((payer.pk, key), amount)
        with organization_scope(payer):
            self.asked(
                lambda: grant_credits(
                    organization=payer,
                    amount_microcredits=first,
                    idempotency_key=key,
                    actor=None,
                )
            )
        if is_new:
            self.brings(payer, f"grant:{payer.pk}:{key}", Kind.GRANT, amount)

    @rule(
        who=st.integers(0, 2),
        amount=st.integers(1, 5_000_000),
        key=st.sampled_from("uvwxyz"),
        kind=st.sampled_from([Kind.PURCHASE, Kind.BONUS, Kind.PLAN, Kind.TRIAL]),
        lasts_s=st.none() | st.integers(1, 300),
    )
    def buy(
        self,
        who: int,
        amount: int,
        key: str,
        kind: CreditLot.Kind,
        lasts_s: int | None,
    ) -> None:
        payer, name = self.payers[who], f"payment:{self.agency.pk}:{key}"
        end = None if lasts_s is None else START + timedelta(seconds=lasts_s)
        with organization_scope(payer):
            if name in self.bought:
                return
            for _ in range(2):
                self.asked(
                    lambda: issue_credits(
                        organization=payer,
                        credits=[Credits(amount, kind, end)],
                        key=name,
                        reason=Reason(kind=LedgerEntry.Kind.PURCHASE),
                        actor=None,
                    )
                )
        self.bought[name] = (payer, amount)
        self.brings(payer, name, kind, amount, end)

    @rule(key=st.sampled_from("uvwxyz"), part=st.integers(1, 3))
    def refund(self, key: str, part: int) -> None:
        name = f"payment:{self.agency.pk}:{key}"
        if name not in self.bought:
            return
        payer, amount = self.bought[name]
        refund = f"refund:{name}"
        with organization_scope(payer):
            for _ in range(2):
                self.asked(lambda: self.taken_back(payer, amount // part, refund, name))
        if refund not in self.returned:
            self.returned.add(refund)
            self.wallet[payer.pk] -= amount // part
            self.lots[payer.pk].burn(amount // part, first=name)

    @staticmethod
    def taken_back(payer: Organization, amount: int, key: str, corrects: str) -> None:
        with transaction.atomic():
            take_back(
                Return(
                    organization=payer,
                    microcredits=amount,
                    kind=LedgerEntry.Kind.REFUND,
                    key=key,
                    source_id=uuid4(),
                    corrects=corrects,
                )
            )

    @rule(
        who=st.integers(1, 2),
        amount=st.integers(1, 3_000_000),
        key=st.sampled_from("mn"),
    )
    def move(self, who: int, amount: int, key: str) -> None:
        client = self.payers[who]
        first = self.granted.setdefault((client.pk, f"move {key}"), amount)
        is_new = f"{client.pk}{key}" not in self.returned
        with organization_scope(self.agency):
            try:
                self.asked(
                    lambda: transfer_credits(
                        client=client,
                        amount_microcredits=first,
                        idempotency_key=key,
                        actor=None,
                    )
                )
            except NotEnoughCredits:
                assert is_new
                assert self.wallet[self.agency.pk] < first
                return
        if is_new:
            self.returned.add(f"{client.pk}{key}")
            self.wallet[self.agency.pk] -= first
            self.lots[self.agency.pk].burn(first)
            self.brings(client, f"transfer:{client.pk}:{key}", Kind.TRANSFER, first)

    @rule(now_s=st.integers(0, 400))
    def expire(self, now_s: int) -> None:
        now = START + timedelta(seconds=now_s)
        self.asked(lambda: expire_lots(now))
        for payer in self.payers:
            held = self.has(payer) - self.wallet[payer.pk]
            for lot in self.lots[payer.pk].in_order():
                kept = min(held, lot.left)
                held -= kept
                if lot.expires_at is not None and lot.expires_at <= now:
                    self.wallet[payer.pk] -= lot.left - kept
                    lot.left = kept

    @rule(
        target=calls,
        who=st.integers(0, 2),
        seconds=SECONDS,
        prices=st.tuples(PRICES, PRICES),
        lasts_s=st.integers(1, 100),
    )
    def hold(
        self, who: int, seconds: int, prices: tuple[int, int], lasts_s: int
    ) -> UUID:
        call_id, payer = uuid4(), self.payers[who]
        sides = [ModelHold(self.agency.pk, prices[1])]
        if payer is not self.agency:
            sides.insert(0, ModelHold(payer.pk, prices[0]))
        debts = self.is_in_debt(sides)
        wanted = 0 if any(debts) else self.affordable(sides, seconds)
        try:
            held = self.asked(
                lambda: hold(
                    payer,
                    call_id,
                    seconds,
                    client_price=prices[0],
                    pool_price=prices[1],
                    lasts_s=lasts_s,
                )
            )
        except NotEnoughCredits as refused:
            assert wanted < min(seconds, MIN_SECONDS)
            own = 0 if debts[0] else self.affordable(sides[:1], seconds)
            short = own < min(seconds, MIN_SECONDS)
            owner = refused.owner
            assert owner == ("organization" if short else "agency")
            return call_id
        assert held.seconds == wanted >= min(seconds, MIN_SECONDS)
        call = ModelCall(payer, sides, wanted, lasts_s)
        self.take(call, wanted)
        self.known[call_id] = call
        return call_id

    @rule(call_id=calls)
    def hold_again(self, call_id: UUID) -> None:
        if call := self.known.get(call_id):
            assert hold(call.organization, call_id, 77).seconds == call.seconds

    @rule(call_id=calls, seconds=SECONDS, lasts_s=st.integers(1, 200))
    def extend(self, call_id: UUID, seconds: int, lasts_s: int) -> None:
        call = self.known.get(call_id)
        expires_at = START + timedelta(seconds=lasts_s)
        with organization_scope(call.organization if call else self.agency):
            try:
                covered = self.asked(
                    lambda: extend_hold(
                        call_id=call_id, total_seconds=seconds, expires_at=expires_at
                    )
                )
            except UnknownHold:
                assert call is None
                return
        assert call is not None
        if call.state in ("settled", "released"):
            assert covered == 0
            return
        before = call.seconds if call.state == "active" else 0
        expected = max(before, self.affordable(call.sides, seconds))
        assert covered == expected
        if expected:
            call.expires_s = max(call.expires_s, lasts_s)
            self.take(call, expected)

    @rule(call_id=calls, seconds=st.integers(0, 250))
    def settle(self, call_id: UUID, seconds: int) -> None:
        call = self.known.get(call_id)
        with organization_scope(call.organization if call else self.agency):
            try:
                cost = self.asked(lambda: settle_call(call_id=call_id, seconds=seconds))
            except UnknownHold:
                assert call is None
                return
        assert call is not None
        if call.state in ("active", "expired"):
            for side in call.sides:
                limit = (
                    side.amount
                    if call.state == "active"
                    else max(0, self.wallet[side.owner])
                )
                side.settled = min(limit, price_of_seconds(seconds, side.price))
                self.wallet[side.owner] -= side.settled
                self.lots[side.owner].burn(side.settled)
            self.give_back(call, "settled" if seconds else "released")
        assert cost.cost_microcredits == call.sides[0].settled
        assert cost.pool_cost_microcredits == call.sides[-1].settled

    @rule(call_id=calls)
    def release(self, call_id: UUID) -> None:
        call = self.known.get(call_id)
        with organization_scope(call.organization if call else self.agency):
            released = release_hold(call_id=call_id)
        is_open = call is not None and call.state in ("active", "expired")
        assert released == is_open
        if call is not None and is_open:
            self.give_back(call, "released")

    @rule(now_s=st.integers(0, 200))
    def sweep(self, now_s: int) -> None:
        due = [
            call
            for call in self.known.values()
            if call.state == "active" and call.expires_s <= now_s
        ]
        assert release_expired_holds(START + timedelta(seconds=now_s)) == len(due)
        for call in due:
            self.give_back(call, "expired")

    def teardown(self) -> None:
        """Compare the lots, and leave nothing for the next example's sweepers to find."""
        try:
            self.compare_lots()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def compare_lots(self) -> None:
        for payer in self.payers:
            with organization_scope(payer):
                found = [
                    (lot.entry.idempotency_key, lot.remaining_microcredits)
                    for lot in lots_of(payer)
                ]
            expected = [(lot.key, lot.left) for lot in self.lots[payer.pk].in_order()]
            assert found == expected

    @invariant()
    def balances_are_those_of_the_model(self) -> None:
        held = dict.fromkeys(self.wallet, 0)
        for call in self.known.values():
            for side in call.sides:
                held[side.owner] += side.amount
        for payer in self.payers:
            assert credits_of(payer) == (self.wallet[payer.pk], held[payer.pk])

    @invariant()
    def books_agree(self) -> None:
        assert reconcile() == []


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_any_order_of_operations_keeps_the_books(db: None) -> None:
    run(examples=10, steps=20)


@pytest.mark.slow
def test_many_orders_of_operations_keep_the_books(db: None) -> None:
    operations = int(os.environ.get("MONEY_OPERATIONS", "800"))
    run(examples=max(1, operations // 40), steps=40)
