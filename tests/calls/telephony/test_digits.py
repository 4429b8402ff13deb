"""Keys of a telephone."""

from __future__ import annotations

import pytest

from calls.telephony.digits import MAX_KEPT, DigitBox, checked_digits


def test_keys_pressed_before_anybody_listens_are_heard_in_order() -> None:
    box, heard = DigitBox(), list[str]()
    for key in "12#":
        box.press(key)
    box.listen(heard.append)
    box.press("4")
    box.listen(None)
    box.press("5")
    assert heard == ["1", "2", "#", "4"]
    box.listen(heard.append)
    assert heard[-1] == "5"


def test_only_the_last_keys_are_kept() -> None:
    box, heard = DigitBox(), list[str]()
    for number in range(MAX_KEPT + 3):
        box.press(str(number % 10))
    box.listen(heard.append)
    assert len(heard) == MAX_KEPT
    assert heard[0] == "3"


@pytest.mark.parametrize("digits", ["", "12x", "1 2", "+31"])
def test_what_is_no_key_is_refused(digits: str) -> None:
    with pytest.raises(ValueError, match="No keys of a telephone"):
        checked_digits(digits)


def test_keys_are_sent_in_upper_case_and_pauses_kept() -> None:
    assert checked_digits("1w2#dW") == "1w2#Dw"
