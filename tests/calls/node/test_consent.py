"""Consent before anything: asked, answered by key or word, proved; nothing before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from assistants.spec import RecordingConsent
from calls.models import Call, RecordingConsent as ConsentRow
from calls.node import shelf
from calls.node.consent_gate import QUESTIONS, question_for
from calls.node.studio import Studio
from calls.services.running import CallOrder
from calls.vendors.offline.tts import OfflineTTS
from calls.vendors.offline.voices import speak
from portal.scope import all_organizations
from tests.calls.node.held import FULL, HeldCall, cost_of, wallet
from tests.calls.session.conversation import make_spec
from tests.fakes.incoming import FakeIncomingLeg
from tests.fakes.script import answer, script, user_says
from tests.sound import speech_share
from tests.world import House

QUESTION = "May we record you"  # four words: one second


@pytest.fixture
def inbound(order: CallOrder) -> CallOrder:
    return replace(order, direction=Call.Direction.INBOUND, carrier="fake")


def consenting(order: CallOrder, leg: FakeIncomingLeg, **fields: Any) -> HeldCall:
    spec = make_spec("Hello there.", **fields).model_copy(
        update={"recording_consent": RecordingConsent(enabled=True, message=QUESTION)}
    )
    return HeldCall(order, leg.script, spec=spec, incoming=leg)


def kept(held: HeldCall) -> list[ConsentRow]:
    with all_organizations("test"):
        return list(ConsentRow.objects.filter(call_id=held.order.call_id))


def test_a_one_begins_the_conversation_and_is_kept_as_proof(
    inbound: CallOrder, bakery: House
) -> None:
    leg = FakeIncomingLeg(presses=((3.0, "1"),), ends_at_s=8)
    held = consenting(inbound, leg)
    call = held.run()
    assert (call.status, call.end_reason) == ("ended", "user_hangup")
    assert held.turns() == [("assistant", "Hello there.")]
    (proof,) = kept(held)
    assert (proof.answer, proof.way, proof.heard) == ("given", "digit", "1")
    assert (proof.question, proof.asked_count) == (QUESTION, 1)
    assert proof.is_intact
    proof.answer = "declined"
    assert not proof.is_intact
    assert call.billed_seconds in (5, 6)  # from the consent on
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_a_key_cuts_the_question_short(inbound: CallOrder) -> None:
    leg = FakeIncomingLeg(presses=((0.5, "1"),), ends_at_s=5)
    held = consenting(inbound, leg)
    held.run()
    assert held.turns() == [("assistant", "Hello there.")]
    greeting_s = leg.heard[-1].from_s
    assert greeting_s < 1.1


def test_a_spoken_yes_is_an_answer(inbound: CallOrder) -> None:
    talk = script(user_says("yes", from_s=2.0, to_s=2.4))
    held = consenting(inbound, FakeIncomingLeg(talk, ends_at_s=8))
    held.run()
    (proof,) = kept(held)
    assert (proof.answer, proof.way, proof.heard) == ("given", "speech", "yes")
    assert held.turns() == [("assistant", "Hello there.")]


@pytest.mark.parametrize("how", ["key", "word"])
def test_who_declines_is_hung_up_on_and_pays_nothing(
    inbound: CallOrder, bakery: House, how: str
) -> None:
    talk = script(user_says("no", from_s=2.0, to_s=2.4)) if how == "word" else None
    presses = ((2.0, "2"),) if how == "key" else ()
    leg = FakeIncomingLeg(talk, presses=presses)
    held = consenting(inbound, leg)
    call = held.run()
    assert (call.status, call.end_reason) == ("ended", "consent_declined")
    assert [proof.answer for proof in kept(held)] == ["declined"]
    assert held.turns() == []
    assert call.recording == ""
    assert wallet(bakery) == FULL
    assert leg.close_count > 0


def test_silence_is_asked_once_more_and_then_ends_the_call(
    inbound: CallOrder, bakery: House
) -> None:
    leg = FakeIncomingLeg(presses=((4.0, "7"),))
    held = consenting(inbound, leg)
    call = held.run()
    assert call.end_reason == "consent_unanswered"
    (proof,) = kept(held)
    assert (proof.answer, proof.way, proof.asked_count) == ("none", "", 2)
    assert len(leg.heard) == 2
    assert leg.heard[1].from_s - leg.heard[0].to_s == pytest.approx(10.1, abs=0.3)
    assert leg.closed_at_s is not None
    assert leg.closed_at_s == pytest.approx(22.3, abs=1)
    assert wallet(bakery) == FULL


def test_nothing_said_before_the_answer_is_heard_thought_about_or_recorded(
    inbound: CallOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[UUID] = []
    grow = shelf.growing_file

    def noted(call_id: UUID, *, is_sealed: bool) -> Path:
        written.append(call_id)
        return grow(call_id, is_sealed=is_sealed)

    monkeypatch.setattr("calls.node.conversation.shelf.growing_file", noted)
    talk = script(
        user_says("my card number is secret", from_s=1.2, to_s=2.9),
        user_says("hello", from_s=6.0, to_s=6.6),
        answers=[answer("Good day.")],
    )
    leg = FakeIncomingLeg(talk, presses=((3.0, "1"),), ends_at_s=10)
    held = consenting(inbound, leg)
    held.run()
    said = [text for speaker, text in held.turns() if speaker == "user"]
    assert said == ["hello"]
    assert written == [held.order.call_id]
    assert held.studio.made[0].stt.connections == 1


def test_hanging_up_before_the_answer_leaves_no_consent(
    inbound: CallOrder, bakery: House
) -> None:
    held = consenting(inbound, FakeIncomingLeg(ends_at_s=4))
    call = held.run()
    assert call.end_reason == "user_hangup"
    assert kept(held) == []
    assert wallet(bakery) == FULL


def test_a_call_that_needs_no_consent_is_not_asked(inbound: CallOrder) -> None:
    leg = FakeIncomingLeg(ends_at_s=4)
    held = HeldCall(inbound, leg.script, spec=make_spec("Hello."), incoming=leg)
    held.run()
    assert held.turns() == [("assistant", "Hello.")]
    assert kept(held) == []
    assert leg.done == ["answer"]


@pytest.mark.parametrize("language", sorted(QUESTIONS))
def test_a_question_names_both_keys_and_can_be_spoken(language: str) -> None:
    question = question_for(None, f"{language}-XX")
    assert question == QUESTIONS[language]
    assert "1" in question
    assert "2" in question
    spoken = bytearray()

    def emit(piece: bytes) -> bool:
        spoken.extend(piece)
        return True

    voice = Studio().announcer(language)
    assert isinstance(voice, OfflineTTS)
    speak(voice.voice, question, 1.0, emit)
    share = speech_share(np.frombuffer(spoken, np.int16), 16_000)
    assert len(spoken) > 3 * 32_000
    assert share > 0.5


def test_an_unknown_language_is_asked_in_english() -> None:
    assert question_for(None, "xx") == QUESTIONS["en"]
    assert question_for("May we?", "nl") == "May we?"
