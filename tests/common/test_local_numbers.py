"""Numbers and amounts stand as the reader's language writes them, digit for digit."""

from __future__ import annotations

import pytest
from django.utils import translation

from common.cash import format_cents, lazy_cents, parse_cents
from common.local_numbers import (
    lazy_credits,
    local_credits,
    local_number,
    typed_decimal,
)


@pytest.mark.parametrize(
    ("language", "number", "amount"),
    [
        ("en", "-1,234,567.500001", "-€ 1,234.56"),
        ("nl", "-1.234.567,500001", "€ -1.234,56"),
        ("de", "-1.234.567,500001", "-1.234,56 €"),
    ],
)
def test_each_language_has_its_marks_and_its_place_of_the_sign(
    language: str, number: str, amount: str
) -> None:
    with translation.override(language):
        assert local_number("-1234567.500001") == number
        assert format_cents(-123_456).replace("\N{NO-BREAK SPACE}", " ") == amount


def test_an_amount_does_not_break_over_two_lines() -> None:
    for language in ("en", "nl", "de"):
        with translation.override(language):
            assert " " not in format_cents(5, "chf")


def test_no_digit_of_a_credit_is_lost() -> None:
    with translation.override("de"):
        assert local_credits(1_234_567_891) == "1.234,567891"
        assert local_credits(140_000) == "0,14"
        assert local_credits(5_000_000, places=0) == "5"


def test_a_lazy_amount_waits_for_its_reader() -> None:
    with translation.override("en"):
        credits, cents = lazy_credits(1_500_000), lazy_cents(4_900)
    with translation.override("de"):
        assert (str(credits), str(cents)) == ("1,50", "49,00\N{NO-BREAK SPACE}€")


@pytest.mark.parametrize("text", ["1,000", "1.000", "0.999", "1e-3", "nan", "inf", "x"])
def test_an_amount_that_could_be_a_thousand_is_not_taken(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        parse_cents(text)


def test_an_amount_is_read_with_either_mark() -> None:
    assert [parse_cents(text) for text in ("12.50", " 12,5", "1000")] == [
        1250,
        1250,
        100_000,
    ]


@pytest.mark.parametrize(
    ("language", "unclear", "clear"),
    [("en", "1,000", "1.000"), ("nl", "1.000", "1,000"), ("de", "250.000", "0.125")],
)
def test_credits_that_could_be_thousands_are_not_taken(
    language: str, unclear: str, clear: str
) -> None:
    with translation.override(language):
        assert typed_decimal(clear) == clear.replace(",", ".")
        with pytest.raises(ValueError, match="thousand"):
            typed_decimal(unclear)
