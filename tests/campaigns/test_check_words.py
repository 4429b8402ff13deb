"""What a check found is kept as codes and numbers, and told in the reader's language."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from calls.errors import NoCapacity
from campaigns.checks import checked, local_times, words_of

FOUND: dict[str, list[tuple[dict[str, Any], str]]] = {
    "lists": [
        ({}, "On none of the three lists"),
        (
            {"level": "agency", "source": "registry"},
            "The agency’s list, which holds for all its clients: External register",
        ),
    ],
    "suppressed": [
        (
            {"level": "operator", "source": "api"},
            "The operator’s list, which holds for everybody: API",
        )
    ],
    "registers": [
        (
            {"asked": [{"name": "TPS", "level": "agency"}], "answer": "listed"},
            "Listed in TPS (the agency’s register for all its clients)",
        ),
        (
            {"asked": [{"name": "TPS", "level": "client"}], "answer": "silent"},
            "TPS (the client’s own register) does not answer",
        ),
        (
            {"asked": [{"name": "TPS", "level": "client"}], "answer": "unasked"},
            "TPS (the client’s own register) has not been asked yet",
        ),
        (
            {"asked": [{"name": "TPS", "level": "operator"}]},
            "Not listed in TPS (the operator’s register for everybody)",
        ),
    ],
    "consent": [
        ({"note": "", "needed": True}, "Declared for the whole list (needed there)"),
        (
            {"basis": "written", "proof": "form 12", "needed": False},
            "Written consent, proof: form 12 (not asked for there)",
        ),
        ({"basis": "", "proof": "", "needed": True}, "None on record (needed there)"),
    ],
    "destination": [
        ({"why": ""}, "Allowed"),
        ({"why": "country"}, "Calls to this country are not allowed."),
    ],
    "time_zone": [
        ({}, "Not known"),
        (
            {"zones": ["America/Denver"], "more": 2, "source": "number"},
            "America/Denver… (by the number)",
        ),
    ],
    "campaign_hours": [({"local": "Thu 13:00"}, "Thu 13:00")],
    "legal_hours": [
        (
            {"local": "Thu 13:00", "regions": ["US-FL", "US"]},
            "Thu 13:00, by the rules of US-FL, US",
        )
    ],
    "person": [
        ({"made": 1, "cap": None, "gap_s": 0}, "1 call in 24 hours, no cap"),
        (
            {"made": 3, "cap": 3, "gap_s": 60},
            "3 calls in 24 hours, at most 3, 60 s apart",
        ),
    ],
    "caller_id": [
        ({}, "All numbers have made their calls of the day"),
        ({"number": "+31201234567", "used": 1}, "+31201234567, 1 call today"),
        ({"number": "+31201234567"}, "+31201234567, as often as needed"),
    ],
    "attempts": [({"number": 1, "of": 3}, "1 of 3")],
    "pace": [
        (
            {"at": "2026-11-26T12:00:01.250000+00:00", "trunk": "Main"},
            "12:00:01.250 UTC on trunk Main",
        )
    ],
    "credit": [
        ({"held_s": 60, "price": 140_000}, "60 s held at 0.14 credits a minute")
    ],
    "voice": [({"node": "n1"}, "A place on process n1")],
    "no_capacity": [({"said": NoCapacity.message}, NoCapacity.message)],
}
CASES = [(name, found, says) for name, all_ in FOUND.items() for found, says in all_]


@pytest.mark.parametrize(("name", "found", "says"), CASES)
def test_every_finding_has_words(name: str, found: dict[str, Any], says: str) -> None:
    assert words_of(checked(name, True, **found)) == says


@pytest.mark.parametrize("language", ["nl", "de"])
@pytest.mark.parametrize(("name", "found", "says"), CASES)
def test_words_are_the_readers(
    name: str, found: dict[str, Any], says: str, language: str
) -> None:
    with translation.override(language):
        assert words_of(checked(name, True, **found)) not in ("", says)


def test_a_record_of_before_there_were_codes_is_shown_as_it_is() -> None:
    old = {"check": "lists", "ok": True, "detail": "on none of three"}
    assert words_of(old) == "on none of three"


def test_days_are_in_the_readers_language() -> None:
    with translation.override("de"):
        assert local_times("Thu 13:05 / Fri 00:05") == "Do 13:05 / Fr 00:05"
    assert local_times("") == ""
