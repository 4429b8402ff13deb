"""An agent of ElevenLabs, as its API and its command line give it."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _

from assistants.porting.matching import (
    function_name,
    language_of,
    mind_of,
    mouth_of,
    parameters_of,
    silence_of,
)
from assistants.porting.reading import Path, Source

_ROOT: Final = "conversation_config"
_PROMPT: Final = (_ROOT, "agent", "prompt")
_KINDS: Final = frozenset({"string", "boolean", "number", "integer"})


def fits(document: dict[str, Any]) -> bool:
    """Whether it looks like one."""
    return isinstance(document.get(_ROOT), dict)


def values_of(source: Source) -> dict[str, Any]:
    """Return the assistant as our API takes it."""
    silence = source.number(_ROOT, "turn", "silence_end_call_timeout")
    is_ended = silence is not None and silence > 0
    ears: dict[str, Any] = {
        "keyterms": [
            word
            for at in source.items(_ROOT, "asr", "keywords")
            if (word := source.text(*at))
        ]
    }
    if language := language_of(source, (_ROOT, "agent", "language")):
        ears["language"] = language
    return {
        "name": source.text("name") or "ElevenLabs",
        "first_message": source.text(_ROOT, "agent", "first_message"),
        "llm_config": _mind(source),
        "stt_config": ears,
        "tts_config": _mouth(source),
        "speech_config": {"silence": silence_of(silence or 0)} if is_ended else {},
        "autonomous_silence_handling": is_ended,
        "max_duration_seconds": source.number(
            _ROOT, "conversation", "max_duration_seconds"
        ),
        "analysis_plan": _analysis(source),
    }


def _mind(source: Source) -> dict[str, Any]:
    instructions = source.text(*_PROMPT, "prompt") or ""
    mind = mind_of(source, None, (*_PROMPT, "llm"))
    most = source.number(*_PROMPT, "max_tokens")
    if most is not None and most > 0:
        if mind.get("provider") in ("openai", "google"):
            mind["max_completion_tokens"] = int(most)
        else:
            source.note(
                (*_PROMPT, "max_tokens"), _("This model has no such limit here.")
            )
    return mind | {
        "temperature": source.number(*_PROMPT, "temperature"),
        "messages": [{"role": "system", "content": instructions}],
        "tools": _tools(source),
    }


def _tools(source: Source) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    for at in source.items(*_PROMPT, "tools"):
        kind, name = source.look(*at, "type"), source.look(*at, "name")
        if kind == "webhook":
            tools.append(_function(source, at))
        elif kind == "system" and isinstance(name, str):
            tools.append(_system(source, at, name))
    built_in = source.look(*_PROMPT, "built_in_tools")
    for name in built_in if isinstance(built_in, dict) else ():
        if source.look(*_PROMPT, "built_in_tools", name):
            tools.append(_system(source, (*_PROMPT, "built_in_tools", name), name))
    seen: set[str] = set()
    found = []
    for tool in tools:
        name = tool.get("name") or tool.get("type", "")
        if tool and name not in seen:
            seen.add(name)
            found.append(tool)
    return found


def _system(source: Source, at: Path, name: str) -> dict[str, Any]:
    if name == "end_call":
        source.take(*at)
        return {"type": "end_call"}
    if name != "transfer_to_number":
        return {}
    source.take(*at, "type")
    source.take(*at, "name")
    source.take(*at, "params", "system_tool_type")
    destinations = []
    for one in source.items(*at, "params", "transfers"):
        source.take(*one, "transfer_destination", "type")
        number = (
            source.text(*one, "transfer_destination", "phone_number")
            or source.text(*one, "transfer_destination", "sip_uri")
            or source.text(*one, "phone_number")
        )
        source.take(*one, "phone_number")
        way = source.text(*one, "transfer_type") or ""
        destinations.append(
            {
                "number": number or "",
                "description": source.text(*one, "condition") or "",
                "mode": "warm" if way == "conference" else "blind",
            }
        )
    return {"type": "transfer_call", "destinations": destinations}


def _function(source: Source, at: Path) -> dict[str, Any]:
    source.take(*at, "type")
    api = (*at, "api_schema")
    body = source.take(*api, "request_body_schema")
    schema = parameters_of(_plain(body)) if isinstance(body, dict) else {}
    for part in ("path_params_schema", "query_params_schema"):
        if source.look(*api, part):
            source.note(
                (*api, part),
                _("Everything is sent in the message, not in the address."),
            )
    return {
        "name": function_name(source.text(*at, "name") or "function"),
        "description": source.text(*at, "description") or "",
        "parameters": schema,
        "url": source.text(*api, "url"),
    }


def _plain(schema: Any) -> Any:
    """Their schemas are JSON Schemas with a few fields of their own, some of them lists."""
    if not isinstance(schema, dict):
        return schema
    found = {
        name: schema[name]
        for name in ("type", "description", "enum", "required")
        if schema.get(name) not in (None, "", [])
    }
    properties = schema.get("properties")
    if isinstance(properties, list):  # as the dashboard exports it, each with its id
        found["required"] = [p["id"] for p in properties if p.get("required")]
        properties = {p["id"]: p for p in properties}
        properties = {k: {**p, "required": None} for k, p in properties.items()}
    if isinstance(properties, dict):
        found["properties"] = {
            name: _plain(inner) for name, inner in properties.items()
        }
    if isinstance(schema.get("items"), dict):
        found["items"] = _plain(schema["items"])
    return found


def _mouth(source: Source) -> dict[str, Any]:
    at = (_ROOT, "tts")
    mouth = mouth_of(source, "elevenlabs", (*at, "voice_id"))
    if mouth:
        mouth |= {
            "model": source.text(*at, "model_id"),
            "stability": source.number(*at, "stability"),
            "similarity_boost": source.number(*at, "similarity_boost"),
            "speed": source.number(*at, "speed"),
        }
    return mouth


def _analysis(source: Source) -> dict[str, Any] | None:
    plan: dict[str, Any] = {}
    properties = {}
    at: Path = ("platform_settings", "data_collection")
    wanted = source.look(*at)
    for name in wanted if isinstance(wanted, dict) else ():
        kind = source.text(*at, name, "type")
        field = {"type": kind if kind in _KINDS else "string"}
        if description := source.text(*at, name, "description"):
            field["description"] = description
        properties[function_name(name)] = field
    if properties:
        schema = {"type": "object", "properties": properties}
        plan["structured_data_plan"] = {"enabled": True, "schema": schema}
    goals = []
    for one in source.items("platform_settings", "evaluation", "criteria"):
        source.take(*one, "type")
        if goal := source.text(*one, "conversation_goal_prompt"):
            goals.append(f"{source.text(*one, 'name') or ''}: {goal}".lstrip(": "))
    if goals:
        plan["success_evaluation_plan"] = {
            "enabled": True,
            "criteria": "\n".join(goals),
        }
    return plan or None
