"""The demo model: follows an assistant's written rules, and knows a little small talk.

It is no language model and says so. It answers at once, needs no network, and speaks
the interface the real ones do: streamed words, tool calls, token counts.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from livekit.agents import APIConnectOptions, llm, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from calls.vendors.offline.rules import (
    Action,
    Rule,
    Rules,
    ToolUse,
    fill,
    normalise,
    parse_rules,
)

END_CALL = "end_call"

_FALLBACK = "Sorry, I am only a demo model, and I have no rule for that."
_HINT = 'You can say, for example: "{phrases}".'
_SMALL_TALK = parse_rules(
    """
When the caller says "hello", "hi", "hey", "good morning", "good afternoon" or "good evening", say "Hello {{caller_name}}. How can I help you?"
When the caller says "how are you" or "how do you do", say "Very well, thank you."
When the caller says "thank you", "thanks" or "thank you very much", say "You are welcome."
When the caller says "who are you", "what are you", "are you a robot", "are you human" or "are you real", say "I am an automated assistant, running on a demo model that follows written rules."
When the caller says "goodbye", "bye", "bye bye" or "see you later", say "Goodbye {{caller_name}}." and end the call.
When the caller says "what is my name" or "do you know my name", say "{{name_answer}}"
When the caller says "no thank you", "no thanks" or "that is all", say "All right. Have a nice day."
When the caller says "yes" or "yes please", say "Very good. What would you like to know?"
When the caller says "no", say "All right. Is there anything else?"
"""  # noqa: E501 - one rule a line
)
_REPEAT = (
    "repeat that",
    "please repeat that",
    "say that again",
    "can you repeat that",
    "what did you say",
    "i did not hear you",
    "pardon",
)
_HELP = ("help", "help me", "what can you do", "what can i say", "what can i ask")
_NAME = re.compile(
    r"\b(?:my name is|my name's|this is|i am called|you can call me)\s+"
    r"([a-z][a-z'-]+(?:\s+[a-z][a-z'-]+)?)"
)
_NO_NAME = frozenset(
    (
        "a", "about", "an", "and", "for", "from", "in", "is", "it", "my", "not", "so",
        "the", "very", "your",
    )
)  # fmt: skip


def expected_phrases(instructions: str) -> tuple[str, ...]:
    """What a caller of this assistant is likely to say, for the recogniser's grammar.

    None when the instructions hold no rules: then anything may come. Phrases with a
    slot are left to the language model, which knows the words that may fill it.
    """
    rules = parse_rules(instructions)
    if not rules.rules:
        return ()
    known = (*rules.rules, *_SMALL_TALK.rules)
    phrases = [phrase for rule in known for phrase in rule.phrases]
    phrases += [*_REPEAT, *_HELP]
    return tuple(dict.fromkeys(p for p in phrases if "{" not in p and "*" not in p))


class DemoLLM(llm.LLM[Any]):
    """`demo-1`. Keeps nothing between turns: all it knows is in the chat context."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._variables = {k.lower(): v for k, v in (variables or {}).items()}

    @property
    def model(self) -> str:
        return "demo-1"

    @property
    def provider(self) -> str:
        return "demo"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        allowed = [] if tool_choice == "none" else (tools or [])
        return _Stream(self, chat_ctx, allowed, conn_options, self._variables)


class _Stream(llm.LLMStream):
    def __init__(
        self,
        parent: DemoLLM,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        variables: Mapping[str, str],
    ) -> None:
        self._variables = variables
        super().__init__(
            parent, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options
        )

    async def _run(self) -> None:
        request_id = utils.shortuuid("demo_")
        names = {tool.id for tool in self._tools}
        action = decide(self._chat_ctx, self._variables)
        for word in re.findall(r"\S+\s*", action.say):
            delta = llm.ChoiceDelta(role="assistant", content=word)
            self._event_ch.send_nowait(llm.ChatChunk(id=request_id, delta=delta))
            await asyncio.sleep(0)
        uses = [action.tool] if action.tool else []
        if action.ends_call and not action.tool:
            uses.append(ToolUse(END_CALL))
        calls = [
            llm.FunctionToolCall(
                name=use.name,
                arguments=json.dumps(dict(use.arguments)),
                call_id=utils.shortuuid("call_"),
            )
            for use in uses
            if use.name in names
        ]
        if calls:
            delta = llm.ChoiceDelta(role="assistant", tool_calls=calls)
            self._event_ch.send_nowait(llm.ChatChunk(id=request_id, delta=delta))
        self._event_ch.send_nowait(
            llm.ChatChunk(id=request_id, usage=_usage(self._chat_ctx, action.say))
        )


def _usage(chat_ctx: llm.ChatContext, said: str) -> llm.CompletionUsage:
    """Words stand for tokens."""
    prompt = sum(
        len((item.text_content or "").split())
        for item in chat_ctx.items
        if isinstance(item, llm.ChatMessage)
    )
    spoken = len(said.split())
    return llm.CompletionUsage(
        completion_tokens=spoken, prompt_tokens=prompt, total_tokens=prompt + spoken
    )


def decide(
    chat_ctx: llm.ChatContext, variables: Mapping[str, str] | None = None
) -> Action:
    """What to do next; texts are filled in. A pure function of the conversation."""
    messages = [item for item in chat_ctx.items if isinstance(item, llm.ChatMessage)]
    instructions = "\n".join(
        m.text_content or "" for m in messages if m.role in ("system", "developer")
    )
    rules = parse_rules(instructions)
    said = [m.text_content or "" for m in messages if m.role == "user"]
    values = {**rules.variables, **(variables or {})}
    values |= _name_values(said)
    last = chat_ctx.items[-1] if chat_ctx.items else None
    if isinstance(last, llm.FunctionCallOutput):
        action = _after_tool(rules, said, last, values)
    elif isinstance(last, llm.ChatMessage) and last.role == "user":
        action = _answer(rules, said[-1], messages, values)
    else:
        action = _unasked(rules, said, messages[1:])
    return replace(
        action,
        say=fill(action.say, values),
        tool=_filled(action.tool, values),
    )


def _unasked(rules: Rules, said: list[str], later: list[llm.ChatMessage]) -> Action:
    """Follow the rule whose phrase was whispered; greet a caller who has said nothing.

    `later` is what came after the instructions.
    """
    if later and later[-1].role == "system":
        # Short ones only: in a long sentence a phrase stands by accident.
        match = rules.match(later[-1].text_content or "", spare_words=3)
        if match and not match.rule.action.tool:
            return match.rule.action
    return Action(say="Hello. How can I help you?" if not said else "")


def _filled(tool: ToolUse | None, values: Mapping[str, str]) -> ToolUse | None:
    if tool is None:
        return None
    arguments = {k: fill(v, values) for k, v in tool.arguments.items()}
    return ToolUse(tool.name, arguments)


def _answer(
    rules: Rules,
    text: str,
    messages: list[llm.ChatMessage],
    values: dict[str, str],
) -> Action:
    if match := rules.match(text):
        values.update(match.slots)
        tool = match.rule.action.tool
        if tool and match.slots:
            arguments = {**match.slots, **tool.arguments}
            return replace(match.rule.action, tool=ToolUse(tool.name, arguments))
        return match.rule.action
    return _small_talk(rules, text, messages) or (
        rules.otherwise or Action(say=f"{_FALLBACK} {_hint(rules)}")
    )


def _small_talk(
    rules: Rules, text: str, messages: list[llm.ChatMessage]
) -> Action | None:
    spoken = normalise(text)
    if any(phrase in spoken for phrase in _REPEAT):
        earlier = [m.text_content for m in messages if m.role == "assistant"]
        return Action(say=(earlier[-1] if earlier else None) or "I said nothing yet.")
    if spoken in _HELP:
        return Action(say=_hint(rules))
    if "caller_name" in _name_values([text]):
        return Action(say="Nice to meet you, {{caller_name}}. How can I help you?")
    # Short sentences only: a "no" or "hi" inside a long one means little.
    match = _SMALL_TALK.match(text, spare_words=3)
    return match.rule.action if match else None


def _hint(rules: Rules) -> str:
    first = [rule.phrases[0] for rule in rules.rules[:3] if "{" not in rule.phrases[0]]
    return _HINT.format(phrases='", or "'.join(first or ["goodbye"]))


def _after_tool(
    rules: Rules,
    said: list[str],
    output: llm.FunctionCallOutput,
    values: dict[str, str],
) -> Action:
    if output.name == END_CALL:
        return Action()
    values["result"] = _result_text(output.output)
    rule = _rule_for_tool(rules, said[-1] if said else "", output.name)
    ends = rule.action.ends_call if rule else False
    if output.is_error:
        return Action(say="I am sorry, that did not work just now.", ends_call=ends)
    then_say = rule.action.then_say if rule else ""
    if rule and (match := rules.match(said[-1])):
        values.update(match.slots)
    return Action(say=then_say or values["result"], ends_call=ends)


def _rule_for_tool(rules: Rules, text: str, name: str) -> Rule | None:
    match = rules.match(text)
    if match and match.rule.action.tool and match.rule.action.tool.name == name:
        return match.rule
    return None


def _result_text(output: str) -> str:
    """What of a tool's answer to speak: its message, or all of it when it is plain."""
    try:
        value = json.loads(output)
    except ValueError:
        return output
    if isinstance(value, dict):
        for key in ("message", "say", "result", "text", "answer"):
            if isinstance(value.get(key), str | int | float):
                return str(value[key])
        return ", ".join(
            f"{key} {item}"
            for key, item in value.items()
            if isinstance(item, str | int | float)
        )
    return str(value)


def _name_values(said: list[str]) -> dict[str, str]:
    """The caller's name, the last one given, as variables."""
    for text in reversed(said):
        found = _NAME.search(normalise(text))
        if found and found[1].split()[0] not in _NO_NAME:
            words = [w for w in found[1].split() if w not in _NO_NAME]
            name = " ".join(word.capitalize() for word in words)
            return {"caller_name": name, "name_answer": f"Your name is {name}."}
    return {"name_answer": "You have not told me your name yet."}
