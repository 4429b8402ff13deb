"""The demo model: it follows written rules, and says that it is no more than that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from livekit.agents import llm
from livekit.agents.llm import function_tool

from calls.vendors.offline.llm import DemoLLM, decide, expected_phrases
from calls.vendors.offline.rules import fill, parse_rules

RULES = """
You are the receptionist of {{business}}.
Set business to "Acme Dental".
When the caller says "opening hours" or "are you open", say "{{business}} is open from nine to five."
- When the caller asks about “parking”, “car park” or “garage”, say “We have ten places.”
When the caller says "table for {guests} people", say "One moment." and call book_table, then say "Booked for {{guests}}: {{result}}"
When the caller says "my order", call find_order with kind="last".
When the caller says "stop calling me", say "Sorry. Goodbye." and end the call.
Otherwise say "I did not get that."
"""  # noqa: E501 - one rule a line


@function_tool
async def end_call() -> None:
    """End the call."""


@function_tool
async def book_table(guests: str) -> str:
    """Book a table."""
    return guests


def conversation(*turns: str, rules: str = RULES) -> llm.ChatContext:
    """Turns of the caller, with an answer of the assistant between them."""
    chat = llm.ChatContext()
    chat.add_message(role="system", content=rules)
    for number, turn in enumerate(turns):
        if number:
            chat.add_message(role="assistant", content=f"answer {number}")
        chat.add_message(role="user", content=turn)
    return chat


def said(*turns: str, rules: str = RULES) -> str:
    return decide(conversation(*turns, rules=rules)).say


@pytest.mark.parametrize(
    ("caller", "answer", "ends"),
    [
        ("wat zijn de openingstijden", "Van negen tot vijf.", False),
        ("oké, tot ziens dan", "Tot ziens.", True),
        ("iets anders", "Ik weet alleen onze openingstijden.", False),
        ("Wie lautet Ihre Adresse?", "Marktstraße zwölf.", False),
        ("auf Wiederhören", "Auf Wiederhören.", True),
    ],
)
def test_rules_are_read_in_dutch_and_german(caller: str, answer: str, ends: bool):
    rules = """
Als de beller vraagt naar "openingstijden" of "open", zeg "Van negen tot vijf."
Als de beller zegt "tot ziens", zeg "Tot ziens." en beëindig het gesprek.
Zeg anders "Ik weet alleen onze openingstijden."
Wenn der Anrufer nach "Adresse" oder "Straße" fragt, sage „Marktstraße zwölf.“
Wenn der Anrufer "auf Wiederhören" sagt, sage "Auf Wiederhören." und beende das Gespräch.
"""
    decision = decide(conversation(caller, rules=rules))
    assert (decision.say, decision.ends_call) == (answer, ends)


@pytest.mark.parametrize(
    ("caller", "answer"),
    [
        ("What are your opening hours?", "Acme Dental is open from nine to five."),
        ("ARE YOU OPEN", "Acme Dental is open from nine to five."),
        ("is there a garage", "We have ten places."),
        ("purple elephants", "I did not get that."),
        ("Hello!", "Hello. How can I help you?"),
        ("thank you very much", "You are welcome."),
    ],
)
def test_the_rule_that_fits_is_followed(caller, answer):
    assert said(caller) == answer


def test_a_misheard_word_still_finds_the_rule():
    rules = 'When the caller says "cancel dental appointment", say "Cancelled."'
    assert said("cancel mental appointment", rules=rules) == "Cancelled."


def test_the_longer_phrase_wins():
    rules = (
        'When the caller says "open", say "Yes."\n'
        'When the caller says "open on sunday", say "No."'
    )
    assert said("are you open on sunday", rules=rules) == "No."


def test_it_repeats_its_last_answer_on_request():
    assert said("hello", "sorry can you repeat that please") == "answer 1"


def test_it_remembers_the_callers_name():
    assert said("my name is anna") == "Nice to meet you, Anna. How can I help you?"
    assert said("my name is anna", "what is my name") == "Your name is Anna."
    assert said("what is my name") == "You have not told me your name yet."
    assert said("my name is anna", "goodbye") == "Goodbye Anna."


def test_it_says_that_it_is_a_demo_model():
    assert "demo model" in said("are you a robot")
    assert "demo model" in said("tell me a joke", rules="Be helpful.")


def test_a_no_inside_a_sentence_is_not_an_answer():
    assert said("i have no idea what you mean by all that") == "I did not get that."


def test_without_rules_it_suggests_what_to_say():
    assert said("tell me a joke", rules="") == (
        "Sorry, I am only a demo model, and I have no rule for that. "
        'You can say, for example: "goodbye".'
    )


def test_asked_to_speak_first_it_greets():
    chat = llm.ChatContext()
    chat.add_message(role="system", content=RULES)
    assert decide(chat).say == "Hello. How can I help you?"


@pytest.mark.parametrize(
    ("whisper", "answer"),
    [
        ("opening hours", said("opening hours")),
        ("Tell them the opening hours", said("opening hours")),
        ("They are a good customer, so be kind when they ask for opening hours", ""),
        ("offer a discount", ""),
    ],
)
def test_a_phrase_that_is_whispered_is_answered_as_if_asked_for(whisper, answer):
    chat = conversation("parking")
    chat.add_message(role="assistant", content="Behind the house.")
    chat.add_message(role="system", content=whisper)
    assert decide(chat).say == answer


def test_phrases_for_the_recogniser_leave_out_slots():
    phrases = expected_phrases(RULES)
    assert {"opening hours", "parking", "goodbye", "say that again"} <= set(phrases)
    assert not any("{" in phrase for phrase in phrases)
    assert expected_phrases("You are a friendly receptionist.") == ()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "When the caller is angry, stay calm.",
        'When the caller says "x", be nice.',
        'When the caller says "", say "nothing".',
        'When the caller says , say "nothing".',
        'When the caller says "x',
        "Otherwise be nice.",
        'Set 1x to "y".',
        '"""""""" or or , say say "',
    ],
)
def test_a_line_that_is_no_rule_is_ignored(line):
    rules = parse_rules(line)
    assert rules.rules == ()
    assert rules.otherwise is None
    assert dict(rules.variables) == {}


def test_an_action_inside_a_quotation_is_only_words():
    rules = parse_rules('When the caller says "x", say "Do not hang up, call Bob."')
    [rule] = rules.rules
    assert rule.action.ends_call is False
    assert rule.action.tool is None


def test_an_unknown_variable_leaves_no_gap():
    assert fill("Goodbye {{name}}. See {{place}} soon!", {}) == "Goodbye. See soon!"


async def collect(
    chat: llm.ChatContext, tools: list[Any], **options: Any
) -> llm.CollectedResponse:
    model = DemoLLM()
    return await model.chat(chat_ctx=chat, tools=tools, **options).collect()


@pytest.mark.asyncio
async def test_words_are_streamed_one_by_one():
    chunks = []
    async with DemoLLM().chat(chat_ctx=conversation("parking")) as stream:
        async for chunk in stream:
            if chunk.delta and chunk.delta.content:
                chunks.append(chunk.delta.content)
    assert chunks == ["We ", "have ", "ten ", "places."]


@pytest.mark.asyncio
async def test_ending_the_call_is_a_tool_call_where_the_assistant_may_end_it():
    chat = conversation("please stop calling me")
    answer = await collect(chat, [end_call])
    assert answer.text == "Sorry. Goodbye."
    assert [(c.name, c.arguments) for c in answer.tool_calls] == [("end_call", "{}")]
    assert (await collect(chat, [])).tool_calls == []
    assert (await collect(chat, [end_call], tool_choice="none")).tool_calls == []


@pytest.mark.asyncio
async def test_a_slot_becomes_an_argument_and_the_result_is_spoken():
    chat = conversation("i want a table for four people")
    answer = await collect(chat, [book_table])
    assert answer.text == "One moment."
    [call] = answer.tool_calls
    assert json.loads(call.arguments) == {"guests": "four"}
    chat.items += [
        llm.FunctionCall(call_id=call.call_id, name=call.name, arguments="{}"),
        llm.FunctionCallOutput(
            call_id=call.call_id,
            name=call.name,
            output='{"message": "at seven"}',
            is_error=False,
        ),
    ]
    answer = await collect(chat, [book_table])
    assert answer.text == "Booked for four: at seven"
    assert answer.tool_calls == []


@pytest.mark.asyncio
async def test_a_failed_tool_is_apologised_for():
    chat = conversation("where is my order")
    chat.items += [
        llm.FunctionCall(call_id="1", name="find_order", arguments="{}"),
        llm.FunctionCallOutput(
            call_id="1", name="find_order", output="boom", is_error=True
        ),
    ]
    answer = await collect(chat, [])
    assert answer.text == "I am sorry, that did not work just now."


@pytest.mark.asyncio
async def test_words_are_counted_as_tokens():
    answer = await collect(conversation("parking", rules=RULES), [])
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4
    assert answer.usage.prompt_tokens == len(RULES.split()) + 1
