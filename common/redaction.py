"""Find personal data in what people said, and take it out.

Each category has a pattern and, where the thing itself has one, a check digit: a card
number must pass Luhn (ISO/IEC 7812), an account number modulo 97 (ISO 13616), a Dutch
citizen number its weighted sum of eleven. Speech recognition also writes digits as
words ("four two nine"), so runs of number words are read as digits first.

What has no form (addresses, illnesses) cannot be found this way and is not promised;
of names, those that were told (`common.known_names`) and no others. A category is taken
out whole; `[payment card]` stands where it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from common.known_names import find_names


class Category(StrEnum):
    """A kind of personal data that can be told: by its form, and a name by knowing it."""

    EMAIL = "email"
    PHONE_NUMBER = "phone_number"
    PAYMENT_CARD = "payment_card"
    BANK_ACCOUNT = "bank_account"
    NATIONAL_ID = "national_id"
    DATE_OF_BIRTH = "date_of_birth"
    IP_ADDRESS = "ip_address"
    NAME = "name"


@dataclass(frozen=True)
class Found:
    """One piece of personal data, from `start` to `end` in the text."""

    category: Category
    start: int
    end: int


@dataclass(frozen=True)
class Redacted:
    """A text without the personal data of the categories asked for."""

    text: str
    found: tuple[Found, ...]


# Number words, as recognisers write them when they do not write digits.
_WORDS: Final = {
    word: str(digit)
    for names in (
        "zero one two three four five six seven eight nine",
        "nul een twee drie vier vijf zes zeven acht negen",
        "null eins zwei drei vier fünf sechs sieben acht neun",
    )
    for digit, word in enumerate(names.split())
} | {"oh": "0", "één": "1", "zwo": "2"}
_WORD_RUN: Final = re.compile(
    rf"\b(?:{'|'.join(_WORDS)})(?:[\s,.\-]+(?:{'|'.join(_WORDS)}|\d+))+\b",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"\d+|\w+")
_LEAST_SPOKEN_DIGITS: Final = 4


def is_luhn(digits: str) -> bool:
    """Whether the last digit checks the others, as on every payment card."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether an account number's check digits are right."""
    moved = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def is_bsn(digits: str) -> bool:
    """Whether nine digits are a Dutch citizen number."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    total = sum(w * int(d) for w, d in zip(weights, digits, strict=True))
    return total % 11 == 0 and digits != "0" * 9


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _is_card(text: str) -> bool:
    return 13 <= len(digits := _digits(text)) <= 19 and is_luhn(digits)


def _is_account(text: str) -> bool:
    return is_iban(re.sub(r"\s", "", text).upper())


def _is_national_id(text: str) -> bool:
    digits = _digits(text)
    return "-" in text or (len(digits) == 9 and is_bsn(digits))


def _is_phone(text: str) -> bool:
    return 7 <= len(_digits(text)) <= 15


def _always(text: str) -> bool:
    return True


_MONTHS: Final = (
    r"jan(?:uary|uari|uar)?|feb(?:ruary|ruari|ruar)?|mar(?:ch)?|maart|märz|apr(?:il)?|may|mei|mai|"
    r"jun(?:e|i)?|jul(?:y|i)?|aug(?:ust|ustus)?|sep(?:tember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?"
)
# In the order in which they claim a piece of text: the most certain first.
_RULES: Final[tuple[tuple[Category, re.Pattern[str], Callable[[str], bool]], ...]] = (
    (
        Category.EMAIL,
        re.compile(
            r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
            r"|\b\w[\w.+-]*\s+(?:at|apenstaartje)\s+[\w-]+(?:\s+(?:dot|punt|punkt)\s+[\w-]+)+",
            re.IGNORECASE,
        ),
        _always,
    ),
    (
        Category.BANK_ACCOUNT,
        re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{1,4}){3,8}\b"),
        _is_account,
    ),
    (Category.PAYMENT_CARD, re.compile(r"\b\d(?:[ .-]?\d){12,18}\b"), _is_card),
    (
        Category.IP_ADDRESS,
        re.compile(
            r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"
        ),
        _always,
    ),
    (
        Category.DATE_OF_BIRTH,
        re.compile(
            rf"\b(?:\d{{1,2}}[./-]\d{{1,2}}[./-](?:19|20)\d{{2}}|(?:19|20)\d{{2}}-\d{{2}}-\d{{2}}"
            rf"|\d{{1,2}}(?:st|nd|rd|th|\.|e)?\s+(?:of\s+)?(?:{_MONTHS})\.?,?\s+(?:19|20)\d{{2}}"
            rf"|(?:{_MONTHS})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:19|20)\d{{2}})\b",
            re.IGNORECASE,
        ),
        _always,
    ),
    (
        Category.NATIONAL_ID,
        re.compile(
            r"\b\d{3}-\d{2}-\d{4}\b|\b\d{3}[ .]?\d{3}[ .]?\d{3}\b|\b\d{4}[ .]\d{2}[ .]\d{3}\b"
        ),
        _is_national_id,
    ),
    (
        Category.PHONE_NUMBER,
        re.compile(r"(?<![\w.])\+?\(?\d(?:[ ()./-]{0,2}\d){6,14}\b"),
        _is_phone,
    ),
)


def redact(
    text: str, categories: Collection[Category], names: Collection[str] = ()
) -> Redacted:
    """Return the text with `[category]` where personal data of these kinds was.

    Positions count in the text given. A digit run that is told as one kind is not told
    as another: with cards alone asked for, a phone number stays. `names` are those to
    find as `Category.NAME`.
    """
    known = names if Category.NAME in categories else ()
    found = [one for one in _all_found(text, known) if one.category in categories]
    parts: list[str] = []
    at = 0
    for one in found:
        parts += [text[at : one.start], f"[{one.category.replace('_', ' ')}]"]
        at = one.end
    return Redacted("".join([*parts, text[at:]]), tuple(found))


def redact_json(
    value: Any, categories: Collection[Category], names: Collection[str] = ()
) -> Any:
    """Return JSON with personal data taken out of every text in it; keys stay."""
    if isinstance(value, str):
        return redact(value, categories, names).text
    if isinstance(value, dict):
        return {key: redact_json(one, categories, names) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(one, categories, names) for one in value]
    return value


def _all_found(text: str, names: Collection[str]) -> list[Found]:
    """Every piece of personal data, in order, none over another."""
    plain, places = _with_digits(text)
    taken: list[Found] = []
    for category, pattern, is_one in _RULES:
        for match in pattern.finditer(plain):
            start, end = places[match.start()], places[match.end() - 1] + 1
            end = _word_end(text, end)
            is_free = all(end <= one.start or start >= one.end for one in taken)
            if is_free and is_one(match.group()):
                taken.append(Found(category, start, end))
    for start, end in find_names(text, names):
        if all(end <= one.start or start >= one.end for one in taken):
            taken.append(Found(Category.NAME, start, end))
    return sorted(taken, key=lambda one: one.start)


def _word_end(text: str, end: int) -> int:
    """Go on to the end of the word, so that no part of a number word is left."""
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return end


def _with_digits(text: str) -> tuple[str, list[int]]:
    """Return the text with spoken digits as digits, and where each character came from."""
    plain: list[str] = []
    places: list[int] = []
    at = 0
    for start, end, digits in _spoken(text):
        plain += text[at:start]
        places += range(at, start)
        for place, digit in digits:
            plain.append(digit)
            places.append(place)
        at = end
    plain += text[at:]
    places += range(at, len(text))
    return "".join(plain), places


def _spoken(text: str) -> Iterator[tuple[int, int, list[tuple[int, str]]]]:
    for run in _WORD_RUN.finditer(text):
        digits: list[tuple[int, str]] = []
        for word in _WORD.finditer(run.group()):
            spelled = _WORDS.get(word.group().lower(), word.group())
            # The last character of a word stands for it, so that an end is its end.
            last = run.start() + word.end() - 1
            first = run.start() + word.start()
            digits += [
                (first if index == 0 else last, digit)
                for index, digit in enumerate(spelled)
            ]
        if len(digits) >= _LEAST_SPOKEN_DIGITS:
            yield run.start(), run.end(), digits
