"""Where recordings of one machine grow, and how they reach the storage."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from calls.media.recording import Recording, read_recording
from calls.models import Call
from calls.services.recordings import KeptRecording, attach_recording, recording_name
from portal.scope import all_organizations

logger = logging.getLogger(__name__)


def _folder() -> Path:
    folder = Path(settings.VAR_DIR) / "growing"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def growing_file(call_id: UUID) -> Path:
    """Return where a recording grows while its call goes on."""
    return _folder() / f"{call_id}.wav"


def keep(call_id: UUID, recording: Recording) -> KeptRecording | None:
    """Move a finished recording into the storage; `None` when there is nothing to keep."""
    if recording.path is None:
        return None
    try:
        with recording.path.open("rb") as file:
            name = storages["recordings"].save(
                recording_name(call_id, ".wav"), File(file)
            )
        recording.path.unlink(missing_ok=True)
    except OSError:
        logger.exception("recording not kept", extra={"call_id": str(call_id)})
        return None
    return KeptRecording(name, recording.duration_ms, recording.waveform)


def salvage() -> int:
    """Keep what a killed process had recorded of calls that are over; return how many."""
    kept_count = 0
    for path in _folder().glob("*.wav"):
        with all_organizations("a killed process left recordings of any organization"):
            call = Call.objects.filter(pk=path.stem).first()
            if call is not None and call.is_live:
                continue
            if call is None or call.recording:
                path.unlink(missing_ok=True)
                continue
            try:
                kept = keep(call.pk, read_recording(path))
            except (OSError, ValueError):
                logger.exception("recording unreadable", extra={"call_id": path.stem})
                continue
            if kept is not None:
                attach_recording(call_id=call.pk, kept=kept)
                kept_count += 1
    return kept_count
