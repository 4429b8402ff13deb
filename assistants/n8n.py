"""A workflow for n8n that answers one webhook function, ready to be imported there.

    Webhook (POST) ─▶ Check the arguments ─▶ Your work ─▶ Answer

The arguments come checked and by name, as the items of a Code node; what "Your work"
returns is what the assistant is told. n8n's own export has this shape: nodes with ids
and positions, connections by the names of nodes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from assistants.tool_shapes import FunctionTool

_SPACE: Final = UUID("6f2f1a4e-8d0c-4f0e-9b56-2d6d0f6f7a11")
_WEBHOOK: Final = "Webhook"
_CHECK: Final = "Check the arguments"
_WORK: Final = "Your work"
_ANSWER: Final = "Answer"

_CHECK_CODE: Final = """\
// What the assistant filled in, by name. What is missing is told to the assistant.
const message = $input.first().json.body?.message ?? {};
const call = message.tool_call_list?.[0] ?? {};
const given = call.function?.arguments ?? {};
const required = %(required)s;
const missing = required.filter((name) => given[name] === undefined || given[name] === "");
return [{ json: { tool_call_id: call.id, missing, ...given } }];
"""
_WORK_CODE: Final = """\
// %(description)s
// Fields: %(fields)s
const { tool_call_id, missing, ...fields } = $input.first().json;
if (missing.length) {
  return [{ json: { tool_call_id, error: `Ask the caller for: ${missing.join(", ")}` } }];
}
// Put your own nodes before this one, or do the work here.
const result = `Received: ${JSON.stringify(fields)}`;
return [{ json: { tool_call_id, result } }];
"""
_ANSWER_BODY: Final = (
    "={{ JSON.stringify({ results: [ $json.error "
    "? { tool_call_id: $json.tool_call_id, error: $json.error } "
    ": { tool_call_id: $json.tool_call_id, result: $json.result } ] }) }}"
)


def workflow_of(tool: FunctionTool) -> dict[str, Any]:
    """Return the workflow as n8n exports one; the same tool gives the same.

    No secret is in it: n8n checks signatures by a credential of its own.
    """
    path = _path_of(tool)
    schema = tool.function.parameters
    names = list(schema.get("properties", {}))
    nodes = [
        _node(
            path,
            _WEBHOOK,
            "n8n-nodes-base.webhook",
            2,
            0,
            {
                "httpMethod": "POST",
                "path": path,
                "responseMode": "responseNode",
                "options": {},
            },
        )
        | {"webhookId": str(uuid5(_SPACE, f"{path}/webhook"))},
        _node(
            path,
            _CHECK,
            "n8n-nodes-base.code",
            2,
            1,
            {"jsCode": _CHECK_CODE % {"required": _js(schema.get("required", []))}},
        ),
        _node(
            path,
            _WORK,
            "n8n-nodes-base.code",
            2,
            2,
            {
                "jsCode": _WORK_CODE
                % {
                    "description": _one_line(tool.function.description or tool.name),
                    "fields": _one_line(", ".join(names)) or "none",
                }
            },
        ),
        _node(
            path,
            _ANSWER,
            "n8n-nodes-base.respondToWebhook",
            1.1,
            3,
            {"respondWith": "json", "responseBody": _ANSWER_BODY, "options": {}},
        ),
    ]
    order = [_WEBHOOK, _CHECK, _WORK, _ANSWER]
    return {
        "name": tool.name,
        "nodes": nodes,
        "connections": {
            before: {"main": [[{"node": after, "type": "main", "index": 0}]]}
            for before, after in pairwise(order)
        },
        "pinData": {
            _WEBHOOK: [{"json": {"body": {"message": _example(tool, schema)}}}]
        },
        "settings": {"executionOrder": "v1"},
        "active": False,
        "meta": {"templateCredsSetupCompleted": True},
        "tags": [],
    }


def _node(
    path: str,
    name: str,
    kind: str,
    version: float,
    column: int,
    parameters: dict[str, Any],
) -> dict[str, Any]:
    return {
        "parameters": parameters,
        "id": str(uuid5(_SPACE, f"{path}/{name}")),
        "name": name,
        "type": kind,
        "typeVersion": version,
        "position": [column * 240, 0],
    }


def _path_of(tool: FunctionTool) -> str:
    """Return the path of the tool's own address in n8n, so that it keeps it; else its name."""
    parts = [part for part in urlsplit(tool.server.url or "").path.split("/") if part]
    if len(parts) > 1 and parts[0] in ("webhook", "webhook-test"):
        return "/".join(parts[1:])
    return tool.name


def _example(tool: FunctionTool, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the webhook is sent, to try the workflow with before there are calls."""
    arguments = {
        name: _sample(property_)
        for name, property_ in schema.get("properties", {}).items()
    }
    function = {"name": tool.name, "arguments": arguments}
    return {
        "type": "tool-calls",
        "tool_call_list": [
            {"id": "call_example", "type": "function", "function": function}
        ],
    }


def _sample(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return "example"
    if schema.get("enum"):
        return schema["enum"][0]
    samples = {"number": 1.5, "integer": 1, "boolean": True, "array": [], "object": {}}
    kind = schema.get("type")
    return samples.get(kind, "example") if isinstance(kind, str) else "example"


def _js(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
