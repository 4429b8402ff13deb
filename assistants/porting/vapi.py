"""An assistant of Vapi, as its API and its dashboard give it."""

from __future__ import annotations

import re
from typing import Any, Final

from django.utils.translation import gettext as _

from assistants.porting.matching import (
    clamped,
    ears_of,
    function_name,
    language_of,
    mind_of,
    mouth_of,
    parameters_of,
    silence_of,
)
from assistants.porting.reading import Path, Source

_PLACEHOLDERS: Final = {"endedReason": "ended_reason"}
_EVENTS: Final = ("end-of-call-report", "status-update", "tool-calls")
_ABOUT_THE_MODEL: Final = frozenset({"transcriber", "firstMessage", "endCallMessage"})


def fits(document: dict[str, Any]) -> bool:
    """Whether it looks like one: `model` is an object there and nowhere else."""
    return isinstance(document.get("model"), dict) and (
        "voice" in document or bool(_ABOUT_THE_MODEL & set(document))
    )


def values_of(source: Source) -> dict[str, Any]:
    """Return the assistant as our API takes it."""
    speech, silence = _speech(source), source.number("silenceTimeoutSeconds")
    if silence is not None:
        speech["silence"] = silence_of(silence)
        source.note(
            ("silenceTimeoutSeconds",),
            _("The assistant asks once, half way, whether anybody is there."),
        )
    return {
        "name": source.text("name") or "Vapi",
        "first_message": _first_message(source),
        "llm_config": _mind(source),
        "stt_config": _ears(source),
        "tts_config": _mouth(source),
        "speech_config": speech,
        "autonomous_silence_handling": silence is not None,
        "max_duration_seconds": source.number("maxDurationSeconds"),
        "voicemail_message": source.text("voicemailMessage"),
        "analysis_plan": _analysis(source),
        "webhook_url": source.text("server", "url") or source.text("serverUrl"),
        "webhook_events": _events(source),
    }


def _first_message(source: Source) -> str | None:
    text, mode = source.text("firstMessage"), source.text("firstMessageMode")
    return None if mode == "assistant-waits-for-user" else text


def _mind(source: Source) -> dict[str, Any]:
    messages = []
    for at in source.items("model", "messages"):
        role, content = source.text(*at, "role"), source.text(*at, "content")
        if role in ("system", "user", "assistant") and content:
            messages.append({"role": role, "content": content})
        elif role:
            source.note((*at, "role"), _("No such message is kept here."))
    for older in ("systemMessage", "systemPrompt"):
        if text := source.text("model", older):
            messages.insert(0, {"role": "system", "content": text})
    mind = mind_of(source, source.text("model", "provider"), ("model", "model"))
    most = source.number("model", "maxTokens")
    if most and mind.get("provider") in ("openai", "google"):
        mind["max_completion_tokens"] = int(most)
    elif most:
        source.note(("model", "maxTokens"), _("This model has no such limit here."))
    return mind | {
        "temperature": source.number("model", "temperature"),
        "messages": messages,
        "tools": _tools(source),
    }


def _tools(source: Source) -> list[dict[str, Any]]:
    tools = [_tool(source, at) for at in source.items("model", "tools")]
    for at in source.items("model", "functions"):  # the older shape
        url = source.text(*at, "serverUrl")
        tools.append(_function(source, at, at) | {"url": url})
    if source.switch("endCallFunctionEnabled"):
        tools.append({"type": "end_call"})
    if number := source.text("forwardingPhoneNumber"):
        tools.append({"type": "transfer_call", "destinations": [{"number": number}]})
    return [tool for tool in tools if tool]


def _tool(source: Source, at: Path) -> dict[str, Any]:
    kind = source.look(*at, "type")
    if kind == "endCall":
        source.take(*at, "type")
        return {"type": "end_call"}
    if kind == "transferCall":
        source.take(*at, "type")
        return {
            "type": "transfer_call",
            "destinations": [
                _destination(source, one) for one in source.items(*at, "destinations")
            ],
        }
    if kind == "function":
        source.take(*at, "type")
        tool = _function(source, at, (*at, "function"))
        return tool | {
            "url": source.text(*at, "server", "url"),
            "secret": source.text(*at, "server", "secret"),
        }
    if kind == "apiRequest":
        source.take(*at, "type")
        url, body = source.text(*at, "url"), source.take(*at, "body")
        source.note(
            (*at, "url"), _("It is sent our message, not a request of your own.")
        )
        named = (
            _function(source, at, (*at, "function"))
            if source.look(*at, "function")
            else {}
        )
        return {
            "name": function_name(source.text(*at, "name") or "api_request"),
            "description": source.text(*at, "description") or "",
            **named,
            "parameters": parameters_of(body),
            "url": url,
        }
    return {}


def _function(source: Source, at: Path, defined: Path) -> dict[str, Any]:
    words = ""
    for one in source.items(*at, "messages"):
        if source.look(*one, "type") == "request-start" and not words:
            source.take(*one, "type")
            words = source.text(*one, "content") or ""
    return {
        "name": function_name(source.text(*defined, "name") or "function"),
        "description": source.text(*defined, "description") or "",
        "parameters": parameters_of(source.take(*defined, "parameters")),
        "async": bool(source.switch(*at, "async")),
        "message": words or None,
    }


def _destination(source: Source, at: Path) -> dict[str, Any]:
    source.take(*at, "type")
    mode = source.text(*at, "transferPlan", "mode") or ""
    return {
        "number": source.text(*at, "number") or source.text(*at, "sipUri") or "",
        "description": source.text(*at, "description") or "",
        "message": source.text(*at, "message"),
        "mode": "warm" if mode.startswith("warm") else "blind",
    }


def _ears(source: Source) -> dict[str, Any]:
    ears = ears_of(source, ("transcriber", "provider"), ("transcriber", "model"))
    if language := language_of(source, ("transcriber", "language")):
        ears["language"] = language
    terms = [source.text(*at) for at in source.items("transcriber", "keyterm")]
    words = [source.text(*at) for at in source.items("transcriber", "keywords")]
    # An older keyword carries its weight behind a colon.
    ears["keyterms"] = [term.partition(":")[0] for term in (*terms, *words) if term]
    if ears.get("provider") == "deepgram":
        ears["smart_format"] = source.switch("transcriber", "smartFormat")
        ears["endpointing"] = source.number("transcriber", "endpointing")
    return ears


def _mouth(source: Source) -> dict[str, Any]:
    mouth = mouth_of(source, source.text("voice", "provider"), ("voice", "voiceId"))
    if mouth.get("provider") == "elevenlabs":
        mouth |= {
            "model": source.text("voice", "model"),
            "stability": source.number("voice", "stability"),
            "similarity_boost": source.number("voice", "similarityBoost"),
            "style": source.number("voice", "style"),
            "use_speaker_boost": source.switch("voice", "useSpeakerBoost"),
            "speed": source.number("voice", "speed"),
        }
    return mouth


def _speech(source: Source) -> dict[str, Any]:
    stop, start = "stopSpeakingPlan", "startSpeakingPlan"
    words = source.number(stop, "numWords")
    seconds = source.number(stop, "voiceSeconds")
    wait = source.number(start, "waitSeconds")
    turns: dict[str, Any] = {
        "interruption_min_words": None if words is None else int(clamped(words, 0, 10)),
        "interruption_min_duration": (
            None if seconds is None else clamped(seconds, 0.05, 2)
        ),
        "endpointing_min_delay": None if wait is None else clamped(wait, 0.1, 5),
    }
    speech: dict[str, Any] = {
        "turn_taking": {k: v for k, v in turns.items() if v is not None},
        "end_call_message": source.text("endCallMessage"),
        "end_call_phrases": [
            phrase
            for at in source.items("endCallPhrases")
            if (phrase := source.text(*at))
        ],
    }
    if source.look("backgroundSound") in ("off", "office"):
        is_on = source.text("backgroundSound") == "office"
        speech["background_audio"] = {"enabled": is_on, "clip": "office"}
    return speech


def _analysis(source: Source) -> dict[str, Any] | None:
    at = "analysisPlan"
    if not isinstance(source.look(at), dict):
        return None
    facts = (at, "structuredDataPlan")
    schema = source.take(*facts, "schema") or source.take(at, "structuredDataSchema")
    criteria = source.text(at, "successEvaluationPrompt") or "\n\n".join(
        _messages(source, (at, "successEvaluationPlan"))
    )
    plan: dict[str, Any] = {
        "summary_plan": {
            "enabled": source.switch(at, "summaryPlan", "enabled") is not False,
            "messages": _prompts(source, (at, "summaryPlan"), (at, "summaryPrompt")),
        },
        "min_messages_threshold": source.number(at, "minMessagesThreshold"),
    }
    if schema:
        plan["structured_data_plan"] = {
            "enabled": source.switch(*facts, "enabled") is not False,
            "schema": parameters_of(schema),
            "messages": _prompts(source, facts, (at, "structuredDataPrompt")),
        }
    if criteria:
        is_on = source.switch(at, "successEvaluationPlan", "enabled") is not False
        plan["success_evaluation_plan"] = {"enabled": is_on, "criteria": criteria}
    return {name: value for name, value in plan.items() if value is not None}


def _prompts(source: Source, plan: Path, older: Path) -> list[dict[str, str]]:
    found = []
    for at in source.items(*plan, "messages"):
        role, content = source.text(*at, "role"), source.text(*at, "content")
        if role in ("system", "user") and content:
            found.append({"role": role, "content": _renamed(content)})
    if not found and (text := source.text(*older)):
        found.append({"role": "system", "content": _renamed(text)})
    return found


def _messages(source: Source, plan: Path) -> list[str]:
    return [one["content"] for one in _prompts(source, plan, (*plan, "prompt"))]


def _renamed(text: str) -> str:
    for theirs, ours in _PLACEHOLDERS.items():
        text = re.sub(rf"\{{\{{\s*{theirs}\s*\}}\}}", f"{{{{{ours}}}}}", text)
    return text


def _events(source: Source) -> list[str] | None:
    wanted = []
    for at in source.items("serverMessages"):
        if source.look(*at) in _EVENTS:
            wanted.append(source.text(*at))
    return [one for one in wanted if one] or None
