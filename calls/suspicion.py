"""What calls that look like fraud have in common: rules on plain values.

Toll fraud calls ranges whose owner is paid by the minute: countries a client never
called, many numbers of one block, calls cut as soon as they are answered. The other way
round one caller rings again and again to use up the credits of whoever answers. The
kinds are those of the fraud surveys of the Communications Fraud Control Association:
international revenue share, range pumping, wangiri and traffic pumping.

These rules refuse nothing. They tell a person, who can stop the calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from calls.destinations import country_of

Kind = Literal["new_country", "number_block", "short_calls", "one_caller"]

# Within the hour looked at.
NEW_COUNTRY_CALLS: Final = 10
BLOCK_NUMBERS: Final = 15
BLOCK_DIGITS: Final = 2  # numbers that differ in these last digits are one block
SHORT_CALLS: Final = 20
SHORT_SHARE_PERCENT: Final = 80
SHORT_S: Final = 6
ONE_CALLER_CALLS: Final = 30


@dataclass(frozen=True)
class Seen:
    """A call of the hour: the other party, and for how long it was answered."""

    number: str
    is_outbound: bool
    seconds: float | None  # none: not answered, or it goes on


@dataclass(frozen=True)
class Suspicion:
    """`subject` is a country, the front of a block, a caller, or empty."""

    kind: Kind
    subject: str
    count: int


def suspicions(
    seen: Sequence[Seen], is_usual: Callable[[str], bool]
) -> list[Suspicion]:
    """Return what looks like fraud in an hour.

    `is_usual` says whether a country was called before; it is asked only about those
    called often enough to matter.
    """
    placed = [call for call in seen if call.is_outbound and call.number]
    return [
        *_new_countries(placed, is_usual),
        *_blocks(placed),
        *_short(placed),
        *_callers(call for call in seen if not call.is_outbound and call.number),
    ]


def _new_countries(
    placed: Sequence[Seen], is_usual: Callable[[str], bool]
) -> Iterable[Suspicion]:
    counts = Counter(country_of(call.number) for call in placed)
    for country, count in sorted(counts.items()):
        if country and count >= NEW_COUNTRY_CALLS and not is_usual(country):
            yield Suspicion("new_country", country, count)


def _blocks(placed: Sequence[Seen]) -> Iterable[Suspicion]:
    numbers = {call.number for call in placed}
    for block, count in sorted(Counter(n[:-BLOCK_DIGITS] for n in numbers).items()):
        if count >= BLOCK_NUMBERS:
            yield Suspicion("number_block", block, count)


def _short(placed: Sequence[Seen]) -> Iterable[Suspicion]:
    answered = [call.seconds for call in placed if call.seconds is not None]
    short = sum(seconds < SHORT_S for seconds in answered)
    if short >= SHORT_CALLS and short * 100 >= len(answered) * SHORT_SHARE_PERCENT:
        yield Suspicion("short_calls", "", short)


def _callers(received: Iterable[Seen]) -> Iterable[Suspicion]:
    for number, count in sorted(Counter(call.number for call in received).items()):
        if count >= ONE_CALLER_CALLS:
            yield Suspicion("one_caller", number, count)
