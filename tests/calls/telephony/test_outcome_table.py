"""docs/call-outcomes.md is what the carriers' codes come to: each cell, and the rest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calls.node.front_desk import REJECT_AS
from calls.services.transfers import WORDS, Failure
from calls.session.events import EndReason
from calls.telephony.protocol import NoAnswerOutcome, RejectReason
from calls.telephony.simulator.callees import callee_at
from calls.telephony.sip import outcomes as sip
from calls.telephony.telnyx import wire as telnyx
from calls.telephony.twilio import wire as twilio

DOCUMENT = Path(__file__).parents[3] / "docs" / "call-outcomes.md"
OUTCOMES = {
    "busy": NoAnswerOutcome.BUSY,
    "no_answer": NoAnswerOutcome.NO_ANSWER,
    "rejected": NoAnswerOutcome.REJECTED,
    "carrier_failed": NoAnswerOutcome.FAILED,
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, its two head lines apart."""
    text = DOCUMENT.read_text().partition(f"# {heading}\n")[2].partition("\n#")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


TABLE = {row[0].strip("`"): row for row in rows("How calls end before they begin")}


def sip_codes(outcome: str) -> set[int]:
    return {int(code) for code in re.findall(r"\b[3-6]\d\d\b", TABLE[outcome][1])}


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "rejected"])
def test_a_sip_status_is_what_its_row_says(outcome: str) -> None:
    assert sip_codes(outcome)
    for code in sip_codes(outcome):
        assert sip.outcome_of(code) is OUTCOMES[outcome]


def test_every_other_final_sip_status_is_the_carriers_failure() -> None:
    listed = set().union(*(sip_codes(row) for row in ("busy", "no_answer", "rejected")))
    for code in set(range(300, 700)) - listed:
        assert sip.outcome_of(code) is NoAnswerOutcome.FAILED, code


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "carrier_failed"])
def test_a_status_of_twilio_is_what_its_row_says(outcome: str) -> None:
    documented = set(names(TABLE[outcome][2]))
    in_code = {word for word, o in twilio.OUTCOMES.items() if o is OUTCOMES[outcome]}
    assert documented == in_code


def test_twilio_tells_a_person_who_declines_by_the_sip_status() -> None:
    codes = set(re.findall(r"\d{3}", TABLE["rejected"][2]))
    assert codes == twilio.DECLINED
    for code in codes:
        assert twilio.outcome_of("busy", code) is NoAnswerOutcome.REJECTED


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "rejected"])
def test_a_cause_of_telnyx_is_what_its_row_says(outcome: str) -> None:
    documented = set(names(TABLE[outcome][3]))
    in_code = {word for word, o in telnyx.OUTCOMES.items() if o is OUTCOMES[outcome]}
    assert documented == in_code


@pytest.mark.parametrize("cause", ["not_found", "normal_clearing", "unspecified", ""])
def test_other_causes_of_telnyx_are_the_carriers_failure(cause: str) -> None:
    assert telnyx.outcome_of(cause) is NoAnswerOutcome.FAILED


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_simulated_callee_refuses_as_its_row_says(outcome: str) -> None:
    callee = callee_at(f"+312055500{TABLE[outcome][4]}")
    assert callee.refusal is OUTCOMES[outcome]


def test_every_way_to_turn_a_caller_away_has_its_row() -> None:
    table: dict[str, list[str]] = {}
    for row in rows("Calls that came in and were not taken"):
        for name in names(row[0]) or ["nobody"]:
            table[name] = row
    for reason, rejection in REJECT_AS.items():
        row = table["nobody" if reason is None else str(reason)]
        assert row[3].startswith(str(sip.REJECTIONS[rejection])), reason
        busy = 'reason="busy"' in twilio.reject_twiml(rejection)
        assert names(row[4]) == ["busy" if busy else "rejected"], reason
        assert names(row[5]) == [telnyx.REJECTIONS[rejection]], reason


def test_every_carrier_has_a_word_for_every_rejection() -> None:
    for reason in RejectReason:
        assert reason in sip.REJECTIONS
        assert reason in telnyx.REJECTIONS
        assert "<Reject" in twilio.reject_twiml(reason)


def test_every_end_reason_named_in_the_tables_exists() -> None:
    known = {str(reason) for reason in EndReason}
    assert set(TABLE) <= known
    for row in rows("Calls that came in and were not taken"):
        assert set(names(row[0])) <= known


def test_every_failure_of_a_transfer_is_documented_and_has_words() -> None:
    text = DOCUMENT.read_text().partition("# Transfers that did not come about")[2]
    text = text.partition("\n## ")[0]
    assert {str(failure) for failure in Failure} == set(names(text))
    assert set(WORDS) == set(Failure)
