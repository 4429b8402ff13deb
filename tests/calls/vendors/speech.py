"""Spoken phrases for the recogniser, and how wrong its words are."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from functools import cache

import pytest

needs_flite = pytest.mark.skipif(
    shutil.which("flite") is None, reason="flite is not installed"
)
PHRASES = (
    "what are your opening hours",
    "are you open on saturday",
    "i would like to book a table for two people",
    "can i speak to a human please",
    "my name is peter johnson",
    "where are you located",
    "how much does it cost",
    "i want to cancel my appointment",
    "please repeat that",
    "thank you very much",
    "goodbye",
    "yes please",
    "no thank you",
    "what time is it",
    "do you have parking",
    "i need help with my order",
    "can you call me back tomorrow morning",
    "is there a discount for students",
    "please stop calling me",
    "the weather is nice today",
)


@cache
def spoken(text: str, voice: str = "rms") -> bytes:
    """`text` by flite as s16 mono 16 kHz, between silences of 300 ms."""
    done = subprocess.run(
        ["flite", "-voice", voice, "-t", text, "-o", "/dev/stdout"],
        capture_output=True,
        check=True,
    )
    with wave.open(io.BytesIO(done.stdout)) as audio:
        assert audio.getframerate() == 16_000
        return silence(300) + audio.readframes(audio.getnframes()) + silence(300)


def silence(ms: int) -> bytes:
    return bytes(ms * 32)


def wrong_words(expected: str, heard: str) -> int:
    """The least words to change, add or drop to get from one to the other."""
    target, row = heard.split(), list(range(len(heard.split()) + 1))
    for count, word in enumerate(expected.split(), 1):
        last, row = row, [count]
        for at, other in enumerate(target, 1):
            row.append(
                min(row[at - 1] + 1, last[at] + 1, last[at - 1] + (word != other))
            )
    return row[-1]


def word_error_rate(pairs: list[tuple[str, str]]) -> float:
    wrong = sum(wrong_words(expected, heard) for expected, heard in pairs)
    return wrong / sum(len(expected.split()) for expected, _ in pairs)
