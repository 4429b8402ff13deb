"""The moment a person means by a time they say. Pure.

A model is asked for a date and a time; small ones say "tomorrow 10:00" or "friday at
half past two". Both are read on the clock at the person's place.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_FARTHEST: Final = timedelta(days=60)
_DAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_NUMBERS: Final = {
    word: number
    for number, word in enumerate(
        (
            "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
            "ten", "eleven", "twelve",
        ),
        start=1,
    )
}  # fmt: skip
_CLOCK: Final = re.compile(
    r"\b(?P<half>half past )?(?P<hour>\d{1,2}|" + "|".join(_NUMBERS) + r")"
    r"(?:[:.](?P<minute>\d{2}))?\s*(?:o'?clock)?\s*(?P<part>am|pm|a\.m\.|p\.m\.|"
    r"in the morning|in the afternoon|in the evening)?"
)
_IN: Final = re.compile(
    r"\bin (?P<count>\d+|an?|" + "|".join(_NUMBERS) + r") (?P<unit>minute|hour|day)s?\b"
)


class UnclearTime(ValueError):
    """No moment can be read from it; the message says what to ask."""


def moment_meant(text: str, *, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the moment that `text` names at a place; always in the future.

    Raises `UnclearTime` with a sentence for the model.
    """
    local = now.astimezone(zone)
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        at = _spoken(text.strip().lower(), local)
    at = at.replace(tzinfo=zone) if at.tzinfo is None else at
    if at <= now:
        raise UnclearTime("That time has passed. Ask for a time in the future.")
    if at - now > _FARTHEST:
        raise UnclearTime("That is too far ahead. Ask for a time within two months.")
    return at


def _spoken(text: str, local: datetime) -> datetime:
    if (wait := _IN.search(text)) is not None:
        count = wait["count"]
        number = _NUMBERS.get(count) or (int(count) if count.isdecimal() else 1)
        return local + timedelta(**{f"{wait['unit']}s": number})
    day = _day(text, local)
    clock = _CLOCK.search(text)
    if clock is None:
        raise UnclearTime("Ask at what time to call back, and on which day.")
    at = datetime.combine(day, _time(clock))
    if day == local.date() and "today" not in text:
        # "At ten", said at eleven: tonight's ten, or tomorrow's.
        while at <= local.replace(tzinfo=None):
            at += timedelta(hours=12 if clock["part"] is None else 24)
    return at


def _day(text: str, local: datetime) -> date:
    today = local.date()
    if "day after tomorrow" in text:
        return today + timedelta(days=2)
    if "tomorrow" in text:
        return today + timedelta(days=1)
    for number, name in enumerate(_DAYS):
        if name in text:
            return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)
    return today


def _time(clock: re.Match[str]) -> time:
    hour = _NUMBERS.get(clock["hour"]) or int(clock["hour"])
    minute = 30 if clock["half"] else int(clock["minute"] or 0)
    part = clock["part"] or ""
    if hour < 12 and (part.startswith("p") or "afternoon" in part or "evening" in part):
        hour += 12
    if hour == 12 and part.startswith("a"):
        hour = 0
    if hour > 23 or minute > 59:
        raise UnclearTime("There is no such time of day. Ask again.")
    return time(hour, minute)
