"""What pays the one who is called is not called; countries are the owner's choice."""

import pytest

from calls.destinations import DestinationRules, country_of

OPEN = DestinationRules()


@pytest.mark.parametrize(
    ("number", "refusal"),
    [
        ("+31201234567", ""),
        ("+31612345678", ""),
        ("+14155552671", ""),
        ("+319001234", "premium"),  # the Netherlands, 0900
        ("+449098790123", "premium"),  # the United Kingdom, 090
        ("+19005551234", "premium"),  # the United States, 900
        ("+491805123456", "premium"),  # Germany, 0180: shared cost
        ("+979123456789", "premium"),  # international premium rate
        ("+12129765551", "premium"),  # the 976 exchange of an American area
        # With digits too many, which a carrier ignores.
        ("+31900123499", "premium"),
        ("+499001234567890", "premium"),
        ("+398991234567", "premium"),
        ("+1900555123456", "premium"),
        # Short numbers of a country, written as if they were of its plan.
        ("+49112", "unknown"),
        ("+4911833", "unknown"),
        ("+44118118", "unknown"),
        ("+311888", "unknown"),
        ("+881612345678", "satellite"),
        ("+88213123456", "satellite"),
        ("+870773111111", "satellite"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_costly_kinds_are_refused_unless_allowed(number, refusal):
    assert OPEN.refusal(number) == refusal


def test_premium_numbers_can_be_allowed():
    rules = DestinationRules(allows_premium=True)
    assert rules.refusal("+319001234") == ""
    assert rules.refusal("+881612345678") == ""


def test_only_the_countries_chosen_are_called():
    rules = DestinationRules(countries=frozenset({"NL", "BE"}))
    assert rules.refusal("+31201234567") == ""
    assert rules.refusal("+32470123456") == ""
    assert rules.refusal("+442079460000") == "country"
    assert rules.refusal("+14155552671") == "country"


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("US", "+18765551234"),  # Jamaica, in the plan of North America
        ("US", "+18765551234999"),
        ("US", "+18091234567"),
        ("US", "+164955512345"),
        ("GB", "+447781123456"),  # Guernsey, in the plan of the United Kingdom
        ("GB", "+44778112345699"),
        ("GB", "+44148125678999"),
        ("RU", "+7701234567899"),  # Kazakhstan, in the plan of Russia
        ("FI", "+35818123456"),  # Åland
    ],
)
def test_no_country_hides_behind_one_that_shares_its_plan(country, number):
    rules = DestinationRules(countries=frozenset({country}))
    assert rules.refusal(number) == "country"


def test_digits_too_many_make_no_number_of_another_country():
    rules = DestinationRules(countries=frozenset({"GB"}))
    assert rules.refusal("+44207946000012") == ""


def test_a_blocked_prefix_goes_before_everything():
    rules = DestinationRules(
        countries=frozenset({"NL"}), blocked_prefixes=frozenset({"+3197"})
    )
    assert rules.refusal("+3197010281234") == "prefix"
    assert rules.refusal("+31201234567") == ""


def test_the_stricter_of_two_keeps_both():
    agency = DestinationRules(frozenset({"NL", "BE"}), frozenset({"+3197"}), True)
    client = DestinationRules(frozenset({"BE", "DE"}), frozenset({"+3290"}), True)
    both = agency.stricter(client)
    assert both == DestinationRules(
        frozenset({"BE"}), frozenset({"+3197", "+3290"}), True
    )
    assert both == client.stricter(agency)
    assert agency.stricter(OPEN).countries == {"NL", "BE"}
    assert not agency.stricter(OPEN).allows_premium


def test_with_no_country_in_common_none_is_left():
    nowhere = DestinationRules(frozenset({"NL"})).stricter(
        DestinationRules(frozenset({"DE"}))
    )
    assert nowhere.refusal("+31201234567") == "country"
    assert nowhere.refusal("+4930123456") == "country"


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+31201234567", "NL"),
        ("+14165551234", "CA"),
        ("+18765551234", "JM"),
        ("+447700900123", "GB"),
        ("+881612345678", ""),
        ("nonsense", ""),
    ],
)
def test_the_country_of_a_number(number, country):
    assert country_of(number) == country
