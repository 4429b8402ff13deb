"""An agent of Retell, as its dashboard exports it: with its prompt beside, or as a flow."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _

from assistants.porting.matching import (
    clamped,
    function_name,
    language_of,
    mind_of,
    mouth_of,
    parameters_of,
    silence_of,
)
from assistants.porting.reading import Path, Source

_PLACES: Final = {
    "coffee-shop": "crowded_room",
    "convention-hall": "crowded_room",
    "call-center": "office",
    "summer-outdoor": "forest",
    "mountain-outdoor": "forest",
}
_KINDS: Final = {"string": "string", "boolean": "boolean", "number": "number"}


def fits(document: dict[str, Any]) -> bool:
    """Whether it looks like one: the agent, or its prompt alone."""
    return "response_engine" in document or any(
        name in document
        for name in ("retellLlmData", "conversationFlow", "general_prompt")
    )


def values_of(source: Source) -> dict[str, Any]:
    """Return the assistant as our API takes it."""
    root: Path = ("retellLlmData",) if source.look("retellLlmData") else ()
    silence = source.number("end_call_after_silence_ms")
    speech = _speech(source)
    if silence is not None:
        speech["silence"] = silence_of(silence / 1000)
    longest = source.number("max_call_duration_ms")
    return {
        "name": source.text("agent_name") or "Retell",
        "first_message": _first_message(source, root),
        "llm_config": _mind(source, root),
        "stt_config": _ears(source),
        "tts_config": _mouth(source),
        "speech_config": speech,
        "autonomous_silence_handling": silence is not None,
        "max_duration_seconds": round(longest / 1000) if longest else None,
        "voicemail_message": source.text("voicemail_message"),
        "analysis_plan": _analysis(source),
        "webhook_url": source.text("webhook_url"),
    }


def _first_message(source: Source, root: Path) -> str | None:
    text, first = (
        source.text(*root, "begin_message"),
        source.text(*root, "start_speaker"),
    )
    return None if first == "user" else text


def _mind(source: Source, root: Path) -> dict[str, Any]:
    instructions = source.text(*root, "general_prompt") or source.text(
        "conversationFlow", "global_prompt"
    )
    if source.look("conversationFlow", "nodes"):
        source.note(
            ("conversationFlow", "nodes"),
            _("A flow of steps is written as instructions here; write down its steps."),
        )
    for at in source.items(*root, "states"):
        if text := source.text(*at, "state_prompt"):
            title = source.text(*at, "name") or ""
            instructions = f"{instructions or ''}\n\n## {title}\n{text}".strip()
    path: Path = (*root, "model")
    if isinstance(source.look("conversationFlow", "model_choice", "model"), str):
        path = ("conversationFlow", "model_choice", "model")
    return mind_of(source, None, path) | {
        "temperature": source.number(*root, "model_temperature"),
        "messages": [{"role": "system", "content": instructions or ""}],
        "tools": _tools(source, root),
    }


def _tools(source: Source, root: Path) -> list[dict[str, Any]]:
    destinations: list[dict[str, Any]] = []
    tools: list[dict[str, Any]] = []
    for at in source.items(*root, "general_tools"):
        kind = source.look(*at, "type")
        if kind == "end_call":
            source.take(*at, "type")
            source.take(*at, "name")
            source.take(*at, "description")
            tools.append({"type": "end_call"})
        elif kind in ("transfer_call", "agent_transfer") and (
            number := source.text(*at, "transfer_destination", "number")
        ):
            destinations.append(_destination(source, at, number))
        elif kind == "custom":
            tools.append(_function(source, at))
    if destinations:
        tools.append({"type": "transfer_call", "destinations": destinations})
    return [tool for tool in tools if tool]


def _destination(source: Source, at: Path, number: str) -> dict[str, Any]:
    source.take(*at, "type")
    source.take(*at, "name")
    source.take(*at, "transfer_destination", "type")
    way = source.text(*at, "transfer_option", "type") or ""
    return {
        "number": number,
        "description": source.text(*at, "description") or "",
        "mode": "warm" if way.startswith("warm") else "blind",
    }


def _function(source: Source, at: Path) -> dict[str, Any]:
    source.take(*at, "type")
    speaks = source.switch(*at, "speak_during_execution")
    words = source.text(*at, "execution_message_description") if speaks else None
    return {
        "name": function_name(source.text(*at, "name") or "function"),
        "description": source.text(*at, "description") or "",
        "parameters": parameters_of(source.take(*at, "parameters")),
        "url": source.text(*at, "url"),
        "message": words,
    }


def _ears(source: Source) -> dict[str, Any]:
    ears: dict[str, Any] = {}
    if language := language_of(source, ("language",)):
        ears["language"] = language
    ears["keyterms"] = [
        word for at in source.items("boosted_keywords") if (word := source.text(*at))
    ]
    return ears


def _mouth(source: Source) -> dict[str, Any]:
    return mouth_of(source, None, ("voice_id",))


def _speech(source: Source) -> dict[str, Any]:
    speech: dict[str, Any] = {}
    if (place := source.look("ambient_sound")) in _PLACES:
        source.take("ambient_sound")
        volume = source.number("ambient_sound_volume")
        speech["background_audio"] = {
            "enabled": True,
            "clip": _PLACES[place],
            "volume": clamped(0.3 if volume is None else volume / 2, 0.05, 1),
        }
    return speech


def _analysis(source: Source) -> dict[str, Any] | None:
    properties = {}
    for at in source.items("post_call_analysis_data"):
        kind = source.look(*at, "type")
        name = source.look(*at, "name")
        if not isinstance(name, str) or kind not in (*_KINDS, "enum"):
            continue
        source.take(*at, "type")
        source.take(*at, "name")
        field: dict[str, Any] = {"type": _KINDS.get(str(kind), "string")}
        if description := source.text(*at, "description"):
            field["description"] = description
        if choices := source.take(*at, "choices"):
            field["enum"] = choices
        properties[function_name(name)] = field
    if not properties:
        return None
    schema = {"type": "object", "properties": properties}
    return {"structured_data_plan": {"enabled": True, "schema": schema}}
