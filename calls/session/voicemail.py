"""Telling a voicemail from a person by the first words heard on an outbound call.

Keywords, as in the public product: a greeting of a machine nearly always has one. Meant
for the first utterance only; later in a conversation people say "message" too.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from typing import Final


class Certainty(IntEnum):
    """How much the words of a greeting say."""

    NONE = 0
    PERHAPS = 1  # people say these too: "I am not available on Monday"
    SURE = 2


_ENGLISH: Final = (
    "voicemail",
    "voice mail",
    "leave a message",
    "leave your message",
    "please record",
    "unavailable",
    "not available",
    "not here",
    "after the tone",
    "after the beep",
    "press star",
    "speak your message",
    "call back later",
    "mailbox",
    "beep",
    "message",
)
_DUTCH: Final = (
    "voicemail",
    "antwoordapparaat",
    "bericht achter",
    "bericht achterlaten",
    "bericht inspreken",
    "spreek een bericht",
    "spreek uw bericht",
    "spreek je bericht",
    "spreek in",
    "inspreken",
    "niet bereikbaar",
    "niet beschikbaar",
    "niet aanwezig",
    "niet thuis",
    "na de toon",
    "na de piep",
    "na de pieptoon",
    "druk op sterretje",
    "toets sterretje",
    "bel later terug",
    "later terugbellen",
    "piep",
    "pieptoon",
    "bericht",
)


def _pattern(keywords: tuple[str, ...]) -> re.Pattern[str]:
    # Longest first is for the reader of a match only; any one of them decides.
    words = sorted({*keywords}, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + r")\b")


_BY_LANGUAGE: Final[dict[str, re.Pattern[str]]] = {
    "en": _pattern(_ENGLISH),
    "nl": _pattern(_DUTCH + _ENGLISH),
}
_ANY: Final = _pattern(_DUTCH + _ENGLISH)


def sounds_like_voicemail(text: str, language: str) -> bool:
    """Tell whether the first words of a call are a voicemail's greeting.

    `language` is a BCP 47 tag such as `nl-NL`. English greetings are known in every
    language, since carriers play them abroad too; an unlisted language gets all lists.
    """
    primary = language.replace("_", "-").partition("-")[0].casefold()
    return bool(_BY_LANGUAGE.get(primary, _ANY).search(_plain(text)))


# People say these on the telephone as well; alone they are no proof.
_DOUBTFUL: Final = frozenset(
    {
        *("unavailable", "not available", "not here", "beep", "message"),
        *("call back later", "bel later terug", "later terugbellen"),
        *("niet bereikbaar", "niet beschikbaar", "niet aanwezig", "niet thuis"),
        *("piep", "pieptoon", "bericht"),
    }
)


def voicemail_words(text: str, language: str) -> Certainty:
    """Tell how sure the first words of a call make us that a machine says them."""
    primary = language.replace("_", "-").partition("-")[0].casefold()
    found = set(_BY_LANGUAGE.get(primary, _ANY).findall(_plain(text)))
    if found - _DOUBTFUL:
        return Certainty.SURE
    return Certainty.PERHAPS if found else Certainty.NONE


def _plain(text: str) -> str:
    """Lower case, no accents, one space between words, hyphens as spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w']+", " ", letters).split())
