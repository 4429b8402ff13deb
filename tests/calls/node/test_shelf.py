"""Recordings on a machine's shelf: kept, or salvaged after a kill, each exactly once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import connections

from calls.media.recording import TwoTrackFile
from calls.models import Call
from calls.node import shelf
from calls.services.finish import Outcome, finish_call
from calls.services.running import CallOrder
from calls.session.events import EndReason
from common.ids import uuid7
from common.sealing import new_key
from portal.scope import all_organizations, organization_scope
from portal.services.privacy import save_privacy
from tests.world import House

PCM = b"\x10\x20\0\0" * 1_600  # one side speaks, the other is silent


@pytest.fixture(autouse=True)
def empty_shelf() -> None:
    for path in (Path(settings.VAR_DIR) / "growing").glob("*"):
        path.unlink()


def left_behind(order: CallOrder, *, is_sealed: bool = False) -> Path:
    """What a process killed after three seconds leaves: a file never closed."""
    path = shelf.growing_file(order.call_id, is_sealed=is_sealed)
    path.parent.mkdir(exist_ok=True)
    file = TwoTrackFile(path, shelf.growth_of(is_sealed=is_sealed))
    file.add("caller", b"\x10\x20" * 16_000 * 3, 16_000, 0)
    file.write_until(3_000)
    file._file.close()
    return path


def end(order: CallOrder) -> None:
    finish_call(
        call_id=order.call_id,
        scope=order.scope,
        outcome=Outcome(EndReason.VOICE_PROCESS_LOST),
    )


def row(order: CallOrder) -> Call:
    with all_organizations("test"):
        return Call.objects.get(pk=order.call_id)


def test_a_killed_processs_recording_waits_for_the_end_of_its_call(
    order: CallOrder,
) -> None:
    path = left_behind(order)
    assert shelf.salvage() == 0
    assert path.exists()
    end(order)
    assert shelf.salvage(except_for=frozenset({order.call_id})) == 0
    assert shelf.salvage() == 1
    assert not path.exists()
    call = row(order)
    assert call.recording_ms == 3_000
    assert max(call.waveform["caller"]) > 0
    with storages["recordings"].open(call.recording) as kept:
        assert kept.size > 3 * 64_000
    assert shelf.salvage() == 0


def test_what_is_to_be_sealed_lies_open_at_no_moment(
    bakery: House, order: CallOrder, settings: Any
) -> None:
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, actor=None, seals_content=True)
    path = left_behind(order, is_sealed=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(b"a copy that was being made")
    assert PCM not in path.read_bytes()
    # A new key takes over before anybody finds the file; the old one still opens it.
    settings.SEALING_KEYS = f"{new_key('k9')},{settings.SEALING_KEYS}"
    assert shelf.salvage() == 0
    assert draft.exists()
    end(order)
    assert shelf.salvage() == 1
    assert not path.exists()
    assert not draft.exists()
    call = row(order)
    assert call.recording.endswith(".wav.sealed")
    assert call.recording_ms == 3_000
    with storages["recordings"].open(call.recording) as kept:
        sound = kept.read()
    assert sound.startswith(b"RIFF")
    assert len(sound) == 44 + 3 * 64_000
    stored = Path(settings.VAR_DIR) / "recordings" / call.recording
    assert PCM not in stored.read_bytes()


def test_nonsense_on_the_shelf_costs_no_recording(order: CallOrder) -> None:
    path = left_behind(order)
    end(order)
    folder = path.parent
    (folder / "0.wav").write_bytes(b"no id")
    (folder / f"{uuid7()}.wav").write_bytes(b"of no call")
    (folder / "folder.wav").mkdir()
    try:
        assert shelf.salvage() == 1
        assert shelf.salvage() == 0
        assert sorted(p.name for p in folder.iterdir()) == [
            "0.unreadable",
            "folder.wav",
        ]
    finally:
        (folder / "folder.wav").rmdir()


def test_a_file_that_is_no_recording_is_put_aside(order: CallOrder) -> None:
    path = left_behind(order)
    path.write_bytes(b"nonsense")
    end(order)
    assert shelf.salvage() == 0
    assert path.with_suffix(".unreadable").exists()
    assert row(order).recording == ""


def test_a_storage_that_is_full_leaves_the_recording_for_later(
    order: CallOrder,
) -> None:
    path = left_behind(order)
    end(order)
    with mock.patch.object(
        type(storages["recordings"]), "save", side_effect=RuntimeError("503 Slow Down")
    ):
        assert shelf.salvage() == 0
    assert path.exists()
    assert shelf.salvage() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_processes_of_one_machine_salvage_a_recording_once(order: CallOrder) -> None:
    left_behind(order)
    end(order)
    kept: list[int] = []
    together = threading.Barrier(4)

    def salvage() -> None:
        together.wait(5)
        try:
            kept.append(shelf.salvage())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=salvage) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(kept) == 1
    assert row(order).recording
