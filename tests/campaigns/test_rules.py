"""The pure rules: outcomes, retries, and how often a person may be called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from calls.session.events import EndReason
from campaigns.outcomes import RETRIED, Outcome, outcome_of
from campaigns.persons import NotYet, PersonLimits, may_call
from campaigns.retries import (
    BadRule,
    Ended,
    GivenUp,
    Reached,
    RetryPolicy,
    Rule,
    TryAgain,
    after,
    parse_rules,
    rules_json,
    shifted,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def ended(outcome: Outcome, attempts_made: int = 1, **more: Any) -> Ended:
    return Ended(outcome, attempts_made, started_at=NOW - timedelta(minutes=1), **more)


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
    assert outcome_of(reason, was_connected=True, duration_ms=10) is Outcome.ANSWERED
    assert outcome_of(reason, was_connected=False) is Outcome.FAILED


def test_who_hung_up_at_once_was_dropped_where_that_is_asked_for() -> None:
    def outcome(reason: EndReason, duration_ms: int) -> Outcome:
        return outcome_of(
            reason, was_connected=True, duration_ms=duration_ms, dropped_below_ms=5_000
        )

    assert outcome(EndReason.USER_HANGUP, 4_999) is Outcome.DROPPED
    assert outcome(EndReason.USER_HANGUP, 5_000) is Outcome.ANSWERED
    assert outcome(EndReason.ASSISTANT_HANGUP, 1_000) is Outcome.ANSWERED


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_lead_is_tried_until_reached_or_the_budget_is_spent(outcome: Outcome) -> None:
    policy = RetryPolicy(max_attempts=3, default=Rule((600,)))
    made = [after(ended(outcome, n), policy=policy, now=NOW) for n in (1, 2, 3)]
    if outcome in RETRIED:
        again = TryAgain(NOW + timedelta(minutes=10))
        assert made == [again, again, GivenUp()]
    else:
        assert made == [Reached()] * 3


rules = st.builds(
    Rule,
    st.lists(st.integers(0, 86_400), min_size=1, max_size=4).map(tuple),
    st.none() | st.integers(0, 5),
    st.integers(0, 720),
)


@given(
    st.dictionaries(st.sampled_from([*Outcome, "disposition:later"]), rules),
    st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=30),
    st.integers(1, 6),
)
def test_budgets_of_rules_never_stack(
    by_outcome: dict[str, Rule], outcomes: list[Outcome], budget: int
) -> None:
    policy = RetryPolicy(budget, Rule((60,)), by_outcome)
    made, seen = 0, []
    for outcome in outcomes:
        made += 1
        seen.append(outcome)
        decided = after(
            ended(outcome, made, times=seen.count(outcome), disposition="later"),
            policy=policy,
            now=NOW,
        )
        if not isinstance(decided, TryAgain):
            break
        assert decided.at >= NOW
    assert made <= budget


def test_a_rule_waits_longer_each_time_and_then_ends_the_lead() -> None:
    policy = RetryPolicy(
        10,
        Rule((60,)),
        {"busy": Rule((300, 1_800), max_times=3), "failed": Rule((5,), 0)},
    )

    def at(outcome: Outcome, times: int) -> object:
        return after(ended(outcome, times, times=times), policy=policy, now=NOW)

    assert at(Outcome.BUSY, 1) == TryAgain(NOW + timedelta(seconds=300))
    assert (
        at(Outcome.BUSY, 2)
        == at(Outcome.BUSY, 3)
        == TryAgain(NOW + timedelta(minutes=30))
    )
    assert at(Outcome.BUSY, 4) == GivenUp("rule")
    assert at(Outcome.FAILED, 1) == GivenUp("rule")
    assert at(Outcome.NO_ANSWER, 1) == TryAgain(NOW + timedelta(seconds=60))


def test_a_disposition_has_a_rule_of_its_own() -> None:
    policy = RetryPolicy(3, Rule((60,)), {"disposition:busy_now": Rule((3_600,))})
    answered = ended(Outcome.ANSWERED, disposition="busy_now")
    assert after(answered, policy=policy, now=NOW) == TryAgain(NOW + timedelta(hours=1))
    other = ended(Outcome.ANSWERED, disposition="sold")
    assert after(other, policy=policy, now=NOW) == Reached()


def test_a_callback_goes_before_every_rule_but_the_budget() -> None:
    policy = RetryPolicy(2, Rule((60,)))
    tomorrow = NOW + timedelta(hours=22)
    wanted = ended(Outcome.ANSWERED, callback_at=tomorrow)
    assert after(wanted, policy=policy, now=NOW) == TryAgain(tomorrow)
    spent = ended(Outcome.ANSWERED, 2, callback_at=tomorrow)
    assert after(spent, policy=policy, now=NOW) == GivenUp()
    past = ended(Outcome.ANSWERED, callback_at=NOW - timedelta(hours=1))
    assert after(past, policy=policy, now=NOW) == TryAgain(NOW)


@given(st.integers(0, 10_000), st.integers(0, 720), st.sampled_from([None, AMSTERDAM]))
def test_the_next_try_is_at_another_time_of_the_day(
    wait_min: int, shift_min: int, zone: ZoneInfo | None
) -> None:
    due = NOW + timedelta(minutes=wait_min)
    moved = shifted(due, NOW, shift_min, zone)
    assert due <= moved < due + timedelta(days=1)
    apart = int((moved - NOW).total_seconds() // 60) % 1440
    assert shift_min <= apart <= 1440 - shift_min or shift_min == 0


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "object of outcomes"),
        ({"asleep": {"delays_seconds": [1]}}, "no such outcome"),
        ({"busy": 300}, "delays_seconds"),
        ({"busy": {"delays_seconds": 300}}, "delays_seconds"),
        ({"busy": {"delays_seconds": []}}, "busy: A delay"),
        ({"busy": {"delays_seconds": [-1]}}, "busy: A delay"),
        ({"busy": {"delays_seconds": [60.5]}}, "whole numbers"),
        ({"busy": {"delays_seconds": [True]}}, "whole numbers"),
        ({"busy": {"delays_seconds": [60], "max_times": 101}}, "busy: An outcome"),
        ({"busy": {"delays_seconds": [60], "shift_minutes": 721}}, "busy: The time"),
        ({"busy": {"delays_seconds": [60], "often": 1}}, "often is not known"),
    ],
)
def test_rules_that_make_no_sense_are_named(value: object, says: str) -> None:
    with pytest.raises(BadRule, match=says):
        parse_rules(value)


@given(st.dictionaries(st.sampled_from([*Outcome, "disposition:later"]), rules))
def test_rules_are_read_and_written_the_same(by_outcome: dict[str, Rule]) -> None:
    assert parse_rules(rules_json(by_outcome)) == by_outcome


calls_at = st.lists(st.integers(0, 60 * 72).map(lambda m: NOW - timedelta(minutes=m)))


@given(calls_at, st.none() | st.integers(1, 4), st.integers(0, 200_000))
def test_nobody_is_called_too_often_or_too_soon(
    made: list[datetime], cap: int | None, gap_s: int
) -> None:
    answer = may_call(PersonLimits(cap, gap_s), made, NOW)
    today = [at for at in made if at > NOW - timedelta(days=1)]
    is_free = (cap is None or len(today) < cap) and all(
        NOW - at >= timedelta(seconds=gap_s) for at in made
    )
    assert (answer is None) == is_free
    if answer is not None:
        assert answer.at > NOW
        # By then nothing stands in the way, had nobody called meanwhile.
        assert may_call(PersonLimits(cap, gap_s), made, answer.at) is None


def test_a_limit_says_which_it_is_and_the_law_tightens_it() -> None:
    hour_ago = [NOW - timedelta(hours=1)]
    assert may_call(PersonLimits(None, 7_200), hour_ago, NOW) == NotYet(
        NOW + timedelta(hours=1), "min_gap"
    )
    law = PersonLimits(None, 0).tightened(1)
    assert may_call(law, hour_ago, NOW) == NotYet(
        NOW + timedelta(hours=23), "daily_cap"
    )
    assert PersonLimits(2, 5).tightened(3) == PersonLimits(2, 5).tightened(None)
    assert may_call(PersonLimits(0), [], NOW) == NotYet(
        NOW + timedelta(days=1), "daily_cap"
    )
