"""Celery's doors: the sweep ends what is lost, encoding makes recordings small."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.files import File
from django.core.files.storage import storages
from django.utils import timezone

from calls import tasks
from calls.media.recording import TwoTrackFile
from calls.models import Call, VoiceNode
from calls.services.recordings import recording_name
from calls.services.running import mark_connected, pick_up
from calls.services.web import start_web_call
from common.ids import uuid7
from portal.scope import all_organizations, organization_scope
from tests.world import House


@pytest.fixture
def call(bakery: House, node: VoiceNode) -> Call:
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert mark_connected(order=order, setup_ms=100)
    return call


def update(call: Call, **values: object) -> None:
    with all_organizations("test"):
        Call.objects.filter(pk=call.pk).update(**values)
        call.refresh_from_db()


def test_the_sweep_ends_lost_calls_and_strikes_off_dead_processes(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SECOND_LOOK_S", 0.1)
    VoiceNode.objects.update(heartbeat_at=timezone.now() - timedelta(hours=2))
    update(call, lease_until=timezone.now() - timedelta(seconds=1))
    tasks.sweep_lost_calls()
    tasks.sweep_lost_calls()
    update(call)
    assert call.end_reason == "voice_process_lost"
    assert not VoiceNode.objects.exists()


def keep_wav(call: Call, folder: Path) -> str:
    file = TwoTrackFile(folder / "call.wav")
    wave = (9_000 * np.sin(np.arange(16_000) * 0.1)).astype(np.int16).tobytes()
    file.add("caller", wave, 16_000, 0)
    file.add("assistant", wave, 16_000, 500)
    file.close()
    with (folder / "call.wav").open("rb") as wav:
        return storages["recordings"].save(recording_name(call.pk, ".wav"), File(wav))


def test_a_recording_is_made_small_once(call: Call, tmp_path: Path) -> None:
    storage = storages["recordings"]
    wav = keep_wav(call, tmp_path)
    wav_size = storage.size(wav)
    update(call, recording=wav)
    tasks.encode_recording(call_id=str(call.pk))
    update(call)
    small = call.recording
    assert small.endswith(".webm")
    assert storage.size(small) < wav_size / 4
    assert not storage.exists(wav)
    tasks.encode_recording(call_id=str(call.pk))
    update(call)
    assert call.recording == small
    assert storage.exists(small)


def test_encoding_a_call_that_is_gone_or_has_no_recording_does_nothing(
    call: Call,
) -> None:
    tasks.encode_recording(call_id=str(uuid7()))
    tasks.encode_recording(call_id=str(call.pk))
    update(call)
    assert call.recording == ""
