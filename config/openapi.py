"""The OpenAPI document of the REST API, under the brand of the portal that is asked."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from assistants.spec import AssistantSpec
from config.api import api
from config.persons_only import as_markdown
from portal.api.errors import CODES, error_body
from portal.permissions import public

_REF: Final = "#/components/schemas/{model}"
_RATE_HEADERS: Final = {
    "X-RateLimit-Limit": "Requests a key has in a minute.",
    "X-RateLimit-Remaining": "Requests left in this minute.",
    "X-RateLimit-Reset": "When the minute ends, in Unix seconds.",
}
_ALWAYS: Final = (401, 403, 404, 429, 500)
_STARTS_A_CALL: Final = (
    "/api/v1/calls/outbound",
    "/api/v1/campaigns/{campaign_id}/test-call",
    "/api/v1/numbers/{number_id}/simulate",
    "/api/v1/assistants/{assistant_id}/text-chats",
    "/api/v1/web-calls",
)
_SOUND: Final = ("/api/v1/recordings/{signed}", "/api/v1/calls/{call_id}/recording")
# Read as they come, so that older names are understood; described by the spec.
_ASSISTANT_BODIES: Final = {
    "create_assistant": "NewAssistant",
    "change_assistant": "AssistantChange",
    "change_draft": "DraftChange",
}
_PAPERS: Final = {
    "/api/v1/billing/statement.pdf": "application/pdf",
    "/api/v1/billing/payments/{payment_id}/receipt.pdf": "application/pdf",
    "/api/v1/billing/statement.csv": "text/csv",
    "/api/v1/calls/export.csv": "text/csv",
    "/api/v1/campaigns/{campaign_id}/report.csv": "text/csv",
    "/api/v1/campaigns/{campaign_id}/report.xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ),
    "/api/v1/subjects/export": "application/zip",
    "/api/v1/voices/sample": "audio/wav",
    "/api/v1/campaigns/{campaign_id}/imports/{import_id}/faults.csv": "text/csv",
}
_DESCRIPTION: Final = """\
Everything the portal does, over REST. Send `Authorization: Bearer <key>`.

A key belongs to one organization. An agency's key names a client in the address, for its
limits, credits, notes and copies of the agency's library; opening a client answers with a
key of the client's own. What a client keeps is read with a key of that client: people of
the agency who look into it do so in the portal, with a reason that the client reads.

A key has 100 requests a minute. A POST with an `Idempotency-Key` happens once: sent again
within a day it gets the same answer. Errors have one shape; `error.code` is one of a
fixed list.

A key with the rights of an owner hands an organization over: `PATCH /members` makes the
next person an owner, then the one before an admin.

"""


@require_GET
@public
def openapi_document(request: HttpRequest) -> JsonResponse:
    """The document; it tells nothing about an installation but its name."""
    portal = getattr(request, "portal", None)
    document = dict(_document())
    title = f"{portal.name} API" if portal else api.title
    document["info"] = {**document["info"], "title": title}
    document["servers"] = [{"url": f"{request.scheme}://{request.get_host()}"}]
    return JsonResponse(document)


class _Paths(OpenAPISchema):
    """What the framework finds; `/agents` is mounted beside `/assistants`."""

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        # The same operations come twice; their ids are told apart below.
        self.all_operation_ids.clear()
        details: dict[str, Any] = super().operation_details(operation)
        details["operationId"] = operation.view_func.__name__
        if getattr(operation.view_func, "access", None) == "public":
            details["security"] = []
        return details


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = deepcopy(dict(_Paths(api, "api/v1/")))
    schemas = document["components"]["schemas"]
    schemas["Error"] = _error_schema()
    _add_assistant_bodies(schemas)
    document["info"]["description"] = _DESCRIPTION + as_markdown()
    document["components"]["securitySchemes"] = {
        "ApiKey": {"type": "http", "scheme": "bearer"}
    }
    document["components"]["headers"] = {
        name: {"description": text, "schema": {"type": "integer"}}
        for name, text in _RATE_HEADERS.items()
    }
    document["security"] = [{"ApiKey": []}]
    for schema in schemas.values():
        if schema.get("additionalProperties") is False:
            _refuse_blanks(schema)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    return document


def _refuse_blanks(body: dict[str, Any]) -> None:
    """Say of text that may not be empty that spaces are not counted."""
    for field in body.get("properties", {}).values():
        for one in (field, *field.get("anyOf", ())):
            names = one.get("propertyNames", {})
            if one.get("type") == "string" and one.get("minLength") == 1:
                one.setdefault("pattern", r"\S")
            if names.get("minLength") == 1:
                names.setdefault("pattern", r"\S")


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add what every operation has in common: errors, headers, the idempotency key."""
    is_public = operation.get("security") == []
    if path.startswith("/api/v1/agents"):
        operation["operationId"] += "_as_agent"
        operation["deprecated"] = True
    body = operation.get("requestBody")
    model = _ASSISTANT_BODIES.get(operation["operationId"].removesuffix("_as_agent"))
    if body and model:
        body["content"]["application/json"]["schema"] = {
            "$ref": _REF.format(model=model)
        }
    if method == "post":
        operation.setdefault("parameters", []).append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": False,
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
                "description": "Sent again with the same body: the same answer.",
            }
        )
    if path in _SOUND:
        operation["responses"] = _sound_answers()
    if path in _PAPERS:
        content = {_PAPERS[path]: {"schema": {"type": "string", "format": "binary"}}}
        operation["responses"] = {200: {"description": "The file.", "content": content}}
    responses = operation["responses"]
    if not is_public:
        for answer in responses.values():
            answer["headers"] = {
                name: {"$ref": f"#/components/headers/{name}"} for name in _RATE_HEADERS
            }
    for status in _errors_of(path, method, operation, is_public=is_public):
        responses[status] = _error_answer(status)
    operation["responses"] = {str(status): one for status, one in responses.items()}


def _sound_answers() -> dict[int, dict[str, Any]]:
    sound = {
        kind: {"schema": {"type": "string", "format": "binary"}}
        for kind in ("audio/wav", "audio/webm")
    }
    return {
        200: {"description": "The recording.", "content": sound},
        206: {"description": "The range that was asked for.", "content": sound},
    }


def _errors_of(
    path: str, method: str, operation: dict[str, Any], *, is_public: bool
) -> list[int]:
    if is_public:
        return [404, 410, 416, 500] if path in _SOUND else [500]
    statuses = {*_ALWAYS, 400}
    if path in _SOUND:
        statuses.add(416)
    if method != "get":
        statuses |= {409, 413, 415}
    if path in _STARTS_A_CALL:
        statuses |= {402, 503}
    return sorted(statuses)


def _error_answer(status: int) -> dict[str, Any]:
    found = {name: code for name, code in CODES.items() if code.status == status}
    return {
        "description": " ".join(code.cause for code in found.values()),
        "content": {
            "application/json": {
                "schema": {"$ref": _REF.format(model="Error")},
                "examples": {
                    name: {"value": error_body(name, code.cause)}
                    for name, code in found.items()
                },
            }
        },
    }


def _error_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["error", "message"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "param", "type"],
                "properties": {
                    "code": {"type": "string", "enum": list(CODES)},
                    "message": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "type": {
                        "type": "string",
                        "enum": sorted({code.type for code in CODES.values()}),
                    },
                },
                "additionalProperties": False,
            },
            "message": {"type": "string"},
            "details": {"type": "array", "items": {"type": "string"}},
            "retry_after": {"type": "integer", "minimum": 1},
        },
        "additionalProperties": False,
    }


def _add_assistant_bodies(schemas: dict[str, Any]) -> None:
    """Add the bodies of assistants: the spec, in which only the name is required."""
    spec = AssistantSpec.model_json_schema(
        ref_template="#/components/schemas/{model}Body"
    )
    for name, schema in spec.pop("$defs").items():
        if name in ("LLMConfig", "STTConfig", "TTSConfig"):
            schema.pop("required", None)
        schemas[f"{name}Body"] = schema
    spec["properties"]["is_active"] = {"type": "boolean", "default": True}
    schemas["NewAssistant"] = {
        **spec,
        "title": "NewAssistant",
        "required": ["name"],
        "examples": [{"name": "Front desk", "first_message": "Hello, how can I help?"}],
    }
    schemas["AssistantChange"] = {
        **{name: value for name, value in spec.items() if name != "required"},
        "title": "AssistantChange",
        "examples": [{"llm_config": {"temperature": 0.2}}],
    }
    schemas["DraftChange"] = {
        **schemas["AssistantChange"],
        "title": "DraftChange",
        "properties": {
            name: value
            for name, value in spec["properties"].items()
            if name != "is_active"
        },
    }
