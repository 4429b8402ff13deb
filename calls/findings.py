"""Reading a transcript for facts: prompts, shapes, and answers that are checked.

Pure. What a model says is taken only if it fits the schema that was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jsonschema import Draft202012Validator, validators

from assistants.analysis_plan import AnalysisPlan, fill_prompt

MAX_TRANSCRIPT_CHARACTERS: Final = 60_000
SUMMARY_PROMPT: Final = (
    "Summarise this telephone call in two or three short sentences, in the language of "
    "the call: what the caller wanted, what came of it, what is to be done now. Say only "
    "what was said.\n\n{transcript}\n\nThe call ended because: {ended_reason}"
)
DATA_SYSTEM: Final = (
    "You read the transcript of a telephone call and write down facts as one JSON object "
    "and nothing else. Use only what was said. Leave out what was not."
)
DATA_PROMPT: Final = (
    "The facts to find, as a JSON Schema:\n{schema}\n\nThe transcript:\n{transcript}\n\n"
    "The call ended because: {ended_reason}"
)
SUCCESS_PROMPT: Final = (
    "Judge whether this telephone call was a success. A success is: {criteria}\n\n"
    "{transcript}\n\nThe call ended because: {ended_reason}\n\n"
    'Answer with one JSON object: {"success": true or false, "reason": "one sentence"}'
)
SUCCESS_SHAPE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"success": {"type": "boolean"}, "reason": {"type": "string"}},
    "required": ["success", "reason"],
    "additionalProperties": False,
}
REPAIR_PROMPT: Final = (
    "Your answer does not fit: {fault}\nAnswer again with one JSON object that fits the "
    "schema, and nothing else. Your answer was:\n{answer}"
)
# A pattern can be written that takes for ever; the model is told, and not held to it.
_Validator: Final = validators.extend(
    Draft202012Validator, {"pattern": None, "patternProperties": None}
)
_STRICT_TYPES: Final = {"string", "number", "integer", "boolean", "array", "object"}
_STRICT_KEYS: Final = {
    "type", "description", "properties", "required", "items", "enum",
    "additionalProperties", "title",
}  # fmt: skip

Messages = list[tuple[str, str]]


def transcript_of(turns: Sequence[tuple[str, str]]) -> str:
    """Return what was said, a line a turn; of a very long call, both its ends."""
    lines = [
        f"{'Assistant' if speaker == 'assistant' else 'Caller'}: {text}"
        for speaker, text in turns
    ]
    text = "\n".join(lines)
    if len(text) <= MAX_TRANSCRIPT_CHARACTERS:
        return text
    half = MAX_TRANSCRIPT_CHARACTERS // 2
    return f"{text[:half]}\n[…]\n{text[-half:]}"


def summary_messages(plan: AnalysisPlan, values: Mapping[str, str]) -> Messages:
    own: Messages = [
        (m.role, fill_prompt(m.content, values)) for m in plan.summary_plan.messages
    ]
    return own or [("user", fill_prompt(SUMMARY_PROMPT, values))]


def data_messages(plan: AnalysisPlan, values: Mapping[str, str]) -> Messages:
    wanted = plan.structured_data_plan
    assert wanted is not None
    own: Messages = [(m.role, fill_prompt(m.content, values)) for m in wanted.messages]
    if not any(role == "system" for role, _ in own):
        own.insert(0, ("system", DATA_SYSTEM))
    if not any(role == "user" for role, _ in own):
        own.append(("user", fill_prompt(DATA_PROMPT, values)))
    return own


def success_messages(criteria: str, values: Mapping[str, str]) -> Messages:
    prompt = SUCCESS_PROMPT.replace("{criteria}", criteria.replace("{", "("))
    return [("user", fill_prompt(prompt, values))]


def strict_shape(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the schema as strict models take it, or `None` when they cannot.

    Every property is required there; what was optional may be null instead.
    """
    if not set(schema) <= _STRICT_KEYS or schema.get("type") not in _STRICT_TYPES:
        return None
    kind = schema["type"]
    found = {k: v for k, v in schema.items() if k in ("type", "description", "enum")}
    if kind == "array":
        items = strict_shape(schema.get("items") or {"type": "string"})
        return None if items is None else {**found, "items": items}
    if kind != "object":
        return found
    required = set(schema.get("required", ()))
    properties: dict[str, Any] = {}
    for name, inner in schema.get("properties", {}).items():
        shape = strict_shape(inner) if isinstance(inner, Mapping) else None
        if shape is None:
            return None
        properties[name] = shape if name in required else _or_null(shape)
    return {
        **found,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(shape: dict[str, Any]) -> dict[str, Any]:
    found = {**shape, "type": [shape["type"], "null"]}
    if "enum" in shape:
        found["enum"] = [*shape["enum"], None]
    return found


def read_json(text: str, schema: Mapping[str, Any]) -> tuple[Any, str]:
    """Return what an answer holds, and what is wrong with it: one of the two is empty.

    Nulls of properties that need not be there are taken away, and fences around JSON.
    """
    fenced = re.search(r"```(?:json)?\s*(\{.*\})\s*```", text, re.DOTALL)
    body = fenced[1] if fenced else text[text.find("{") : text.rfind("}") + 1]
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None, "it is not valid JSON"
    if not isinstance(value, dict):
        return None, "it is not a JSON object"
    required = set(schema.get("required", ()))
    value = {k: v for k, v in value.items() if v is not None or k in required}
    fault = next(iter(_Validator(schema).iter_errors(value)), None)
    if fault is None:
        return value, ""
    where = "/".join(str(part) for part in fault.absolute_path) or "the object"
    return None, f"{where}: {fault.message[:200]}"


# --- without a model ------------------------------------------------------------------
def extracted_summary(turns: Sequence[tuple[str, str]]) -> str:
    """Quote what was said first and last: a summary that claims nothing."""
    asked = [text for speaker, text in turns if speaker == "user" and text.strip()]
    answered = [text for speaker, text in turns if speaker == "assistant" and text]
    if not asked:
        return "The caller said nothing."
    said = f"The caller said: “{asked[0][:200]}”."
    if len(asked) > 1:
        said += f" Last: “{asked[-1][:200]}”."
    if answered:
        said += f" The assistant's last words: “{answered[-1][:200]}”."
    return said


def extracted_data(
    turns: Sequence[tuple[str, str]], schema: Mapping[str, Any]
) -> dict[str, Any]:
    """Copy what stands in the caller's words; what does not is left out."""
    said = " \n ".join(text for speaker, text in turns if speaker == "user")
    found: dict[str, Any] = {}
    for name, inner in schema.get("properties", {}).items():
        value = _found(name, inner if isinstance(inner, Mapping) else {}, said)
        if value is not None:
            found[name] = value
    return found


def _found(name: str, shape: Mapping[str, Any], said: str) -> Any:
    kind = shape.get("type", "string")
    if kind in ("integer", "number") and (number := re.search(r"\d+(?:\.\d+)?", said)):
        return float(number[0]) if kind == "number" else int(float(number[0]))
    if kind != "string":
        return None
    if choices := shape.get("enum"):
        spoken = said.lower()
        return next((one for one in choices if str(one).lower() in spoken), None)
    pattern = next((p for word, p in _PATTERNS if word in name.lower()), None)
    match = re.search(pattern, said, re.IGNORECASE) if pattern else None
    return match[1].strip() if match else None


_PATTERNS: Final = (
    ("mail", r"([\w.+-]+@[\w-]+\.[\w.]+)"),
    ("phone", r"(\+?\d[\d ]{6,})"),
    ("number", r"\b([A-Z]{0,3}-?\d{3,})\b"),
    ("name", r"(?:my name is|this is|i am called)\s+([a-z][\w'-]+(?: [a-z][\w'-]+)?)"),
    ("date", r"\b(\d{4}-\d{2}-\d{2}|today|tomorrow|monday|tuesday|wednesday|thursday"
             r"|friday|saturday|sunday)\b"),
    ("time", r"\b(\d{1,2}(?::\d{2})?\s?(?:am|pm|o'clock)|\d{1,2}:\d{2})\b"),
)  # fmt: skip
