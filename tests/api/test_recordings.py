"""Recordings over REST: the list, the sound by a key, the sound by a link."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import storages
from django.test import Client

from calls.models import Call, VoiceNode
from calls.services.web import start_web_call
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from tests.api.conftest import ApiClient
from tests.world import House

SOUND = b"RIFF" + bytes(range(200))


@pytest.fixture
def recorded(bakery: House, node: VoiceNode) -> Callable[[], Call]:
    def record() -> Call:
        with organization_scope(bakery.organization):
            call = start_web_call(
                organization=bakery.organization,
                assistant=bakery.assistant,
                actor=None,
            ).call
            name = storages["recordings"].save(f"{call.pk}.wav", io.BytesIO(SOUND))
            Call.objects.filter(pk=call.pk).update(recording=name, recording_ms=1200)
        return call

    return record


def test_calls_with_sound_are_listed_newest_first(
    bakery: House, bakery_api: ApiClient, recorded: Any
) -> None:
    bakery_api.post("/web-calls", {"assistant_id": str(bakery.assistant.pk)})
    first, second = recorded(), recorded()
    found = bakery_api.get("/recordings?limit=1").json()
    assert [one["call_id"] for one in found["recordings"]] == [str(second.pk)]
    assert found["pagination"]["total"] == 2
    cursor = found["pagination"]["next_cursor"]
    [older] = bakery_api.get(f"/recordings?cursor={cursor}").json()["recordings"]
    assert (older["call_id"], older["duration_ms"]) == (str(first.pk), 1200)
    other = "01977d5e-7c00-7000-8000-000000000001"
    nobodys = bakery_api.get(f"/recordings?assistant_id={other}").json()
    assert nobodys["recordings"] == []


def test_a_key_downloads_the_sound_in_whole_and_in_part(
    bakery_api: ApiClient, recorded: Any
) -> None:
    path = f"/calls/{recorded().pk}/recording"
    whole = bakery_api.get(path)
    assert (whole.status_code, whole["Content-Type"]) == (200, "audio/wav")
    assert b"".join(whole.streaming_content) == SOUND
    part = bakery_api.get(path, range="bytes=4-7")
    assert (part.status_code, part["Content-Range"]) == (206, "bytes 4-7/204")
    assert b"".join(part.streaming_content) == bytes(range(4))
    outside = bakery_api.get(path, range="bytes=900-")
    assert (outside.status_code, outside["Content-Range"]) == (416, "bytes */204")
    assert outside.json()["error"]["code"] == "range_not_satisfiable"


def test_a_link_needs_no_key_and_ends(
    bakery: House, bakery_api: ApiClient, recorded: Any
) -> None:
    recorded()
    [row] = bakery_api.get("/recordings").json()["recordings"]
    stranger = Client(SERVER_NAME=bakery.host)
    path = row["url"].partition(bakery.host)[2]
    assert b"".join(stranger.get(path).streaming_content) == SOUND
    assert stranger.get(f"{path}x").status_code == 404


def test_another_has_no_part_in_it(
    bakery: House, garage_api: ApiClient, bakery_api: ApiClient, recorded: Any
) -> None:
    call = recorded()
    assert garage_api.get(f"/calls/{call.pk}/recording").status_code == 404
    assert garage_api.get("/recordings").json()["recordings"] == []
    silent = bakery_api.post("/web-calls", {"assistant_id": str(bakery.assistant.pk)})
    path = f"/calls/{silent.json()['call_id']}/recording"
    assert bakery_api.get(path).status_code == 404
    assert Client(SERVER_NAME=bakery.host).get(f"/api/v1{path}").status_code == 401


def test_the_sound_of_a_call_that_is_over_is_deleted_for_good(
    bakery: House, bakery_api: ApiClient, garage_api: ApiClient, recorded: Any
) -> None:
    call = recorded()
    path = f"/calls/{call.pk}/recording"
    assert bakery_api.delete(path).status_code == 409  # it still goes on
    with organization_scope(bakery.organization):
        Call.objects.update(status=Call.Status.ENDED)
        name = Call.objects.get().recording
        save_privacy(
            organization=bakery.organization, actor=None, legal_hold_reason="Case 7"
        )
    assert bakery_api.delete(path).json()["error"]["code"] == "conflict"
    assert storages["recordings"].exists(name)
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, actor=None, legal_hold_reason="")
    assert garage_api.delete(path).status_code == 404
    assert bakery_api.delete(path).json() == {"success": True}
    assert not storages["recordings"].exists(name)
    assert bakery_api.get(path).status_code == 404
    assert bakery_api.delete(path).status_code == 404
    assert bakery_api.get("/recordings").json()["recordings"] == []
    [record] = bakery_api.get("/audit-records?action=recording.").json()[
        "audit_records"
    ]
    assert record["target_id"] == str(call.pk)
    assert record["api_key"].startswith("Test fl_live_")
