"""What was taken out of the text is not heard in the recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calls.media.recording import Recording, TwoTrackFile, read_recording
from calls.media.silencing import HEADER_BYTES, MARGIN_MS, Stretch, silence

LOUD = np.full(16_000, 8_000, np.int16).tobytes()


def recorded(path: Path, seconds: int = 5) -> Recording:
    file = TwoTrackFile(path)
    for second in range(seconds):
        file.add("caller", LOUD, 16_000, second * 1_000)
        file.add("assistant", LOUD, 16_000, second * 1_000)
    return file.close()


def samples(path: Path, side: int) -> np.ndarray:
    return np.fromfile(path, np.int16, offset=HEADER_BYTES).reshape(-1, 2)[:, side]


def test_a_stretch_of_one_side_is_silent_with_a_margin(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "a.wav")
    silenced = silence(recording, [Stretch("caller", 2_000, 3_000)])
    caller = samples(tmp_path / "a.wav", 0)
    start, end = (2_000 - MARGIN_MS) * 16, (3_000 + MARGIN_MS) * 16
    assert not caller[start:end].any()
    assert caller[:start].all()
    assert caller[end:].all()
    assert samples(tmp_path / "a.wav", 1).all()
    assert silenced.duration_ms == recording.duration_ms
    assert 0 in silenced.waveform["caller"]
    assert 0 not in silenced.waveform["assistant"]


def test_stretches_at_the_edges_stay_inside(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "a.wav", 2)
    silence(recording, [Stretch("assistant", 0, 100), Stretch("caller", 1_900, 9_000)])
    kept = read_recording(tmp_path / "a.wav")
    assert kept.duration_ms == 2_000
    assert not samples(tmp_path / "a.wav", 1)[: 600 * 16].any()
    assert not samples(tmp_path / "a.wav", 0)[1_400 * 16 :].any()


def test_a_recording_without_a_file_stays_as_it_is() -> None:
    nothing = Recording(None, 0, {"bucket_ms": 100, "caller": [], "assistant": []})
    assert silence(nothing, [Stretch("caller", 0, 10)]) is nothing
