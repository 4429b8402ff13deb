"""What a policy asks for holds while the call goes on, before anything is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from django.core.files.storage import storages

from assistants.disclosure import SENTENCES, sentence_for, with_disclosure
from assistants.services import save_assistant
from assistants.spec import LLMConfig
from calls.media.growing import HEADER_BYTES
from calls.models import Call, VoiceNode
from calls.node import shelf
from calls.services.running import CallOrder, pick_up
from calls.services.web import start_web_call
from common.redaction import Category
from portal.policy import Policy
from portal.scope import all_organizations, organization_scope
from portal.services.privacy import save_privacy
from tests.calls.node.held import HeldCall, order_for
from tests.calls.node.test_shelf import end, left_behind
from tests.calls.session.conversation import make_spec
from tests.fakes.script import Script, answer, script, user_says
from tests.world import House, desk_spec

CARD = "My card is 4242 4242 4242 4242"
REDACTING = Policy(redacted=frozenset({Category.PAYMENT_CARD}))


def paying() -> Script:
    return script(
        user_says(CARD, from_s=2.0, to_s=3.0),
        answers=[answer("Your card 4242 4242 4242 4242 is fine.")],
    )


def choose(house: House, **choices: object) -> None:
    with organization_scope(house.organization):
        save_privacy(organization=house.organization, actor=None, **choices)


def channel(call: Call, side: int) -> np.ndarray:
    with storages["recordings"].open(call.recording) as file:
        data = file.read()[HEADER_BYTES:]
    return np.frombuffer(data, np.int16).reshape(-1, 2)[:, side]


def test_personal_data_is_in_neither_transcript_nor_recording(
    order: CallOrder,
) -> None:
    held = HeldCall(
        replace(order, policy=REDACTING), paying(), spec=make_spec("Hello.")
    )
    held.link.ends_at_s = 8.0
    call = held.run()
    assert held.turns() == [
        ("assistant", "Hello."),
        ("user", "My card is [payment card]"),
        ("assistant", "Your card [payment card] is fine."),
    ]
    assert not channel(call, 0)[2_000 * 16 : 3_000 * 16].any()


def test_a_name_the_call_came_with_is_in_neither_transcript_nor_recording(
    order: CallOrder,
) -> None:
    policy = Policy(redacted=frozenset({Category.NAME}))
    held = HeldCall(
        replace(order, policy=policy, known_names=frozenset({"Anna de Bakker"})),
        script(
            user_says("You speak with bakker.", from_s=2.0, to_s=3.0),
            answers=[answer("Thank you, Anna.")],
        ),
        spec=make_spec("Hello."),
    )
    held.link.ends_at_s = 8.0
    call = held.run()
    assert held.turns() == [
        ("assistant", "Hello."),
        ("user", "You speak with [name]."),
        ("assistant", "Thank you, [name]."),
    ]
    assert not channel(call, 0)[2_000 * 16 : 3_000 * 16].any()


@pytest.mark.parametrize("is_chosen", [True, False])
def test_names_are_those_of_variables_and_metadata(
    bakery: House, node: VoiceNode, is_chosen: bool
) -> None:
    choose(bakery, redacted_categories=["name"] if is_chosen else ["email"])
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization,
            assistant=bakery.assistant,
            actor=None,
            variables={"name": "Anna Bakker", "company_name": "Acme"},
            metadata={"contactperson": "Ed"},
        ).call
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert order.known_names == ({"Anna Bakker", "Ed"} if is_chosen else set())


def test_without_a_policy_everything_is_kept(order: CallOrder) -> None:
    held = HeldCall(order, paying(), spec=make_spec("Hello."))
    held.link.ends_at_s = 8.0
    assert held.run().recording
    assert ("user", CARD) in held.turns()


@pytest.mark.usefixtures("inline_database")
def test_a_call_that_keeps_nothing_is_not_recorded(
    bakery: House, node: VoiceNode
) -> None:
    choose(bakery, gdpr_mode=True)
    order = order_for(bakery, node)
    assert order.policy.gdpr_mode
    held = HeldCall(order, paying(), spec=make_spec("Hello."))
    held.link.ends_at_s = 8.0
    call = held.run()
    assert call.recording == ""
    assert not call.keeps_content
    assert not shelf.growing_file(call.pk).exists()


def test_an_assistant_of_its_own_can_keep_nothing(
    bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        spec = bakery.assistant.current_version.spec
        save_assistant(
            assistant=bakery.assistant,
            spec=spec.model_copy(update={"gdpr_mode": True}),
            actor=None,
        )
        bakery.assistant.refresh_from_db()
    assert order_for(bakery, node).policy.gdpr_mode


def test_an_agencys_policy_holds_for_its_clients_calls(
    acme: House, bakery: House, node: VoiceNode
) -> None:
    choose(acme, redacted_categories=["email"])
    assert order_for(bakery, node).policy.redacted == {Category.EMAIL}


def test_what_a_killed_process_recorded_of_such_a_call_is_not_kept(
    bakery: House, node: VoiceNode
) -> None:
    choose(bakery, redacted_categories=["payment_card"])
    order = order_for(bakery, node)
    path = left_behind(order)
    end(order)
    assert shelf.salvage() == 0
    assert not path.exists()
    with all_organizations("test"):
        assert Call.objects.get(pk=order.call_id).recording == ""


# -- where data may go ------------------------------------------------------------


@pytest.mark.usefixtures("inline_database")
def test_a_policy_tightened_meanwhile_ends_the_call_before_a_word(
    bakery: House, node: VoiceNode
) -> None:
    gpt = LLMConfig(provider="openai", model="gpt-5.4")
    with organization_scope(bakery.organization):
        save_assistant(
            assistant=bakery.assistant, spec=desk_spec(llm_config=gpt), actor=None
        )
        bakery.assistant.refresh_from_db()
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
    choose(bakery, regions="own")
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    held = HeldCall(order, Script(), spec=order.spec)
    ended = held.run()
    assert (ended.status, ended.end_reason) == ("failed", "rejected")
    assert "own servers" in ended.error
    assert held.studio.made == []
    assert ended.cost_microcredits == 0


# -- AI disclosure ------------------------------------------------------------------

SENTENCE = SENTENCES["en"]


def test_the_first_words_say_that_an_ai_speaks(bakery: House, node: VoiceNode) -> None:
    choose(bakery, discloses_ai=True)
    order = order_for(bakery, node)
    assert order.spec.first_message == f"{SENTENCE} Hello, how can I help you?"
    assert order.disclosure == SENTENCE


def test_an_assistant_that_would_wait_says_it_too() -> None:
    spec = make_spec(None)
    assert with_disclosure(spec, sentence_for(spec)).first_message == SENTENCE


def test_the_proof_is_what_was_heard(order: CallOrder) -> None:
    held = HeldCall(
        replace(order, disclosure=SENTENCE),
        Script(),
        spec=make_spec(f"{SENTENCE} Hello."),
    )
    held.link.ends_at_s = 8.0
    held.run()
    (event,) = held.events("ai_disclosed")
    assert event.data["heard"] == SENTENCE
    assert event.data["is_whole"] is True
    assert event.at_ms is not None


def test_a_disclosure_that_was_cut_off_says_so(order: CallOrder) -> None:
    held = HeldCall(
        replace(order, disclosure=SENTENCE),
        Script(),
        spec=make_spec(f"{SENTENCE} Hello."),
    )
    held.link.ends_at_s = 0.6
    held.run()
    events = held.events("ai_disclosed")
    assert all(not event.data["is_whole"] for event in events)


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_the_sentence_is_in_the_language_of_the_call(language: str) -> None:
    spec = make_spec("Hello.")
    stt = spec.stt_config.model_copy(update={"language": language})
    assert (
        sentence_for(spec.model_copy(update={"stt_config": stt}))
        == (SENTENCES[language])
    )
