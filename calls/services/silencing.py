"""Taking stretches out of a recording that is kept already.

Loads the audio library, which only a worker that does this needs.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.core.files import File
from django.core.files.storage import storages

from calls.media.growing import Sealed
from calls.media.recording import RECORDING_RATE_HZ, TwoTrackFile, encode_webm
from calls.media.silencing import Stretch, silence
from calls.media.speech_stretches import sides_of
from calls.models import Call
from calls.services.recordings import recording_name
from common.sealing import KeyRing, new_key
from portal.sealed_storage import SUFFIX, is_sealed, plain_name


def silence_kept(*, call: Call, stretches: Sequence[Stretch]) -> None:
    """Replace a call's recording by one in which these stretches are silent.

    The new file is there before the row names it, and the old one goes last. A process
    killed in between leaves the old one, and may do it again.
    """
    kept_name, storage = call.recording, storages["recordings"]
    suffix = Path(plain_name(kept_name)).suffix
    # What lies in the folder meanwhile is sealed with a key that this process forgets.
    growth = Sealed(KeyRing.parse(new_key("once")))
    with tempfile.TemporaryDirectory() as folder, io.BytesIO() as small:
        with storage.open(kept_name) as kept:
            caller, assistant = sides_of(kept)
        file = TwoTrackFile(Path(folder) / "call", growth)
        file.add("caller", caller.tobytes(), RECORDING_RATE_HZ, 0)
        file.add("assistant", assistant.tobytes(), RECORDING_RATE_HZ, 0)
        silenced = silence(file.close(), stretches)
        assert silenced.path is not None
        with growth.open(silenced.path) as whole:
            if suffix != ".wav":
                encode_webm(whole, small)
            ending = suffix + (SUFFIX if is_sealed(kept_name) else "")
            done = File(whole if suffix == ".wav" else small)
            name = storage.save(recording_name(call.pk, ending), done)
    moved = Call.objects.filter(pk=call.pk, recording=kept_name).update(
        recording=name, waveform=silenced.waveform
    )
    storage.delete(kept_name if moved else name)
    call.recording = name if moved else kept_name
