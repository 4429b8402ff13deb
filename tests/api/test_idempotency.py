"""A request with an Idempotency-Key happens once, also in two threads at a time."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from assistants.models import Assistant
from calls.models import Call, VoiceNode
from portal.models import IdempotentAnswer, Organization
from portal.scope import all_organizations, organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import open_poor_client
from tests.world import House

ONCE = {"Idempotency-Key": "order-7"}


def assistants_of(house: House) -> int:
    with organization_scope(house.organization):
        return Assistant.objects.count()


def test_the_same_request_gets_the_same_answer(
    bakery: House, bakery_api: ApiClient, node: VoiceNode
) -> None:
    body = {"destination": "+31612345678", "agent_id": str(bakery.assistant.pk)}
    first = bakery_api.post("/calls/outbound", body, **ONCE)
    second = bakery_api.post("/calls/outbound", dict(reversed(body.items())), **ONCE)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert second["X-RateLimit-Remaining"] == "98"
    with organization_scope(bakery.organization):
        assert Call.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("/assistants", {"name": "Other"}), ("/agents", {"name": "Desk"})],
)
def test_another_request_with_the_key_is_a_conflict(
    bakery: House, bakery_api: ApiClient, path: str, body: dict[str, Any]
) -> None:
    assert bakery_api.post("/assistants", {"name": "Desk"}, **ONCE).status_code == 201
    answer = bakery_api.post(path, body, **ONCE)
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == (
        "idempotency_conflict",
        "Idempotency-Key",
    )
    assert assistants_of(bakery) == 2


def test_keys_are_each_api_keys_own(
    bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    for api in (bakery_api, ApiClient(bakery), garage_api):
        answer = api.post("/assistants", {"name": "Desk"}, **ONCE)
        assert "Idempotent-Replayed" not in answer
    assert assistants_of(bakery) == 3


def test_a_refused_request_may_be_sent_again(acme: House, node: VoiceNode) -> None:
    poor = open_poor_client(acme, credits=0)
    api = ApiClient(poor)
    body = {"destination": "+31612345678", "agent_id": str(poor.assistant.pk)}
    assert api.post("/calls/outbound", body, **ONCE).status_code == 402
    with organization_scope(poor.organization):
        assert not IdempotentAnswer.objects.exists()


def test_something_broken_leaves_nothing_behind(
    bakery: House, bakery_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(assistant: Assistant) -> None:
        raise RuntimeError

    bakery_api.client.raise_request_exception = False
    with monkeypatch.context() as broken_answer:
        broken_answer.setattr("assistants.api.assistant_json", broken)
        answer = bakery_api.post("/assistants", {"name": "Desk"}, **ONCE)
        assert answer.status_code == 500
    assert assistants_of(bakery) == 1
    answer = bakery_api.post("/assistants", {"name": "Desk"}, **ONCE)
    assert answer.status_code == 201


def test_a_key_is_forgotten_after_a_day(bakery: House, bakery_api: ApiClient) -> None:
    bakery_api.post("/assistants", {"name": "Desk"}, **ONCE)
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        answer = bakery_api.post("/assistants", {"name": "Other"}, **ONCE)
    assert answer.status_code == 201


def test_a_secret_is_given_again_but_not_readable_in_the_table(
    acme: House, acme_api: ApiClient
) -> None:
    first = acme_api.post("/organizations", {"name": "Florist"}, **ONCE).json()
    second = acme_api.post("/organizations", {"name": "Florist"}, **ONCE).json()
    assert second["api_key"] == first["api_key"]
    with all_organizations("one was opened"):
        assert Organization.objects.filter(name="Florist").count() == 1
        kept = IdempotentAnswer.objects.get()
    assert first["api_key"].encode() not in bytes(kept.sealed_body)


@pytest.mark.parametrize("key", ["", " ", "é", "x" * 256])
def test_a_key_that_is_none_is_refused(bakery_api: ApiClient, key: str) -> None:
    answer = bakery_api.post("/assistants", {"name": "A"}, **{"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "Idempotency-Key"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_threads_with_one_key_do_it_once(bakery: House) -> None:
    key = ApiClient(bakery).key

    def make(_number: int) -> tuple[int, str]:
        try:
            answer = ApiClient(bakery, key=key).post(
                "/assistants", {"name": "Desk"}, **ONCE
            )
            return answer.status_code, answer.json()["assistant"]["id"]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        answers = Counter(threads.map(make, range(12)))
    assert list(answers.values()) == [12]
    assert assistants_of(bakery) == 2
