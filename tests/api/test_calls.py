"""Calls over REST: finding them, placing them, steering them, hearing them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone

from calls.models import Call, Turn, VoiceNode
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.campaigns.builders import open_poor_client
from tests.world import House


def stored(house: House, **fields: Any) -> Call:
    """Return a call of the house as it stands in the table."""
    created_at = fields.pop("created_at", None)
    with organization_scope(house.organization):
        call = Call.objects.create(
            **{
                "organization": house.organization,
                "assistant": house.assistant,
                "number": house.number,
                "direction": Call.Direction.INBOUND,
                "carrier": "simulator",
                "status": Call.Status.ENDED,
                "caller_number": "+31612345678",
                **fields,
            }
        )
        if created_at:
            Call.objects.filter(pk=call.pk).update(created_at=created_at)
    return call


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [call["id"] for call in answer.json()["calls"]]


def test_a_list_is_paged_newest_first(bakery: House, bakery_api: ApiClient) -> None:
    calls = [str(stored(bakery).pk) for _ in range(3)]
    answer = bakery_api.get("/calls?limit=2&offset=1")
    assert ids(answer) == [calls[1], calls[0]]
    assert answer.json()["pagination"] == {
        "total": 3,
        "limit": 2,
        "offset": 1,
        "next_cursor": None,
    }


@pytest.mark.parametrize("spelling", ["ended-with-error", "ended_with_error"])
def test_a_status_is_found_in_both_spellings(
    bakery: House, bakery_api: ApiClient, spelling: str
) -> None:
    stored(bakery)
    wanted = stored(bakery, status=Call.Status.ENDED_WITH_ERROR)
    assert ids(bakery_api.get(f"/calls?status={spelling}")) == [str(wanted.pk)]


def test_an_unknown_status_is_refused(bakery_api: ApiClient) -> None:
    answer = bakery_api.get("/calls?status=done")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "status"


def test_a_period_includes_both_of_its_days(
    bakery: House, bakery_api: ApiClient
) -> None:
    # In Amsterdam it is the 2nd already, and still the 3rd.
    first = stored(bakery, created_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    last = stored(bakery, created_at=datetime(2026, 3, 3, 22, 30, tzinfo=UTC))
    stored(bakery, created_at=datetime(2026, 3, 3, 23, 30, tzinfo=UTC))
    found = ids(bakery_api.get("/calls?start_date=2026-03-02&end_date=2026-03-03"))
    assert found == [str(last.pk), str(first.pk)]
    exact = "2026-03-01T23:30:00Z"
    found = ids(bakery_api.get(f"/calls?start_date={exact}&end_date={exact}"))
    assert found == [str(first.pk)]


def test_a_day_before_or_after_all_there_is_is_as_far_as_there_is(
    bakery: House, bakery_api: ApiClient
) -> None:
    call = stored(bakery)
    everything = "start_date=0001-01-01&end_date=9999-12-31T23:59:59%2B23:00"
    assert ids(bakery_api.get(f"/calls?{everything}")) == [str(call.pk)]
    assert ids(bakery_api.get("/calls?end_date=0001-01-01")) == []


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30"])
def test_a_day_that_is_none_is_refused(bakery_api: ApiClient, day: str) -> None:
    answer = bakery_api.get(f"/calls?end_date={day}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "end_date"


@pytest.mark.parametrize("name", ["assistant_id", "agent_id"])
def test_an_assistants_calls_are_found_by_either_name(
    bakery: House, bakery_api: ApiClient, name: str
) -> None:
    stored(bakery, assistant=None)
    wanted = stored(bakery)
    assert ids(bakery_api.get(f"/calls?{name}={bakery.assistant.pk}")) == [
        str(wanted.pk)
    ]


def test_a_list_costs_the_same_queries_however_long(
    bakery: House, bakery_api: ApiClient, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        stored(bakery)
    with django_assert_max_num_queries(12):
        assert len(ids(bakery_api.get("/calls"))) == 20


def test_one_call_is_bare_and_has_what_was_said(
    bakery: House, bakery_api: ApiClient
) -> None:
    call = stored(bakery, metadata={"order": 7}, billed_seconds=84)
    with organization_scope(bakery.organization):
        Turn.objects.create(
            organization=bakery.organization,
            call=call,
            index=0,
            speaker="assistant",
            text="Hello",
            started_ms=10,
            ended_ms=900,
            response_ms=420,
        )
    shown = bakery_api.get(f"/calls/{call.pk}").json()
    assert shown["id"] == str(call.pk)
    assert shown["agent_id"] == shown["assistant_id"] == str(bakery.assistant.pk)
    assert shown["caller_phone"] == "+31612345678"
    assert shown["assistant_phone"] == "+31201234502"
    assert shown["duration_seconds"] == 84
    assert shown["metadata"] == {"order": 7}
    assert shown["messages"] == [{"role": "assistant", "content": "Hello"}]
    assert shown["turns"][0]["response_ms"] == 420


def test_another_organizations_calls_are_not_there(
    bakery: House, garage_api: ApiClient
) -> None:
    call = stored(bakery)
    assert ids(garage_api.get("/calls")) == []
    assert garage_api.get(f"/calls/{call.pk}").status_code == 404
    command = {"type": "end-call"}
    assert garage_api.post(f"/calls/{call.pk}/control", command).status_code == 404


@pytest.mark.parametrize("name", ["assistant_id", "agent_id"])
def test_an_outbound_call_is_placed_from_the_assistants_number(
    bakery: House, bakery_api: ApiClient, node: VoiceNode, name: str
) -> None:
    answer = bakery_api.post(
        "/calls/outbound",
        {
            "destination": "+31 6 1234 5678",
            name: str(bakery.assistant.pk),
            "first_message": "Good morning",
            "metadata": {"order": {"number": 7}},
        },
    )
    assert answer.status_code == 201, answer.content
    assert answer.json()["success"] is True
    assert answer.json()["status"] == "dialing"
    with organization_scope(bakery.organization):
        call = Call.objects.get()
    assert str(call.pk) == answer.json()["call_id"]
    assert call.callee_number == "+31612345678"
    assert call.caller_number == "+31201234502"
    assert call.overrides == {"first_message": "Good morning"}
    assert call.metadata == {"order": {"number": 7}}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"destination": "abc"}, "destination"),
        ({"assistant_id": "01a20604-51b7-704e-892f-a43e0c1928a6"}, "assistant_id"),
        ({"assistant_id": None}, "assistant_id"),
        ({"number_id": "01a20604-51b7-704e-892f-a43e0c1928a6"}, "number_id"),
        ({"assistant_overrides": {}}, "assistant_overrides"),
        ({"metadata": {"long": "x" * 20_000}}, "metadata"),
    ],
)
def test_a_wrong_outbound_call_is_not_placed(
    bakery: House,
    bakery_api: ApiClient,
    node: VoiceNode,
    change: dict[str, Any],
    param: str,
) -> None:
    body = {"destination": "+31612345678", "assistant_id": str(bakery.assistant.pk)}
    answer = bakery_api.post("/calls/outbound", body | change)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    with organization_scope(bakery.organization):
        assert not Call.objects.exists()


def test_a_call_nobody_can_pay_for_is_402(acme: House, node: VoiceNode) -> None:
    poor = open_poor_client(acme, credits=0)
    answer = ApiClient(poor).post(
        "/calls/outbound",
        {"destination": "+31612345678", "assistant_id": str(poor.assistant.pk)},
    )
    assert answer.status_code == 402
    assert answer.json()["error"]["code"] == "insufficient_credits"
    with organization_scope(poor.organization):
        assert not Call.objects.exists()


def test_no_voice_process_is_503_with_a_time_to_wait(
    bakery: House, bakery_api: ApiClient
) -> None:
    answer = bakery_api.post("/web-calls", {"assistant_id": str(bakery.assistant.pk)})
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"


def test_a_browser_call_comes_with_a_token(
    bakery: House, bakery_api: ApiClient, node: VoiceNode
) -> None:
    answer = bakery_api.post("/web-calls", {"agent_id": str(bakery.assistant.pk)})
    assert answer.status_code == 201
    ticket = answer.json()
    assert ticket["token"]
    assert ticket["server_url"] == f"ws://{bakery.host}/ws/calls/{ticket['call_id']}/"


def test_a_browser_call_is_joined_where_its_key_says(
    bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        _row, text = issue_key(
            organization=bakery.organization,
            name="Shop",
            actor=None,
            origins=["https://shop.example", "https://www.shop.example"],
        )
    api = ApiClient(bakery, text)
    wanted = {"assistant_id": str(bakery.assistant.pk)}
    for own, kept in (
        ([], ["https://shop.example", "https://www.shop.example"]),
        (["HTTPS://shop.example:443/"], ["https://shop.example"]),
    ):
        answer = api.post("/web-calls", wanted | {"allowed_origins": own})
        assert answer.status_code == 201
        with organization_scope(bakery.organization):
            call = Call.objects.get(pk=answer.json()["call_id"])
        assert call.allowed_origins == kept
    for bad in ("https://other.example", "shop.example", "https://shop.example/page"):
        answer = api.post("/web-calls", wanted | {"allowed_origins": [bad]})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "allowed_origins[0]"
    with organization_scope(bakery.organization):
        assert Call.objects.count() == 2


@pytest.mark.parametrize(
    "command",
    [
        {"type": "say", "content": "Hello"},
        {"type": "inject-context", "content": "VIP", "trigger_response": True},
        {"type": "end-call", "message": "Bye"},
        {"type": "end-call"},
        {"type": "transfer", "destination": "+31205551234", "message": "One moment"},
        {"type": "transfer", "destination": "sip:desk@pbx.example.com"},
        {"type": "send-digits", "digits": "12w3#"},
        {"type": "mute", "muted": True},
    ],
)
def test_a_call_going_on_takes_commands(
    bakery: House, bakery_api: ApiClient, command: dict[str, Any]
) -> None:
    call = stored(
        bakery,
        status=Call.Status.IN_PROGRESS,
        direction="outbound",
        callee_number="+31205550001",
    )
    answer = bakery_api.post(f"/calls/{call.pk}/control", command)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"success": True, "message": "Command sent successfully"}


def test_a_call_that_is_over_takes_none(bakery: House, bakery_api: ApiClient) -> None:
    call = stored(bakery)
    answer = bakery_api.post(
        f"/calls/{call.pk}/control", {"type": "say", "content": "Hello"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "call_not_active"


@pytest.mark.parametrize(
    ("command", "param"),
    [
        ({"type": "say"}, "content"),
        ({"type": "say", "content": "x", "loud": True}, "loud"),
        ({"type": "transfer", "destination": "12"}, "destination"),
        ({"type": "transfer", "destination": "sip:not here"}, "destination"),
        ({"type": "send-digits", "digits": "12x"}, "digits"),
        ({"type": "mute"}, "muted"),
        ({"type": "dance"}, None),
    ],
)
def test_a_wrong_command_is_named(
    bakery: House, bakery_api: ApiClient, command: dict[str, Any], param: str | None
) -> None:
    call = stored(bakery, status=Call.Status.IN_PROGRESS, direction="outbound")
    answer = bakery_api.post(f"/calls/{call.pk}/control", command)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.fixture
def heard(bakery: House, settings: Any, tmp_path: Any) -> Call:
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }
    name = storages["recordings"].save("one.wav", BytesIO(b"0123456789"))
    return stored(bakery, recording=name)


def test_a_recording_has_a_link_that_needs_no_key(
    bakery_api: ApiClient, heard: Call
) -> None:
    link = bakery_api.get(f"/calls/{heard.pk}").json()["recording_url"]
    assert link.startswith(f"http://{bakery_api.house.host}/api/v1/recordings/")
    assert bakery_api.get("/calls").json()["calls"][0]["recording_url"]
    player = Client(SERVER_NAME=bakery_api.house.host)
    answer = player.get(link, HTTP_RANGE="bytes=2-4")
    assert answer.status_code == 206
    assert b"".join(answer.streaming_content) == b"234"


def test_a_link_runs_out_and_cannot_be_forged(
    bakery_api: ApiClient, heard: Call, garage: House
) -> None:
    link = bakery_api.get(f"/calls/{heard.pk}").json()["recording_url"]
    path = link.split(bakery_api.house.host)[1]
    assert bakery_api.get(path + "x").status_code == 404
    elsewhere = ApiClient(garage).get(path)
    assert elsewhere.status_code == 404
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        answer = bakery_api.get(path)
    assert answer.status_code == 410
    assert answer.json()["error"]["code"] == "link_expired"
