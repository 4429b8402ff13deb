"""The reference's introduction, walked through with plain curl as it stands there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from calls.models import VoiceNode
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests import world
from tests.plugins.servers import program
from tests.world import House

pytestmark = [pytest.mark.servers, pytest.mark.slow]
Curl = Callable[..., tuple[int, dict[str, str], Any]]


@pytest.fixture
def house(transactional_db: None) -> House:
    acme = world.open_house("acme", "alice", "+31201234501")
    return world.open_client_house(acme, "Bakery", "+31201234502")


@pytest.fixture
def curl(house: House, live_server: Any) -> Curl:
    """Send a request as the page's examples do; return status, headers and body."""
    with organization_scope(house.organization):
        _row, key = issue_key(organization=house.organization, name="Walk", actor=None)
    port = live_server.url.rpartition(":")[2]
    connection.close()

    def send(
        method: str, path: str, body: Any = None, *, bearer: str = key
    ) -> tuple[int, dict[str, str], Any]:
        words = [program("curl", "curl"), "--silent", "--include", "-X", method]
        words += ["-H", f"Authorization: Bearer {bearer}"]
        if body is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        words.append(f"http://127.0.0.1:{port}/api/v1{path}")
        done = subprocess.run(words, check=True, capture_output=True, timeout=30)
        head, _gap, text = done.stdout.decode().partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(status.split()[1]), headers, json.loads(text)

    return send


def test_the_quick_start(house: House, curl: Curl) -> None:
    # 1. Create an assistant.
    status, headers, made = curl(
        "POST",
        "/assistants",
        {
            "name": "Front desk",
            "first_message": "Hello, how can I help you?",
            "llm_config": {
                "messages": [{"role": "system", "content": "You work for a bakery."}]
            },
        },
    )
    assert status == 201, made
    assistant = made["assistant"]
    assert headers["X-RateLimit-Limit"] == "100"
    assert headers["X-RateLimit-Remaining"] == "99"
    assert int(headers["X-RateLimit-Reset"]) > 0
    # 2. Add a phone number, under the name the introduction gives the field.
    number = {"number": "+31201234567", "assistant_id": assistant["id"]}
    status, _headers, made = curl("POST", "/numbers", number)
    assert status == 201, made
    assert made["number"]["phone_number"] == "+31201234567"
    assert made["number"]["assistant_id"] == assistant["id"]
    # The introduction's 409: the number exists already.
    status, _headers, refused = curl("POST", "/numbers", number)
    assert (status, refused["error"]["code"]) == (409, "conflict")
    # 3. Set up webhooks.
    status, _headers, changed = curl(
        "PATCH",
        f"/assistants/{assistant['id']}",
        {
            "webhook_url": "https://example.com/webhook",
            "webhook_events": ["tool-calls", "end-of-call-report"],
        },
    )
    assert status == 200, changed
    assert changed["assistant"]["webhook_events"] == [
        "tool-calls",
        "end-of-call-report",
    ]
    # 4. Test the assistant: the outbound endpoint instead of a telephone.
    VoiceNode.objects.all().delete()
    status, _headers, answer = curl(
        "POST",
        "/calls/outbound",
        {"destination": "+31612345678", "assistant_id": assistant["id"]},
    )
    assert (status, answer["error"]["code"]) == (503, "no_capacity")


def test_the_older_name_of_assistants(house: House, curl: Curl) -> None:
    status, _headers, agents = curl("GET", "/agents")
    assert status == 200
    assert agents == curl("GET", "/assistants")[2]


def test_calls_and_usage_are_tracked(house: House, curl: Curl) -> None:
    assert curl("GET", "/calls")[2] == {
        "calls": [],
        "pagination": {"total": 0, "limit": 100, "offset": 0, "next_cursor": None},
    }
    assert curl("GET", "/usage")[2]["summary"]["total_calls"] == 0
    assert curl("GET", "/byok")[2]["byok_keys"]["deepgram_secret_id"] is None


def test_an_assistant_has_all_that_is_said_of_it(house: House, curl: Curl) -> None:
    """Its parts by the introduction's list: model, voice, ears, tools, analysis."""
    body = {
        "name": "Front desk",
        "llm_config": {
            "provider": "demo",
            "model": "demo-1",
            "messages": [{"role": "system", "content": "You work for a bakery."}],
            "tools": [{"type": "function", "function": {"name": "check_slot"}}],
        },
        "tts_config": {"provider": "offline", "voice_id": "flite-rms", "speed": 1.1},
        "stt_config": {"provider": "offline", "language": "en", "keyterms": ["bun"]},
        "analysis_plan": {
            "structured_data_plan": {
                "enabled": True,
                "schema": {
                    "type": "object",
                    "properties": {"mood": {"type": "string"}},
                },
            }
        },
    }
    status, _headers, made = curl("POST", "/assistants", body)
    assert status == 201, made
    path = f"/assistants/{made['assistant']['id']}"
    read = curl("GET", path)[2]["assistant"]
    for block, value in (
        ("tts_config", ("speed", 1.1)),
        ("stt_config", ("keyterms", ["bun"])),
        ("llm_config", ("model", "demo-1")),
    ):
        assert read[block][value[0]] == value[1]
    assert read["llm_config"]["tools"][0]["function"]["name"] == "check_slot"
    plan = read["analysis_plan"]["structured_data_plan"]
    assert plan["schema"]["properties"] == {"mood": {"type": "string"}}


def test_a_call_that_is_over_takes_no_commands(
    house: House, curl: Curl, node: VoiceNode
) -> None:
    voices, mcp = curl("GET", "/voices")[2], curl("GET", "/mcp-servers")[2]
    assert voices["voices"]
    assert mcp["mcp_servers"] == []
    started = curl("POST", "/web-calls", {"assistant_id": str(house.assistant.pk)})
    assert started[0] == 201, started[2]
    path = f"/calls/{started[2]['call_id']}"
    status, _headers, read = curl("GET", path)
    assert (status, read["direction"], read["messages"]) == (200, "web", [])
    say = {"type": "say", "content": "Hello."}
    status, _headers, refused = curl("POST", f"{path}/control", say)
    assert (status, refused["error"]["code"]) == (400, "call_not_active")


def test_a_client_may_not_do_what_agencies_do(house: House, curl: Curl) -> None:
    """The introduction's 403."""
    status, _headers, refused = curl("POST", "/organizations", {"name": "Florist"})
    assert (status, refused["error"]["code"]) == (403, "forbidden")
    assert refused["error"]["message"]


@pytest.mark.parametrize(
    ("words", "status", "code", "param"),
    [
        (("POST", "/assistants", {}), 400, "missing_field", "name"),
        (("GET", "/calls/nobody", None), 404, "not_found", None),
        (("GET", "/nothing", None), 404, "not_found", None),
        (("GET", "/organizations/x", None), 404, "not_found", None),
    ],
)
def test_errors_have_the_documented_shape(
    house: House, curl: Curl, words: Any, status: int, code: str, param: str | None
) -> None:
    found, _headers, body = curl(*words)
    assert found == status
    assert set(body["error"]) == {"code", "message", "param", "type"}
    assert (body["error"]["code"], body["error"]["param"]) == (code, param)


def test_a_wrong_key_is_401(house: House, curl: Curl) -> None:
    status, _headers, body = curl("GET", "/assistants", bearer="fl_live_wrong")
    assert (status, body["error"]["code"]) == (401, "unauthorized")


def test_the_limit_of_the_minute(house: House, curl: Curl, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 2
    for left in ("1", "0"):
        status, headers, _body = curl("GET", "/voices")
        assert (status, headers["X-RateLimit-Remaining"]) == (200, left)
    status, headers, body = curl("GET", "/voices")
    assert (status, body["error"]["code"]) == (429, "rate_limit_exceeded")
    assert int(headers["Retry-After"]) == body["retry_after"] >= 1
    assert body["error"]["message"].startswith("Too many requests. Please retry after")
