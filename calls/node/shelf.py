"""Where recordings of one machine grow, and how they reach the storage."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from calls.media.growing import IN_THE_CLEAR, Growth, Sealed
from calls.media.recording import Recorder, Recording, read_recording
from calls.models import Call
from calls.services.recordings import KeptRecording, attach_recording, recording_name
from common.edges import contained
from portal.scope import Scope, all_organizations, scoped
from portal.sealed import key_ring
from portal.sealed_storage import SUFFIX
from portal.services.privacy import policy_for

logger = logging.getLogger(__name__)

# What a killed process leaves; a draft is the copy of a sealed one that was changed.
_LEFT: Final = (IN_THE_CLEAR.suffix, Sealed.suffix, Sealed.draft_suffix)


def _folder() -> Path:
    return Path(settings.VAR_DIR) / "growing"


def growing_file(call_id: UUID, *, is_sealed: bool = False) -> Path:
    """Return where a recording grows while its call goes on."""
    return _folder() / f"{call_id}{growth_of(is_sealed=is_sealed).suffix}"


def growth_of(*, is_sealed: bool) -> Growth:
    """Return how it grows: what is to be sealed never lies open."""
    return Sealed(key_ring()) if is_sealed else IN_THE_CLEAR


def recorder_of(call_id: UUID, *, is_sealed: bool) -> Recorder:
    """Return what writes a call's recording while the call goes on."""
    path = growing_file(call_id, is_sealed=is_sealed)
    return Recorder(path, growth_of(is_sealed=is_sealed))


def keep(
    call_id: UUID, recording: Recording, *, is_sealed: bool = False
) -> KeptRecording | None:
    """Move a finished recording into the storage; `None` when there is nothing to keep.

    One that the storage does not take stays on the shelf, for `salvage`.
    """
    if recording.path is None:
        return None
    # Each storage has its own kinds, and none may spoil the bill.
    with contained(logger, "recording not kept", call_id=str(call_id)):
        with recording.growth.open(recording.path) as file:
            name = storages["recordings"].save(
                recording_name(call_id, ".wav" + (SUFFIX if is_sealed else "")),
                File(file),
            )
        recording.path.unlink(missing_ok=True)
        return KeptRecording(name, recording.duration_ms, recording.waveform)
    return None


def salvage(*, except_for: frozenset[UUID] = frozenset()) -> int:
    """Keep what a killed process had recorded of calls that are over; return how many.

    Calls still going on are left alone, here or in another process of this machine; so
    is a call that a killed process left behind, until the sweeper has ended it.
    """
    kept_count = 0
    left = [path for path in _folder().glob("*") if path.suffix in _LEFT]
    for path in sorted(left):
        # One file must not cost the others; it is tried again.
        with contained(logger, "recording not salvaged", file=path.name):
            try:
                with _claimed(path) as is_ours:
                    if is_ours and (call_id := UUID(path.stem)) not in except_for:
                        kept_count += _salvage(path, call_id)
            except ValueError:
                logger.exception("no recording of ours", extra={"file": path.name})
                path.rename(path.with_suffix(".unreadable"))
    return kept_count


@contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Lock a file against the other voice processes of this machine."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = path.exists()  # else it was salvaged before we had the lock
        except BlockingIOError:
            is_ours = False
        yield is_ours


def _salvage(path: Path, call_id: UUID) -> bool:
    with all_organizations("a killed process left recordings of any organization"):
        call = Call.objects.filter(pk=call_id).first()
    if call is None or call.recording:
        path.unlink(missing_ok=True)
        return False
    if call.is_live:
        return False
    if path.suffix == Sealed.draft_suffix:
        path.unlink(missing_ok=True)
        return False
    policy = policy_for(call.agency_id, call.organization_id)
    if policy.redacted:
        # What was to be silenced is not known any more, so nothing is heard.
        path.unlink(missing_ok=True)
        return False
    growth = growth_of(is_sealed=path.suffix == Sealed.suffix)
    recording = read_recording(path, growth)
    kept = keep(call.pk, recording, is_sealed=policy.seals_content)
    if kept is None:
        return False
    with scoped(Scope(call.agency_id, call.organization_id)):
        attach_recording(call=call, kept=kept)
    return True
