"""Calls with settings of their own: transient, and a saved assistant overridden."""

from __future__ import annotations

import json
from typing import Any

import pytest

from calls.models import Call, VoiceNode
from calls.services.running import pick_up
from portal.models import WebhookEndpoint
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.world import House

TRANSIENT = {
    "first_message": "Hi there.",
    "llm_config": {"messages": [{"role": "system", "content": "Be brief."}]},
    "max_duration_seconds": 120,
    "metadata": {"order": "A-1"},
}
STARTS = [
    ("/calls/outbound", {"destination": "+31612345678"}),
    ("/web-calls", {}),
]


def call_of(house: House, answer: Any) -> Call:
    assert answer.status_code == 201, answer.text
    with organization_scope(house.organization):
        return Call.objects.get(pk=answer.json()["call_id"])


def spec_heard(call: Call, node: VoiceNode) -> Any:
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    return order.spec


@pytest.mark.parametrize(("path", "body"), STARTS)
@pytest.mark.parametrize("name", ["assistant", "agent", "agent_config"])
def test_a_transient_assistant_is_only_this_calls(
    bakery: House,
    bakery_api: ApiClient,
    node: VoiceNode,
    path: str,
    body: dict[str, Any],
    name: str,
) -> None:
    call = call_of(bakery, bakery_api.post(path, {**body, name: TRANSIENT}))
    assert (call.assistant_id, call.version_id) == (None, None)
    assert call.metadata == {"order": "A-1"}
    spec = spec_heard(call, node)
    assert (spec.first_message, spec.max_duration_seconds) == ("Hi there.", 120)
    assert spec.llm_config.instructions == "Be brief."
    assert len(bakery_api.get("/assistants").json()["assistants"]) == 1


@pytest.mark.parametrize(("path", "body"), STARTS)
def test_an_override_replaces_whole_blocks_for_one_call(
    bakery: House,
    bakery_api: ApiClient,
    node: VoiceNode,
    path: str,
    body: dict[str, Any],
) -> None:
    wanted = {
        **body,
        "assistant_id": str(bakery.assistant.pk),
        "assistant_override": {
            "first_message": "Just for you.",
            "llm_config": {"messages": [{"role": "system", "content": "New."}]},
            "metadata": {"a": 1, "b": 1},
        },
        "metadata": {"b": 2},
    }
    call = call_of(bakery, bakery_api.post(path, wanted))
    assert call.assistant_id == bakery.assistant.pk
    assert call.metadata == {"a": 1, "b": 2}
    spec = spec_heard(call, node)
    assert spec.first_message == "Just for you."
    assert spec.llm_config.instructions == "New."
    assert spec.llm_config.tools == ()  # the whole block
    assert spec.tts_config.voice_id == "flite-rms"  # another block
    saved = bakery_api.get(f"/assistants/{bakery.assistant.pk}").json()["assistant"]
    assert saved["first_message"] == "Hello, how can I help you?"


def test_the_webhook_of_one_call_is_an_endpoint_like_any_other(
    bakery: House, bakery_api: ApiClient, node: VoiceNode
) -> None:
    own = TRANSIENT | {
        "webhook_url": "https://example.com/one-call",
        "webhook_secret": "hush hush",
        "webhook_events": ["status-update"],
    }
    body = {"destination": "+31612345678", "assistant": own}
    first = call_of(bakery, bakery_api.post("/calls/outbound", body))
    call_of(bakery, bakery_api.post("/calls/outbound", body))
    assert "hush hush" not in json.dumps(first.overrides)
    with organization_scope(bakery.organization):
        endpoint = WebhookEndpoint.objects.get()  # both calls share it
        assert endpoint.secret == "hush hush"
        assert str(endpoint.assistant_id) == first.overrides["webhook_id"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "assistant_id"),
        ({"assistant": TRANSIENT, "assistant_id": "mine"}, "assistant"),
        ({"assistant": TRANSIENT, "assistant_override": {}}, "assistant"),
        ({"assistant_override": {"first_message": "x"}}, "assistant_id"),
        (
            {"assistant": {"llm_config": {"temperature": 9}}},
            "assistant.llm_config.temperature",
        ),
        (
            {
                "assistant_id": "mine",
                "assistant_override": {"llm_config": {"tools": [{"type": "x"}]}},
            },
            "assistant_override.llm_config.tools[0]",
        ),
        ({"assistant": {"surprise": 1}}, "assistant.surprise"),
        ({"assistant": {"metadata": 5}}, "assistant.metadata"),
        (
            {"assistant": {"webhook_url": "https://10.0.0.1/hook"}},
            "assistant.webhook_url",
        ),
    ],
)
def test_what_cannot_be_used_is_named_and_starts_nothing(
    bakery: House,
    bakery_api: ApiClient,
    node: VoiceNode,
    body: dict[str, Any],
    param: str,
) -> None:
    if body.get("assistant_id") == "mine":
        body = body | {"assistant_id": str(bakery.assistant.pk)}
    answer = bakery_api.post("/web-calls", body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    with organization_scope(bakery.organization):
        assert not Call.objects.exists()
        assert not WebhookEndpoint.objects.exists()


def test_a_test_key_calls_nobody_and_costs_nothing(
    bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        _row, text = issue_key(
            organization=bakery.organization, name="Test", actor=None, mode="test"
        )
    assert text.startswith("fl_test_")
    client = ApiClient(bakery, text)
    before = client.get("/organizations").json()["credits_balance"]
    answer = client.post(
        "/calls/outbound",
        {
            "destination": "+31612345678",
            "assistant": {
                "llm_config": {
                    "provider": "openai",
                    "model": "gpt-4.1-mini",
                    "messages": [{"role": "system", "content": "Be brief."}],
                },
            },
        },
    )
    if answer.status_code == 400:  # the key of that vendor is not here
        answer = client.post(
            "/calls/outbound",
            {"destination": "+31612345678", "assistant_id": str(bakery.assistant.pk)},
        )
    call = call_of(bakery, answer)
    assert (call.is_test, call.carrier) == (True, "simulator")
    assert call.price_microcredits_per_minute == 0
    spec = spec_heard(call, node)
    assert spec.llm_config.provider == "demo"
    assert spec.stt_config.provider == "offline"
    assert client.get("/organizations").json()["credits_balance"] == before
