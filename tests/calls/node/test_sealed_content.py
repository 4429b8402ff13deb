"""Content that is kept sealed: on the disk and in the table nobody reads it, people do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection
from django.urls import reverse

from calls.media.recording import Recording
from calls.models import Call, CallEvent, Turn, VoiceNode
from calls.node import shelf
from calls.services import running
from calls.services.recordings import encode_kept
from calls.services.running import CallOrder
from common.ids import uuid7
from portal.scope import all_organizations, organization_scope
from portal.services.privacy import save_privacy
from tests.calls.node.held import HeldCall, order_for
from tests.calls.node.test_live_call import noon
from tests.calls.session.conversation import make_spec
from tests.world import House, browser


@pytest.fixture
def kept_files(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The files that recordings had grown in, as the disk had them at the end."""
    found: list[bytes] = []
    keep = shelf.keep

    def look(call_id: UUID, recording: Recording, **choices: bool) -> Any:
        assert recording.path is not None
        found.append(recording.path.read_bytes())
        return keep(call_id, recording, **choices)

    monkeypatch.setattr(shelf, "keep", look)
    return found


@pytest.fixture
def sealed_call(
    bakery: House, node: VoiceNode, inline_database: None, kept_files: list[bytes]
) -> Call:
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, actor=None, seals_content=True)
    order: CallOrder = order_for(bakery, node)
    held = HeldCall(order, noon(), spec=make_spec("Hello."))
    held.link.ends_at_s = 7.5
    return held.run()


def on_disk(call: Call) -> bytes:
    return (Path(settings.VAR_DIR) / "recordings" / call.recording).read_bytes()


def test_the_transcript_is_sealed_in_its_table(sealed_call: Call) -> None:
    with all_organizations("test"), connection.cursor() as cursor:
        cursor.execute(
            "select text from calls_turn where call_id = %s", [sealed_call.pk]
        )
        kept = [text for (text,) in cursor.fetchall()]
        turns = list(Turn.objects.filter(call=sealed_call))
    assert len(kept) == 3
    assert all(text.startswith("\x1asealed:k1.") for text in kept)
    assert [turn.text for turn in turns] == ["Hello.", "What time is it", "It is noon."]


def test_the_recording_is_sealed_on_the_disk_and_made_small_sealed(
    sealed_call: Call,
) -> None:
    assert sealed_call.recording.endswith(".wav.sealed")
    assert not on_disk(sealed_call).startswith(b"RIFF")
    with storages["recordings"].open(sealed_call.recording) as file:
        assert file.read(4) == b"RIFF"
    with all_organizations("test"):
        assert encode_kept(call=sealed_call)
        sealed_call.refresh_from_db()
    assert sealed_call.recording.endswith(".webm.sealed")
    assert b"webm" not in on_disk(sealed_call)[:64]


def test_the_recording_grows_sealed(sealed_call: Call, kept_files: list[bytes]) -> None:
    (grown,) = kept_files
    assert grown.startswith(b"PVG1")
    assert b"WAVE" not in grown
    assert len(grown) > sealed_call.recording_ms * 64
    assert list((Path(settings.VAR_DIR) / "growing").glob(f"{sealed_call.pk}*")) == []


def test_people_with_the_right_hear_it_and_can_seek(
    sealed_call: Call, bakery: House
) -> None:
    owner = browser(bakery, bakery.people["dora"])
    address = reverse("call_recording", args=[sealed_call.pk])
    whole = b"".join(owner.get(address).streaming_content)
    assert whole.startswith(b"RIFF")
    part = owner.get(address, headers={"range": "bytes=8-11"})
    assert b"".join(part.streaming_content) == b"WAVE"
    assert part["Content-Range"] == f"bytes 8-11/{len(whole)}"
    page = owner.get(reverse("call_detail", args=[sealed_call.pk]))
    assert b"What time is it" in page.content


@pytest.mark.parametrize("seals", [True, False])
def test_what_a_tool_was_given_is_sealed_with_the_rest(
    bakery: House, node: VoiceNode, seals: bool
) -> None:
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, actor=None, seals_content=seals)
    said = {"name": "book", "arguments": {"why": "knee"}, "result": "knee at ten"}
    running.record_event(
        order=order_for(bakery, node), event_id=uuid7(), kind="tool", data=dict(said)
    )
    with organization_scope(bakery.organization):
        event = CallEvent.objects.get(kind="tool")
        assert event.whole == said
        assert ("knee" in json.dumps(event.data)) is not seals
        with connection.cursor() as cursor:
            cursor.execute(
                "select content_json from calls_callevent where id = %s", [event.pk]
            )
            [(kept,)] = cursor.fetchall()
    assert kept.startswith("\x1asealed:") if seals else kept == ""
