"""The pure rules: pacing, outcomes, retries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from calls.session.events import EndReason
from campaigns.outcomes import Outcome, outcome_of
from campaigns.pacing import MAX_BATCH, calls_to_start
from campaigns.retries import GivenUp, Reached, RetryRule, TryAgain, after

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
COUNT = st.integers(0, 1_000)


@given(COUNT, COUNT, COUNT, COUNT)
def test_neither_limit_is_ever_passed(
    limit: int, in_use: int, whole_limit: int, whole_use: int
) -> None:
    added = calls_to_start(
        campaign_limit=limit,
        campaign_open=in_use,
        organization_limit=whole_limit,
        organization_open=whole_use,
    )
    assert 0 <= added <= MAX_BATCH
    if added:
        assert in_use + added <= limit
        assert whole_use + added <= whole_limit
    elif MAX_BATCH:
        assert in_use >= limit or whole_use >= whole_limit


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_end_reason_has_an_outcome(reason: EndReason) -> None:
    assert outcome_of(reason, was_connected=False) is not Outcome.ANSWERED
    assert outcome_of(reason, was_connected=True) in set(Outcome)


@pytest.mark.parametrize(
    "reason",
    [
        EndReason.USER_HANGUP,
        EndReason.ASSISTANT_HANGUP,
        EndReason.MAX_DURATION,
        EndReason.CONNECTION_LOST,
        EndReason.INSUFFICIENT_CREDITS,
        EndReason.OPERATOR_HANGUP,
        "something_new",
    ],
)
def test_whoever_answered_was_reached(reason: str) -> None:
    assert outcome_of(reason, was_connected=True) is Outcome.ANSWERED
    assert outcome_of(reason, was_connected=False) is Outcome.FAILED


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_lead_is_tried_until_reached_or_the_budget_is_spent(outcome: Outcome) -> None:
    rule = RetryRule(max_attempts=3, delay_s=600)
    made = [after(outcome, attempts_made=n, rule=rule, now=NOW) for n in (1, 2, 3)]
    if outcome is Outcome.ANSWERED:
        assert made == [Reached()] * 3
    else:
        again = TryAgain(NOW + timedelta(minutes=10))
        assert made == [again, again, GivenUp()]
