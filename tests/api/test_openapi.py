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
# The reference refuses what a schema cannot say: ids of another organization, numbers
# that are no telephone's, models of no vendor.
BEYOND_A_SCHEMA = ("positive_data_acceptance",)
SCHEMA = schemathesis.openapi.from_dict(_document())
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


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.label)
def test_the_api_keeps_what_the_document_says(
    operation: Any, mode: GenerationMode, bakery: House, node: VoiceNode, wsgi: Any
) -> None:
    key = ApiClient(bakery).key
    objects = {name: str(pk) for name, pk in make_objects(bakery).items()}
    operation.schema.app = wsgi
    skipped = [CHECKS.get_one(name) for name in BEYOND_A_SCHEMA]

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
        path = case.meta.components.get(ParameterLocation.PATH)
        if path is None or path.mode is GenerationMode.POSITIVE:
            # Ids of things that are there, or every answer would be a 404.
            case.path_parameters = {
                name: objects.get(name, value)
                for name, value in (case.path_parameters or {}).items()
            }
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
