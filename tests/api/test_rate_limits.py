"""Limits are exact over threads, and every answer says what is left."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from calls.models import Call, VoiceNode
from calls.services.web import start_web_call
from portal.api.limits import count_request
from portal.models import APIKey, RateCount
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.world import House

NOW = datetime(2026, 11, 23, 12, 0, 15, tzinfo=UTC)
END_OF_MINUTE = int(NOW.timestamp()) + 45


@pytest.fixture(autouse=True)
def a_quarter_past_the_minute() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/calls", 200),
        ("GET", "/nothing", 404),
        ("PUT", "/calls", 405),
        ("POST", "/assistants", 400),
    ],
)
def test_every_answer_says_what_is_left(
    bakery_api: ApiClient, method: str, path: str, status: int
) -> None:
    bakery_api.get("/calls")
    answer = bakery_api.send(method, path, {})
    assert answer.status_code == status
    assert answer["X-RateLimit-Limit"] == "100"
    assert answer["X-RateLimit-Remaining"] == "98"
    assert answer["X-RateLimit-Reset"] == str(END_OF_MINUTE)


def test_one_too_many_waits_for_the_next_minute(
    bakery_api: ApiClient, settings: Any
) -> None:
    settings.API_RATE_PER_MINUTE = 1
    assert bakery_api.get("/calls").status_code == 200
    refused = bakery_api.get("/calls")
    assert refused.status_code == 429
    assert refused["Retry-After"] == "45"
    assert refused["X-RateLimit-Remaining"] == "0"
    assert refused.json() == {
        "error": {
            "code": "rate_limit_exceeded",
            "message": "Too many requests. Please retry after 45 seconds.",
            "param": None,
            "type": "rate_limit_error",
        },
        "message": "Too many requests. Please retry after 45 seconds.",
        "retry_after": 45,
    }
    with time_machine.travel(END_OF_MINUTE, tick=False):
        assert bakery_api.get("/calls").status_code == 200


def test_guessing_keys_is_limited_by_address(bakery: House, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 2
    nobody = Client(SERVER_NAME=bakery.host)
    answers = [nobody.get("/api/v1/calls") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[0]["X-RateLimit-Remaining"] == "1"
    elsewhere = nobody.get("/api/v1/calls", REMOTE_ADDR="198.51.100.7")
    assert elsewhere.status_code == 401


def test_keys_are_counted_apart(bakery: House, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 1
    one, other = ApiClient(bakery), ApiClient(bakery)
    assert one.get("/calls").status_code == 200
    assert other.get("/calls").status_code == 200
    assert one.get("/calls").status_code == 429


def test_a_late_request_of_the_minute_before_counts_in_the_newer_one(
    bakery: House, bakery_api: ApiClient
) -> None:
    with organization_scope(bakery.organization):
        key = APIKey.objects.get()
    with time_machine.travel(END_OF_MINUTE, tick=False):
        count_request(key.pk)
    late = count_request(key.pk)
    assert (late.remaining, late.reset_at) == (98, END_OF_MINUTE + 60)
    assert RateCount.objects.get().count == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_limit_is_exact_over_threads(bakery: House, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 25
    key = ApiClient(bakery).key

    def ask(_number: int) -> int:
        try:
            return ApiClient(bakery, key=key).get("/numbers").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        answers = Counter(threads.map(ask, range(60)))
    assert answers == {200: 25, 429: 35}


def test_a_call_takes_ten_commands_a_minute(
    bakery: House, bakery_api: ApiClient, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
        Call.objects.filter(pk=call.pk).update(status=Call.Status.IN_PROGRESS)
    command = {"type": "say", "content": "Hello"}
    path = f"/calls/{call.pk}/control"
    done = [bakery_api.post(path, command).status_code for _ in range(10)]
    assert done == [200] * 10
    refused = bakery_api.post(path, command)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "45"
    assert refused["X-RateLimit-Remaining"] == "89"
