"""What was taken out of the text is not heard in the recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calls.media.growing import HEADER_BYTES, IN_THE_CLEAR, Growth, Sealed
from calls.media.recording import Recording, TwoTrackFile, read_recording
from calls.media.silencing import MARGIN_MS, Stretch, silence
from common.sealing import KeyRing, new_key

LOUD = np.full(16_000, 8_000, np.int16).tobytes()


def recorded(path: Path, seconds: int = 5, growth: Growth = IN_THE_CLEAR) -> Recording:
    file = TwoTrackFile(path, growth)
    for second in range(seconds):
        file.add("caller", LOUD, 16_000, second * 1_000)
        file.add("assistant", LOUD, 16_000, second * 1_000)
        file.write_until(second * 1_000 + 500)
    return file.close()


def samples(
    path: Path, side: int, growth: Growth = IN_THE_CLEAR
) -> np.ndarray[Any, Any]:
    with growth.open(path) as wav:
        sound = wav.read()[HEADER_BYTES:]
    return np.frombuffer(sound, np.int16).reshape(-1, 2)[:, side]


@pytest.mark.parametrize(
    "growth",
    [IN_THE_CLEAR, Sealed(KeyRing.parse(new_key("k1")))],
    ids=["wav", "sealed"],
)
def test_a_stretch_of_one_side_is_silent_with_a_margin(
    tmp_path: Path, growth: Growth
) -> None:
    recording = recorded(tmp_path / "a.wav", 25, growth)
    late = Stretch("caller", 19_000, 21_000)  # across what is changed at once
    silenced = silence(recording, [Stretch("caller", 2_000, 3_000), late])
    caller = samples(tmp_path / "a.wav", 0, growth)
    start, end = (2_000 - MARGIN_MS) * 16, (3_000 + MARGIN_MS) * 16
    assert not caller[start:end].any()
    assert caller[:start].all()
    assert caller[end : 18_500 * 16].all()
    assert not caller[18_500 * 16 : 21_500 * 16].any()
    assert caller[21_500 * 16 :].all()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.wav"]
    assert samples(tmp_path / "a.wav", 1, growth).all()
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
