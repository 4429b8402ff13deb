"""Names that were told are found in what is said; nothing else is taken for a name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from common.known_names import MAX_NAMES, find_names, names_in
from common.redaction import Category, redact, redact_json

NAMES = frozenset({"Anna de Bakker", "José Müller", "Ed", "Jan-Piet O’Neill"})
NAME = (Category.NAME,)


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ({"name": "Anna de Bakker"}, {"Anna de Bakker"}),
        ({"first_name": "Anna", "lastName": "Bakker"}, {"Anna", "Bakker"}),
        ({"Voornaam": "Anna", "achternaam": "Bakker"}, {"Anna", "Bakker"}),
        ({"Kunde_Nachname": "Bäcker"}, {"Bäcker"}),
        ({"customername": " Anna  Bakker "}, {"Anna Bakker"}),
        ({"contactperson": "Anna", "main_contact": "Ed"}, {"Anna", "Ed"}),
        ({"caller": {"name": "Anna"}}, {"Anna"}),
        ({"guests": [{"name": "Anna"}, {"name": "Ed"}]}, {"Anna", "Ed"}),
        ({"names": ["Anna", "Ed"]}, {"Anna", "Ed"}),
        ([{"name": "Anna"}, {"surname": "Bakker"}], {"Anna", "Bakker"}),
    ],
)
def test_a_key_says_that_a_name_follows(told: Any, names: set[str]) -> None:
    assert names_in(told) == names


@pytest.mark.parametrize(
    "told",
    [
        {"company_name": "Acme", "product": {"name": "Widget"}, "streetName": "Dam"},
        {"preferred_contact": "phone", "contact_method": "mail"},
        {"name": "anna@post.example"},
        {"name": "unknown"},
        {"name": "7"},
        {"name": "x" * 200},
        {"name": "one two three four five six seven"},
        {"name": None, "surname": 4, "guests": 2},
        {"namespace": "Anna", "rename": "Ed"},
        "Anna",
        None,
    ],
)
def test_what_is_no_persons_name_is_left_alone(told: Any) -> None:
    assert names_in(told) == frozenset()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("This is anna bakker speaking.", "This is [name] speaking."),
        ("Anna de Bakker, hello", "[name], hello"),
        ("It is B A K K E R", "It is [name]"),
        ("b-a-k-k-e-r, right?", "[name], right?"),
        ("Anna\u2019s order", "[name] order"),
        ("jose muller or JOS\u00c9", "[name] or [name]"),
        ("Jose\u0301 said so", "[name] said so"),
        ("Mr O\u2019Neill, Jan or Piet", "Mr [name], [name] or [name]"),
        ("Ed is here", "[name] is here"),
    ],
)
def test_a_name_is_found_however_it_is_said(text: str, left: str) -> None:
    assert redact(text, NAME, NAMES).text == left


@pytest.mark.parametrize(
    "text",
    ["Annabel edited the bakkery", "de la van der", "Mullerstrasse", "the needed one"],
)
def test_a_word_that_only_holds_one_stays(text: str) -> None:
    assert redact(text, NAME, NAMES).text == text


def test_names_stay_where_the_category_was_not_chosen() -> None:
    assert redact("Anna", (Category.EMAIL,), NAMES).text == "Anna"
    assert redact("Anna", tuple(Category)).text == "Anna"


def test_a_name_inside_of_an_address_is_told_as_the_address() -> None:
    text = "Anna, anna@bakker.example"
    assert redact(text, tuple(Category), NAMES).text == "[name], [email]"


def test_json_keeps_its_keys_and_its_shape() -> None:
    told = {"name": "Anna", "list": ["Ed", 4, None], "Anna": {"a": "Bakker"}}
    assert redact_json(told, NAME, NAMES) == {
        "name": "[name]",
        "list": ["[name]", 4, None],
        "Anna": {"a": "[name]"},
    }


def test_names_are_bounded() -> None:
    told = [{"name": f"Anna {chr(97 + n % 26)}{chr(97 + n // 26)}"} for n in range(99)]
    assert len(names_in(told)) == MAX_NAMES


@given(st.text(max_size=200), st.frozensets(st.text(max_size=30), max_size=5))
def test_any_text_and_any_name_can_be_looked_at(
    text: str, names: frozenset[str]
) -> None:
    at = 0
    for start, end in find_names(text, names):
        assert at <= start < end <= len(text)
        at = end
