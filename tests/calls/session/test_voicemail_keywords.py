"""Voicemail by its first words, in the reference's own keywords."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from calls.session.voicemail import sounds_like_voicemail
from calls.telephony.simulator.callees import VOICEMAIL_GREETING


@pytest.mark.parametrize(
    "text",
    [
        VOICEMAIL_GREETING,
        "You have reached the VOICEMAIL of",
        "please leave a message",
        "please record your name",
        "the person you are calling is unavailable",
        "I'm not here",
        "after the tone",
        "after the\nbeep",
        "press star to",
        "speak your message",
        "call back later",
        "this mailbox is full",
    ],
)
def test_english_greetings_are_known_in_every_language(text: str) -> None:
    assert sounds_like_voicemail(text, "en")
    assert sounds_like_voicemail(text, "en-GB")
    assert sounds_like_voicemail(text, "nl")
    assert sounds_like_voicemail(text, "fr")


@pytest.mark.parametrize(
    "text",
    [
        "Dit is de voicemail van Jan",
        "Spreek een bericht in na de piep",
        "Laat een bericht achter",
        "Ik ben momenteel niet bereikbaar",
        "Wij zijn niet aanwezig, bel later terug",
        "U kunt na de toon inspreken",
        "Druk op sterretje",
    ],
)
def test_dutch_greetings_are_known_where_dutch_is_spoken(text: str) -> None:
    assert sounds_like_voicemail(text, "nl-NL")
    assert sounds_like_voicemail(text, "")


@pytest.mark.parametrize("language", ["en", "nl", "de"])
@pytest.mark.parametrize(
    "text",
    ["", "Yes, this is he.", "Hello?", "Speaking, who is this?", "Met Jan", "beeping"],
)
def test_people_are_not_machines(text: str, language: str) -> None:
    assert not sounds_like_voicemail(text, language)


@given(st.text(), st.text(max_size=8))
def test_any_text_gets_an_answer(text: str, language: str) -> None:
    assert sounds_like_voicemail(text, language) in {True, False}
    assert sounds_like_voicemail(f"{text} voicemail {text}", language)
