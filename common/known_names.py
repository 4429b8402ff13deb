"""Names of persons that somebody told us, to be found again in what is said.

A name has no form, so only one that was told can be found: under a key that says so
(`name`, `last_name`, `voornaam`, `contactperson`), in a lead's variables or among the
facts that an analysis found. Each of its parts counts by itself, whatever its case and
accents, and also spelled letter by letter. A part that is a word too ("Mark", "Rose")
is found wherever that word is said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

MAX_NAMES: Final = 40
_MAX_CHARACTERS: Final = 120
_MAX_WORDS: Final = 6
_LEAST_SPELLED: Final = 3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of a key. `first_name`, `firstName` and `firstname` say the same.
_KEY_WORD: Final = re.compile(r"[A-ZÀ-Ý]?[a-zß-ÿ]+|[A-ZÀ-Ý]+(?![a-zß-ÿ])")
_SAYS_NAME: Final = _words(
    """
    name names naam namen surname firstname lastname fullname familyname givenname
    middlename nickname maidenname customername clientname callername contactname
    patientname guestname personname leadname membername voornaam achternaam
    klantnaam roepnaam vorname nachname familienname kundenname nom prenom nombre
    apellido apellidos cognome contact contactperson contactpersoon ansprechpartner
    kontaktperson
    """
)
_NOT_OF_A_PERSON: Final = _words(
    """
    company companies business organization organisation product campaign assistant
    agent city town street country file domain brand event service plan hotel
    restaurant shop store school voice model tool host field column list bedrijf
    bedrijfs firma firmen straat strasse plaats stad ort produkt dienst winkel
    societe empresa azienda method reason type preference preferred channel
    """
)
_NO_NAME: Final = _words(
    """
    unknown none null na anonymous onbekend anoniem unbekannt anonym inconnu
    """
)
# What stands in many names and is no name by itself.
_PARTICLES: Final = _words(
    """
    de den der des het van von vom zu zum zur ten ter te la le les du da di del
    della dos das el al bin ibn ben bint und en and y of the op aan in mr mrs ms
    miss dr prof ing drs sir madam dhr mevr mw meneer mevrouw herr frau jr sr
    """
)
_GENITIVE: Final = r"(?:['’]?s)?"
_BETWEEN: Final = r"[\s.,\-–]{1,3}"  # letters that are spelled


def names_in(told: Any) -> frozenset[str]:
    """Return the names told under keys that say so, at any depth of JSON."""
    return frozenset(list(dict.fromkeys(_names(told)))[:MAX_NAMES])


def _names(told: Any) -> Iterator[str]:
    if isinstance(told, Mapping):
        for key, value in told.items():
            words = _key_words(str(key))
            if _NOT_OF_A_PERSON.isdisjoint(words):
                if words and words[-1] in _SAYS_NAME:
                    yield from _values(value)
                if isinstance(value, Mapping | list):
                    yield from _names(value)
    elif isinstance(told, list):
        for one in told:
            yield from _names(one)


def _key_words(key: str) -> list[str]:
    return [folded(word) for word in _KEY_WORD.findall(key)]


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _values(one)
    if not isinstance(value, str) or not 1 < len(value) <= _MAX_CHARACTERS:
        return
    words = value.split()
    if "@" in value or len(words) > _MAX_WORDS or folded(value) in _NO_NAME:
        return
    if any(char.isalpha() for char in value):
        yield " ".join(words)


def folded(text: str) -> str:
    """Return a text as it is compared: no case, no accents."""
    return "".join(_fold(char) for char in text)


def _fold(char: str) -> str:
    plain = unicodedata.normalize("NFKD", char)
    return "".join(one for one in plain if not unicodedata.combining(one)).casefold()


def find_names(text: str, names: Collection[str]) -> Iterator[tuple[int, int]]:
    """Give where each of these names stands in a text, first to last."""
    pattern = _pattern(frozenset(names))
    if pattern is None:
        return
    plain: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for one in _fold(char):
            plain.append(one)
            places.append(place)
    for match in pattern.finditer("".join(plain)):
        end = places[match.end() - 1] + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        yield places[match.start()], end


@lru_cache(maxsize=256)
def _pattern(names: frozenset[str]) -> re.Pattern[str] | None:
    """Return what matches any part of these names, several in a row as one."""
    ways: set[str] = set()
    for name in names:
        words = _words_of(name)
        parts = [word for word in words if word not in _PARTICLES and len(word) > 1]
        if len(words) > 1 and parts:
            ways.add(r"[\s\-]+".join(map(re.escape, words)))
        for part in parts:
            ways.add(re.escape(part))
            if len(part) >= _LEAST_SPELLED:
                ways.add(_BETWEEN.join(map(re.escape, part)))
    if not ways:
        return None
    any_way = "|".join(sorted(ways, key=lambda way: (-len(way), way)))
    one = rf"(?:{any_way}){_GENITIVE}(?!\w)"
    return re.compile(rf"(?<!\w){one}(?:[\s\-]+{one})*")


def _words_of(name: str) -> list[str]:
    """Return the words of a name as they are compared: `Jan-Piet` is two."""
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", folded(name))
