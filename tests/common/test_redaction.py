"""Personal data is found by its form and check digits, also in spoken digits."""

import pytest
from hypothesis import given, strategies as st

from common.redaction import Category, is_bsn, is_iban, is_luhn, redact

EVERYTHING = tuple(Category)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "Mail me at jan.de-boer+x@post.example.nl please",
            "Mail me at [email] please",
        ),
        ("it is jan at example dot com", "it is [email]"),
        ("My card is 4242 4242 4242 4242.", "My card is [payment card]."),
        ("Card 4242-4242-4242-4242, thanks", "Card [payment card], thanks"),
        ("NL91 ABNA 0417 1643 00 is the account", "[bank account] is the account"),
        ("Call +31 (0)20 123 45 67 tomorrow", "Call [phone number] tomorrow"),
        ("my number is 06-12345678", "my number is [phone number]"),
        ("BSN 111222333", "BSN [national id]"),
        ("SSN 123-45-6789", "SSN [national id]"),
        ("born 3 March 1980 in Ede", "born [date of birth] in Ede"),
        ("geboren op 03-03-1980", "geboren op [date of birth]"),
        ("on 1980-03-03", "on [date of birth]"),
        ("server 192.168.1.20 is down", "server [ip address] is down"),
        (
            "four two four two four two four two four two four two four two four two ok",
            "[payment card] ok",
        ),
        (
            "het is nul zes een twee drie vier vijf zes zeven acht",
            "het is [phone number]",
        ),
        ("null eins fünf eins zwei drei vier fünf sechs", "[phone number]"),
    ],
)
def test_each_kind_is_taken_out(text, left):
    assert redact(text, EVERYTHING).text == left


@pytest.mark.parametrize(
    "text",
    [
        "I would like two tables for four people at nine",
        "The order number is 12345",
        "That is 25 euros and 50 cents",
        "one of the seven",
        "Room 404",
        "It took 3.14 seconds",
        "In 2026 we open at 9",
    ],
)
def test_ordinary_numbers_stay(text):
    assert redact(text, EVERYTHING).text == text


def test_a_card_with_a_wrong_check_digit_is_no_card():
    assert redact("4242 4242 4242 4241", {Category.PAYMENT_CARD}).found == ()


def test_only_the_kinds_asked_for_are_taken_out():
    text = "Card 4242 4242 4242 4242, mail a@b.example"
    assert (
        redact(text, {Category.EMAIL}).text == "Card 4242 4242 4242 4242, mail [email]"
    )


def test_a_card_is_not_taken_for_a_telephone_number():
    assert redact("4242 4242 4242 4242", {Category.PHONE_NUMBER}).found == ()


def test_positions_count_in_the_text_that_was_given():
    text = "say four two nine one two three four five now"
    (one,) = redact(text, EVERYTHING).found
    assert text[one.start : one.end] == "four two nine one two three four five"


@given(st.text(max_size=300))
def test_no_text_breaks_it_and_what_is_not_found_stays(text):
    done = redact(text, EVERYTHING)
    if not done.found:
        assert done.text == text
    assert all(0 <= one.start < one.end <= len(text) for one in done.found)


@given(st.text(alphabet="0123456789 -.+@abcdefnine", max_size=60))
def test_what_was_taken_out_is_gone(text):
    for one in redact(text, EVERYTHING).found:
        piece = text[one.start : one.end]
        if len(piece) > 6:
            assert piece not in redact(text, EVERYTHING).text


def test_check_digits():
    assert is_luhn("79927398713")
    assert not is_luhn("79927398710")
    assert is_iban("DE89370400440532013000")
    assert not is_iban("DE89370400440532013001")
    assert is_bsn("111222333")
    assert not is_bsn("000000000")
