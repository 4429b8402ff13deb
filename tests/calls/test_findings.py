"""Answers of models: read from whatever surrounds them, and held to the schema."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.analysis_plan import fill_prompt
from calls.findings import read_json, strict_shape, transcript_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
    "required": ["n"],
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"n": 1}', {"n": 1}),
        ('Here it is:\n```json\n{"n": 1}\n```', {"n": 1}),
        ('Sure. {"n": 1, "s": null} Anything else?', {"n": 1}),
    ],
)
def test_object_is_found_in_what_surrounds_it(text: str, value: Any):
    assert read_json(text, SCHEMA) == (value, "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is not valid JSON"),
        ("[1, 2]", "it is not valid JSON"),
        ('{"n": 1', "it is not valid JSON"),
        ("{" * 100_000, "it is not valid JSON"),
        ('{"n": null}', "n: None is not of type 'integer'"),
        ('{"s": "x"}', "the object: 'n' is a required property"),
    ],
)
def test_what_does_not_fit_is_told(text: str, fault: str):
    assert read_json(text, SCHEMA) == (None, fault)


def test_pattern_that_takes_for_ever_is_not_tried():
    evil = {"type": "object", "properties": {"s": {"pattern": "^(a+)+$"}}}
    assert read_json('{"s": "' + "a" * 40 + '!"}', evil)[1] == ""


def test_schema_becomes_strict_or_is_left():
    assert strict_shape(SCHEMA) == {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "s": {"type": ["string", "null"]},
        },
        "required": ["n", "s"],
        "additionalProperties": False,
    }
    assert strict_shape({"type": "object", "oneOf": []}) is None


@pytest.mark.parametrize("braces", ["{summary}", "{{summary}}", "{{ summary }}"])
def test_either_pair_of_braces_is_a_placeholder(braces: str):
    assert fill_prompt(f"<{braces}>", {"summary": "{transcript}"}) == "<{transcript}>"
    assert fill_prompt('{"json": {"a": 1}} {other}', {}) == '{"json": {"a": 1}} {other}'


def test_very_long_call_keeps_both_its_ends():
    turns = [("user", "first")] + [("assistant", "x" * 999)] * 200 + [("user", "last")]
    text = transcript_of(turns)
    assert len(text) < 61_000
    assert text.startswith("Caller: first")
    assert text.endswith("Caller: last")
