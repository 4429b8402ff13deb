"""Whatever is asked in whatever order, the books agree, with each other and with a
model of them that is a few lines of arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from billing.errors import NotEnoughCredits, UnknownHold
from billing.grants import grant_credits
from billing.holds import (
    MIN_SECONDS,
    extend_hold,
    release_expired_holds,
    release_hold,
    settle_call,
)
from billing.reconciliation import reconcile
from common.money import price_of_seconds, seconds_affordable
from portal.models import Organization
from portal.scope import organization_scope
from tests.billing.books import START, credits_of, hold, make_agency, make_client

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


class Money(RuleBasedStateMachine):
    """An agency with two clients; every operation, twice or on the wrong call too."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.agency = make_agency()
        self.payers = [self.agency, *(make_client(self.agency, n) for n in "AB")]
        self.wallet = {payer.pk: 0 for payer in self.payers}
        self.known: dict[UUID, ModelCall] = {}
        self.granted: dict[tuple[UUID, str], int] = {}

    def affordable(self, sides: list[ModelHold], seconds: int) -> int:
        spans = [
            seconds_affordable(self.wallet[side.owner] + side.amount, side.price)
            for side in sides
        ]
        return min([seconds, *(span for span in spans if span is not None)])

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
            grant_credits(
                organization=payer,
                amount_microcredits=first,
                idempotency_key=key,
                actor=None,
            )
        if is_new:
            self.wallet[payer.pk] += amount

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
        wanted = self.affordable(sides, seconds)
        try:
            held = hold(
                payer,
                call_id,
                seconds,
                client_price=prices[0],
                pool_price=prices[1],
                lasts_s=lasts_s,
            )
        except NotEnoughCredits as refused:
            assert wanted < min(seconds, MIN_SECONDS)
            short = self.affordable(sides[:1], seconds) < min(seconds, MIN_SECONDS)
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
                covered = extend_hold(
                    call_id=call_id, total_seconds=seconds, expires_at=expires_at
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
                cost = settle_call(call_id=call_id, seconds=seconds)
            except UnknownHold:
                assert call is None
                return
        assert call is not None
        if call.state in ("active", "expired"):
            for side in call.sides:
                limit = (
                    side.amount if call.state == "active" else self.wallet[side.owner]
                )
                side.settled = min(limit, price_of_seconds(seconds, side.price))
                self.wallet[side.owner] -= side.settled
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
        """Leave nothing for the next example's sweeper to find."""
        release_expired_holds(START + timedelta(days=365))

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
    run(examples=40, steps=40)
