"""From expected phrases to what PocketSphinx needs: a grammar and a lexicon.

An utterance is one expected phrase, or else garbage: a loop over single phones that
any speech fits. Garbage tells the recogniser that the caller said something else, so
that it uses its language model instead of bending the words into the nearest phrase.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

# One pronunciation, phones separated by spaces; None when the word is unknown.
Lookup = Callable[[str], str | None]

GARBAGE_PREFIX = "g_"
MAX_PHRASES = 200

_PHONES = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F",
    "G", "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S",
    "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
# Garbage is this much likelier than a phrase before anything is heard. Measured on
# flite voices: below 10^10 unexpected sentences are bent into phrases, and even at
# 10^18 at most one of twenty expected phrases is taken for garbage.
_GARBAGE_WEIGHT = 10**14
# How a letter sounds when no dictionary knows the word; longest spelling first.
_SPELLINGS = {
    "sch": "SH", "tch": "CH", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "ck": "K",
    "qu": "K W", "ng": "NG", "oo": "UW", "ee": "IY", "ea": "IY", "ou": "AW", "ai": "EY",
    "ay": "EY", "oa": "OW", "ow": "OW", "au": "AO", "a": "AE", "b": "B", "c": "K",
    "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S",
    "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip


def words_of(phrase: str) -> list[str]:
    """The words as a lexicon spells them: lower case, apostrophes kept."""
    plain = phrase.lower().replace("’", "'")
    return [w for w in re.findall(r"[a-z']+", plain) if w.strip("'")]


def usable_phrases(phrases: Iterable[str]) -> tuple[str, ...]:
    """The distinct phrases a grammar can hold, in order, at most `MAX_PHRASES`.

    A phrase with digits or without Latin letters is left to the language model.
    """
    plain = (
        " ".join(words_of(phrase))
        for phrase in phrases
        if not re.search(r"[0-9]", phrase)
    )
    return tuple(dict.fromkeys(p for p in plain if p))[:MAX_PHRASES]


def jsgf(phrases: tuple[str, ...]) -> str:
    """The grammar for `phrases`, which come from `usable_phrases` and are not none."""
    garbage = " | ".join(GARBAGE_PREFIX + phone.lower() for phone in _PHONES)
    return (
        "#JSGF V1.0;\n"
        "grammar caller;\n"
        f"<garbage> = {garbage};\n"
        f"<phrase> = {' | '.join(phrases)};\n"
        f"public <utterance> = /1/ <phrase> | /{_GARBAGE_WEIGHT}/ <garbage>+;\n"
    )


def lexicon(phrases: tuple[str, ...], lookup: Lookup) -> str:
    """A dictionary file with every word of the grammar, all its pronunciations."""
    words = dict.fromkeys(word for phrase in phrases for word in phrase.split())
    lines = [
        f"{word if not n else f'{word}({n + 1})'} {sound}"
        for word in words
        for n, sound in enumerate(_pronunciations(word, lookup))
    ]
    lines += [f"{GARBAGE_PREFIX}{phone.lower()} {phone}" for phone in _PHONES]
    return "\n".join(lines) + "\n"


def is_garbage(hypothesis: str) -> bool:
    return GARBAGE_PREFIX in hypothesis


def _pronunciations(word: str, lookup: Lookup) -> list[str]:
    found = []
    sound = lookup(word)
    while sound is not None:
        found.append(sound)
        sound = lookup(f"{word}({len(found) + 1})")
    return found or [guess_pronunciation(word)]


def guess_pronunciation(word: str) -> str:
    """How a word of letters is likely to sound: rough, but better than never."""
    phones, at = [], 0
    letters = word.replace("'", "")
    while at < len(letters):
        spelling = next(
            letters[at : at + n]
            for n in (3, 2, 1)
            if letters[at : at + n] in _SPELLINGS
        )
        phones.append(_SPELLINGS[spelling])
        at += len(spelling)
    return " ".join(phones)
