"""Recordings of calls: attached as they came, then made small by a task."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files import File
from django.core.files.storage import storages
from django.db import transaction

from calls.errors import RecordingKept
from calls.models import Call
from portal.models import User
from portal.sealed_storage import SUFFIX, is_sealed, plain_name
from portal.services import audit
from portal.services.privacy import policy_of


@dataclass(frozen=True)
class KeptRecording:
    """A recording in the storage: its name there, its length, its peaks of 0 to 100."""

    name: str
    duration_ms: int
    waveform: Mapping[str, Any]


def recording_name(call_id: UUID, suffix: str) -> str:
    """Return where a recording is kept; spread over folders, so that none grows large."""
    text = str(call_id)
    return f"{text[-2:]}/{text}{suffix}"


def attach_recording(*, call: Call, kept: KeptRecording) -> None:
    """Show a recording on its call and have it made small once that has committed."""
    call.recording = kept.name
    call.recording_ms = kept.duration_ms
    call.waveform = dict(kept.waveform)
    call.save(update_fields=["recording", "recording_ms", "waveform"])
    transaction.on_commit(lambda: _enqueue_encoding(call.pk), robust=True)


@transaction.atomic
def delete_recording(*, call: Call, actor: User | None) -> bool:
    """Delete the sound of a call that is over, for good; return whether there was any.

    The file goes first: a process killed in between has it done again. Raises
    `RecordingKept` while the call goes on or the organization's legal hold stands.
    """
    row = Call.objects.select_for_update(of=("self",), no_key=True).get(pk=call.pk)
    if row.status in Call.LIVE:
        raise RecordingKept("The call is still going on.")
    if policy_of(call.organization).is_on_hold:
        raise RecordingKept("A legal hold keeps recordings.")
    if not row.recording:
        return False
    storages["recordings"].delete(row.recording)
    Call.objects.filter(pk=row.pk).update(recording="", waveform={})
    audit.record(
        organization=call.organization,
        actor=actor,
        action="recording.deleted",
        target=row,
    )
    return True


def _enqueue_encoding(call_id: UUID) -> None:
    from calls.tasks import encode_recording  # tasks import this module

    encode_recording.delay(call_id=str(call_id))


def encode_kept(*, call: Call) -> bool:
    """Replace a call's WAV by Opus, a tenth of its size; a second run changes nothing.

    The new file is there before the row names it and the old one goes last, so that a
    process killed in between leaves a recording that plays.
    """
    kept_name = call.recording
    if not plain_name(kept_name).endswith(".wav"):
        return False
    suffix = ".webm" + (SUFFIX if is_sealed(kept_name) else "")
    # Loads the audio library, which only the worker that encodes needs.
    from calls.media.recording import encode_webm

    storage = storages["recordings"]
    # In memory: what is sealed lies open on no disk, and an hour is 18 MB.
    with io.BytesIO() as small:
        with storage.open(call.recording) as kept:
            encode_webm(kept, small)
        name = storage.save(recording_name(call.pk, suffix), File(small))
    moved = Call.objects.filter(pk=call.pk, recording=call.recording).update(
        recording=name
    )
    storage.delete(call.recording if moved else name)
    return bool(moved)
