"""The OpenAPI document is complete, branded, and kept by the API that it describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from pydantic import BaseModel
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from calls.models import VoiceNode
from config.api import api
from config.openapi import _document
from tests.api.conftest import ApiClient
from tests.portal.objects import make_objects
from tests.world import House

load_all_checks()
# Why an operation refuses what its schema allows, where no schema can say it.
STATE = "it depends on how things stand, not on what is sent"
DEPENDS = "one field, or one that is kept, decides what another may be"
CATALOGUE = "which models a vendor has is the catalogue's, which grows by itself"
FILE = "a file is described from outside; what is in it is a table or is none"
THEIRS = "another product's file, whose shape is that product's"
REFUSES: dict[str, str] = {
    "POST /assistants": CATALOGUE,
    "PATCH /assistants/{assistant_id}": CATALOGUE,
    "PATCH /assistants/{assistant_id}/draft": CATALOGUE,
    "POST /assistants/{assistant_id}/proposals": STATE,
    "GET /voices/sample": STATE,
    "POST /assistants/import": THEIRS,
    "POST /byok": STATE,
    "POST /byok/config": STATE,
    "POST /web-calls": CATALOGUE,
    "POST /calls/outbound": CATALOGUE,
    "POST /calls/{call_id}/control": STATE,
    "POST /sip-trunks": DEPENDS,
    "PATCH /sip-trunks/{trunk_id}": DEPENDS,
    "POST /campaigns": DEPENDS,
    "PATCH /campaigns/{campaign_id}": DEPENDS,
    "GET /campaigns/compare": STATE,
    "POST /campaigns/{campaign_id}/test-call": STATE,
    "POST /campaigns/{campaign_id}/imports": FILE,
    "POST /campaigns/{campaign_id}/imports/preview": FILE,
    "PATCH /calling-limits": STATE,
    "POST /tool-templates": DEPENDS,
    "PATCH /tool-templates/{template_id}": DEPENDS,
    "PATCH /mcp-servers/{server_id}": DEPENDS,
    "POST /domains/sync": STATE,
    "POST /billing/coupons": STATE,
    "POST /billing/payments": STATE,
    "PUT /billing/auto-recharge": STATE,
    "PATCH /privacy": DEPENDS,
}
CONFIG = schemathesis.Config()
CONFIG.projects.default.generation.allow_x00 = False  # no text of ours holds one
SCHEMA = schemathesis.openapi.from_dict(_document(), config=CONFIG)
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]


def test_every_operation_is_described() -> None:
    described = {
        (method.upper(), path)
        for path, methods in _document()["paths"].items()
        for method in methods
    }
    served = sum(
        len(operation.methods)
        for _prefix, router in api._routers
        for view in router.path_operations.values()
        for operation in view.operations
    )
    assert len(described) == served
    ids = [
        operation["operationId"]
        for methods in _document()["paths"].values()
        for operation in methods.values()
    ]
    assert len(set(ids)) == len(ids)


def test_no_two_shapes_have_one_name() -> None:
    """The document would describe both by the one that came last."""
    names: dict[str, set[type]] = {}
    waiting: list[type[BaseModel]] = [BaseModel]
    while waiting:
        found = waiting.pop().__subclasses__()
        waiting += found
        for model in found:
            names.setdefault(model.__name__, set()).add(model)
    described = _document()["components"]["schemas"]
    shared = {
        name: sorted(model.__module__ for model in names.get(name, ()))
        for name in described
        if len({m for m in names.get(name, ()) if "api" in m.__module__}) > 1
    }
    assert shared == {}


def test_only_assistants_have_the_bodies_of_assistants() -> None:
    having = {
        path.removeprefix("/api/v1/").split("/")[0]
        for path, methods in _document()["paths"].items()
        for operation in methods.values()
        if "Assistant"
        in str(operation.get("requestBody", {}).get("content", {}).values())
    }
    assert having == {"assistants", "agents"}


def test_every_answer_has_a_schema() -> None:
    bare = [
        (path, method, status)
        for path, methods in _document()["paths"].items()
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
        if "content" not in answer
    ]
    assert bare == []


@pytest.mark.django_db
def test_the_document_carries_the_portals_name(acme: House) -> None:
    document = Client(SERVER_NAME=acme.host).get("/api/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "Acme API"
    assert document["servers"] == [{"url": f"http://{acme.host}"}]


@pytest.mark.django_db
def test_the_operators_host_names_nobody(acme: House) -> None:
    document = Client(SERVER_NAME="localhost").get("/api/openapi.json").json()
    assert document["info"]["title"] == "Voice API"


@pytest.fixture
def wsgi(settings: Any) -> Iterator[WSGIHandler]:
    """The product as a server sees it, on the test's own connection."""
    settings.API_RATE_PER_MINUTE = 1_000_000
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield WSGIHandler()
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


def spoken(schema: Any, value: Any, objects: dict[str, str], name: str = "") -> Any:
    """Return a generated value with the words that only the world knows put right.

    Telephone numbers, addresses, time zones: what the document gives examples of is
    taken from them, so that they are proved as well. Ids are those of what is there.
    """
    while "$ref" in schema:
        schema = _document()["components"]["schemas"][schema["$ref"].split("/")[-1]]
    schema = _branch(schema, value)
    if isinstance(value, str) and schema.get("format") == "uuid":
        return objects.get(name, value)
    is_something = isinstance(value, str) or (isinstance(value, list | dict) and value)
    if is_something and "examples" in schema:
        return schema["examples"][0]
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [spoken(inner, one, objects, name.removesuffix("s")) for one in value]
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        return {
            key: spoken(fields.get(key, {}), one, objects, key)
            for key, one in value.items()
        }
    return _number(value) if isinstance(value, int | float) else value


def _number(value: float) -> float:
    """Return a number as programs write it: `3` for `3.0`, and none beyond 64 bits."""
    if not -(2**63) <= value < 2**63:
        return 0  # JSON knows no bounds, the database does
    return int(value) if value == int(value) else value


def _branch(schema: Any, value: Any) -> Any:
    """Return the alternative of a field that a value is."""
    kinds: dict[type, str] = {str: "string", list: "array", dict: "object"}
    for one in schema.get("anyOf", ()):
        if "$ref" in one or one.get("type") == kinds.get(type(value)):
            while "$ref" in one:
                one = _document()["components"]["schemas"][one["$ref"].split("/")[-1]]
            about = {name: schema[name] for name in ("examples",) if name in schema}
            return {**one, **about}
    return schema


def body_of(operation: Any) -> Any:
    """Return the schema of an operation's JSON; none where it takes a form."""
    path, method = operation.path, operation.method.lower()
    content = _document()["paths"][path][method]["requestBody"]["content"]
    return content.get("application/json", {}).get("schema")


def put_right(case: Any, operation: Any, objects: dict[str, str]) -> None:
    """Let a valid case speak of what there is."""
    if isinstance(case.body, dict | list) and (schema := body_of(operation)):
        case.body = spoken(schema, case.body, objects)
    if isinstance(case.query, dict):
        case.query.pop("cursor", None)  # only an answer gives one
        shapes = {
            one["name"]: one["schema"]
            for one in _document()["paths"][operation.path][operation.method.lower()][
                "parameters"
            ]
            if one["in"] == "query"
        }
        case.query = {
            name: spoken(shapes[name], value, objects, name)
            for name, value in case.query.items()
        }


def label_of(operation: Any) -> str:
    plain: str = operation.label.replace("/api/v1", "")
    return plain.replace("/agents", "/assistants")


def test_what_refuses_more_than_its_schema_is_there() -> None:
    assert set(REFUSES) - {label_of(operation) for operation in OPERATIONS} == set()


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.label)
def test_the_api_keeps_what_the_document_says(
    operation: Any, mode: GenerationMode, bakery: House, node: VoiceNode, wsgi: Any
) -> None:
    key = ApiClient(bakery).key
    objects = {name: str(pk) for name, pk in make_objects(bakery).items()}
    objects |= {
        "agent_id": objects["assistant_id"],
        "variant_assistant_id": objects["assistant_id"],
        "transfer_trunk_id": objects["trunk_id"],
    }
    operation.schema.app = wsgi
    is_true = label_of(operation) not in REFUSES
    skipped = [] if is_true else [CHECKS.get_one("positive_data_acceptance")]

    @hypothesis.settings(
        max_examples=15,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    @hypothesis.seed(1)
    @given(case=operation.as_strategy(generation_mode=mode))
    def keeps_it(case: Any) -> None:
        # Each example may start a call, and a slow machine takes long for all of them.
        VoiceNode.objects.update(capacity=1_000, heartbeat_at=timezone.now())
        path = case.meta.components.get(ParameterLocation.PATH)
        if path is None or path.mode is GenerationMode.POSITIVE:
            # Ids of things that are there, or every answer would be a 404.
            case.path_parameters = {
                name: objects.get(name, value)
                for name, value in (case.path_parameters or {}).items()
            }
        if case.meta.generation.mode.is_positive:
            put_right(case, operation, objects)
        case.call_and_validate(
            base_url=f"http://{bakery.host}",
            app=wsgi,
            headers={"Authorization": f"Bearer {key}"},
            excluded_checks=skipped,
        )

    try:
        keeps_it()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing in it can be wrong
