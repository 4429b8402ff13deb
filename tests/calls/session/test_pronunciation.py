"""Words are said as the list says, and written as they are."""

from __future__ import annotations

import random

import pytest

from assistants.speech_shapes import Pronunciation, SpeechConfig
from calls.session.events import Speaker
from calls.session.pronunciation import Pronouncer
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import answer, script, user_says
from tests.virtual_time import virtual_time


def entries(**pairs: str) -> list[Pronunciation]:
    return [
        Pronunciation.model_validate({"from": a, "to": b}) for a, b in pairs.items()
    ]


def spoken(text: str, pieces: list[int], **pairs: str) -> str:
    pronouncer = Pronouncer(entries(**pairs))
    said, start = "", 0
    for end in [*pieces, len(text)]:
        said += pronouncer.feed(text[start:end])
        start = end
    return said + pronouncer.flush()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Call KvK now", "Call kah-vay-kah now"),
        ("kvk is not KvK.", "kvk is not kah-vay-kah."),
        ("KvKK", "kah-vay-kahK"),
        ("BVBA or BV", "B V B A or B V"),
        ("nothing", "nothing"),
    ],
)
def test_text_is_the_same_however_it_is_cut(text, expected):
    pairs = {"KvK": "kah-vay-kah", "BV": "B V", "BVBA": "B V B A"}
    dice = random.Random(3)
    for _ in range(200):
        cuts = sorted(dice.randrange(len(text) + 1) for _ in range(dice.randrange(6)))
        assert spoken(text, cuts, **pairs) == expected


def test_what_was_put_in_is_not_looked_at_again():
    assert spoken("a b", [1, 2], a="b", b="a") == "b a"


def test_fifty_entries_are_the_limit():
    pair = {"from": "x", "to": "y"}
    SpeechConfig.model_validate({"pronunciation": [pair] * 50})
    with pytest.raises(ValueError, match="at most 50"):
        SpeechConfig.model_validate({"pronunciation": [pair] * 51})


@virtual_time
async def test_the_voice_gets_the_sounds_and_the_transcript_the_words():
    talk = script(
        user_says("Where?", from_s=1.0, to_s=1.5),
        answers=[answer("Ask the KvK in Deventer.")],
    )
    spec = make_spec("Welcome at KvK.")
    spec = spec.model_copy(
        update={
            "speech_config": spec.speech_config.model_copy(
                update={"pronunciation": tuple(entries(KvK="kah vay kah"))}
            )
        }
    )
    call = Conversation(talk, spec)
    await call.run(hangs_up_s=7)
    assert [t.text for t in call.turns(Speaker.ASSISTANT)] == [
        "Welcome at KvK.",
        "Ask the KvK in Deventer.",
    ]
    assert call.vendors.tts.texts == [
        "Welcome at kah vay kah.",
        "Ask the kah vay kah in Deventer.",
    ]
