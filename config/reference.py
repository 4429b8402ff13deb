"""The page that explains the API, drawn from its OpenAPI document, with a way to try it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from config.openapi import _document
from config.persons_only import PERSONS_ONLY
from portal.api.errors import CODES
from portal.http import PortalRequest
from portal.permissions import public

_DEEPEST: Final = 4
_SAFE: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Field:
    """One value of a body, a query or a path; `depth` is how far it is nested."""

    name: str
    kind: str
    is_required: bool
    text: str
    depth: int = 0


@dataclass(frozen=True)
class Answer:
    """What comes back with one status."""

    status: str
    text: str
    example: str


@dataclass(frozen=True)
class Operation:
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    title: str
    text: str
    is_deprecated: bool
    path_fields: list[Field] = field(default_factory=list)
    query_fields: list[Field] = field(default_factory=list)
    body_fields: list[Field] = field(default_factory=list)
    body_example: str = ""
    answers: list[Answer] = field(default_factory=list)


@dataclass(frozen=True)
class Group:
    """The operations of one resource."""

    id: str
    name: str
    operations: list[Operation]


@require_GET
@public
def api_reference(request: PortalRequest) -> HttpResponse:
    """Every operation of the API under the portal's brand; open, as its document is."""
    return render(
        request,
        "api/reference.html",
        {
            "groups": groups(),
            "codes": CODES.items(),
            "persons_only": PERSONS_ONLY,
            "base_url": f"{request.scheme}://{request.get_host()}",
        },
    )


@cache
def groups() -> list[Group]:
    """Return every operation by resource, in the order of the document."""
    found: dict[str, list[Operation]] = {}
    for path, methods in _document()["paths"].items():
        for method, details in methods.items():
            if details.get("deprecated"):
                continue
            tag = (details.get("tags") or ["System"])[0]
            found.setdefault(tag, []).append(_operation(path, method, details))
    return [
        Group(_SAFE.sub("-", name.lower()), name, operations)
        for name, operations in found.items()
    ]


def _operation(path: str, method: str, details: dict[str, Any]) -> Operation:
    places: dict[str, list[Field]] = {"path": [], "query": []}
    for one in details.get("parameters", []):
        if one["in"] in places:
            schema = one.get("schema", {})
            places[one["in"]].append(
                Field(
                    one["name"],
                    _kind(schema),
                    one.get("required", False),
                    one.get("description") or schema.get("description", ""),
                )
            )
    body = (
        details.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema", {})
    )
    return Operation(
        id=details["operationId"],
        method=method.upper(),
        path=path,
        title=details.get("summary", details["operationId"]),
        text=details.get("description", ""),
        is_deprecated=False,
        path_fields=places["path"],
        query_fields=places["query"],
        body_fields=list(_fields(body)),
        body_example=_pretty(example(body)) if body else "",
        answers=[
            Answer(status, answer.get("description", ""), _answer_example(answer))
            for status, answer in details["responses"].items()
        ],
    )


def _answer_example(answer: dict[str, Any]) -> str:
    content = answer.get("content", {}).get("application/json", {})
    for one in content.get("examples", {}).values():
        return _pretty(one["value"])
    schema = content.get("schema")
    return _pretty(example(schema)) if schema else ""


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = {**_document()["components"]["schemas"][name]}
    return schema


def _variants(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a schema may be, without null."""
    several = schema.get("anyOf") or schema.get("oneOf")
    if not several:
        return [schema]
    return [_resolved(one) for one in several if one.get("type") != "null"]


def _fields(schema: dict[str, Any], depth: int = 0) -> Iterator[Field]:
    schema = _resolved(schema)
    variants = _variants(schema)
    if len(variants) > 1 and all("properties" in one for one in variants):
        for one in variants:
            yield Field(
                one.get("title", ""), "", False, one.get("description", ""), depth
            )
            yield from _fields(one, depth + 1)
        return
    for name, inner in schema.get("properties", {}).items():
        target = _variants(_resolved(inner))[0]
        if target.get("type") == "array":
            target = _resolved(target.get("items", {}))
        text = inner.get("description") or ""
        yield Field(name, _kind(inner), name in schema.get("required", []), text, depth)
        if depth < _DEEPEST and "properties" in target:
            yield from _fields(target, depth + 1)


def _kind(schema: dict[str, Any]) -> str:
    """Return a schema's type in words a reader knows."""
    schema = _resolved(schema)
    names = []
    for one in _variants(schema):
        if "enum" in one:
            names.append(" | ".join(map(str, one["enum"])))
        elif "const" in one:
            names.append(str(one["const"]))
        elif one.get("type") == "array":
            names.append(f"{_kind(one.get('items', {}))}[]")
        else:
            kind = one.get("type", "any")
            kind = " | ".join(kind) if isinstance(kind, list) else kind
            names.append(one.get("format", kind) if kind == "string" else kind)
    return " | ".join(dict.fromkeys(names)) or "any"


_SAMPLES: Final[dict[str, Any]] = {
    "uuid": "01977d5e-7c00-7000-8000-000000000001",
    "date-time": "2026-03-31T09:00:00Z",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "string": "text",
    "object": {},
}


def example(schema: dict[str, Any], depth: int = 0) -> Any:
    """Return a value of this schema: its own example, else one made of its parts."""
    schema = _resolved(schema)
    for key in ("examples", "default", "const", "enum"):
        if (found := schema.get(key)) not in (None, [], ""):
            return found[0] if key in ("examples", "enum") else found
    variants = _variants(schema)
    if variants[0] is not schema:
        return example(variants[0], depth)
    if "properties" in schema and depth <= _DEEPEST:
        return {
            name: example(inner, depth + 1)
            for name, inner in schema["properties"].items()
            if not inner.get("deprecated")
        }
    if schema.get("type") == "array":
        return (
            [example(schema.get("items", {}), depth + 1)] if depth <= _DEEPEST else []
        )
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    return _SAMPLES.get(schema.get("format", ""), _SAMPLES.get(kind or "", None))
