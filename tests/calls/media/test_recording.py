"""Both sides stand where they were heard, to the bucket, whatever came between."""

from __future__ import annotations

import wave

import av
import numpy as np
import pytest

from calls.media.recording import (
    Recorder,
    TwoTrackFile,
    encode_webm,
    peaks,
    read_recording,
)


def tone(duration_ms: int, rate_hz: int = 16_000, hz: float = 500) -> bytes:
    count = rate_hz * duration_ms // 1000
    wave_ = 16_000 * np.sin(2 * np.pi * hz * np.arange(count) / rate_hz)
    return wave_.astype(np.int16).tobytes()


def sides(path) -> tuple[np.ndarray, np.ndarray]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 16_000)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return samples[0::2], samples[1::2]


def loud_ms(samples: np.ndarray) -> tuple[int, int]:
    loud = np.flatnonzero(np.abs(samples) > 1_000)
    return int(loud[0] / 16), int(loud[-1] / 16)


def test_peaks_are_the_loudest_of_each_bucket():
    samples = np.array([0, 0, 100, -32_768, 5, 0, 327], np.int16)
    assert peaks(samples, bucket_samples=2) == [0, 100, 1, 1]
    assert peaks(np.zeros(0, np.int16)) == []


def test_sides_stand_at_their_offsets_across_silence(tmp_path):
    file = TwoTrackFile(tmp_path / "call.wav")
    for n in range(50):
        file.add("assistant", tone(20, 24_000), 24_000, 300 + n * 20)
    for n in range(25):
        file.add("caller", tone(20), 16_000, 2_000 + n * 20)
    file.write_until(2_200)
    for n in range(25):
        file.add("assistant", tone(20, 24_000), 24_000, 3_000 + n * 20)
    recording = file.close(4_000)
    caller, assistant = sides(recording.path)
    assert recording.duration_ms == 4_000
    assert caller.size == 64_000
    assert loud_ms(caller) == pytest.approx((2_000, 2_500), abs=3)
    assert loud_ms(assistant[: 16 * 2_000]) == pytest.approx((300, 1_300), abs=3)
    assert loud_ms(assistant[16 * 2_000 :]) == pytest.approx((1_000, 1_500), abs=3)
    assert len(recording.waveform["caller"]) == 40
    assert [n for n, peak in enumerate(recording.waveform["caller"]) if peak > 10] == [
        *range(20, 25)
    ]


def test_small_jitter_leaves_no_seam(tmp_path):
    file = TwoTrackFile(tmp_path / "call.wav")
    whole = tone(1_000)
    for n in range(50):
        late_ms = (0, 7, 19, 3)[n % 4]
        file.add("caller", whole[n * 640 : (n + 1) * 640], 16_000, n * 20 + late_ms)
    caller, _ = sides(file.close().path)
    assert caller.tobytes() == whole


def test_what_comes_after_its_place_was_written_is_left_out(tmp_path):
    file = TwoTrackFile(tmp_path / "call.wav")
    file.add("caller", tone(100), 16_000, 0)
    file.write_until(3_000)
    file.add("assistant", tone(1_000), 16_000, 2_500)
    recording = file.close()
    _, assistant = sides(recording.path)
    assert loud_ms(assistant) == pytest.approx((3_000, 3_500), abs=3)
    assert recording.duration_ms == 3_500


def test_the_file_plays_before_it_is_closed(tmp_path):
    file = TwoTrackFile(tmp_path / "call.wav")
    file.add("caller", tone(2_000), 16_000, 0)
    file.write_until(1_500)
    caller, _ = sides(tmp_path / "call.wav")
    file.close()
    assert caller.size == 16 * 1_500
    assert loud_ms(caller) == pytest.approx((0, 1_500), abs=3)


def test_a_file_cut_off_mid_write_is_mended(tmp_path):
    path = tmp_path / "call.wav"
    file = TwoTrackFile(path)
    file.add("caller", tone(1_000), 16_000, 0)
    file.write_until(1_000)
    with path.open("ab") as torn:
        torn.write(b"\x01" * 16_003)
    file._file.close()
    recording = read_recording(path)
    assert recording.duration_ms == 1_250
    assert recording.waveform["caller"][0] == 49
    caller, _ = sides(path)
    assert caller.size == 16 * 1_250


def test_a_file_that_is_no_recording_is_refused(tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"hello")
    with pytest.raises(ValueError, match="no recording"):
        read_recording(path)


def test_the_recorder_writes_as_it_goes_and_holds_little(tmp_path):
    recorder = Recorder(tmp_path / "deep" / "call.wav")
    for n in range(500):
        recorder.caller(tone(20), 16_000, n * 20)
        recorder.assistant(bytes(960), 24_000, n * 20)
    assert len(recorder._waiting) <= 102
    recording = recorder.close(10_500)
    assert recording.duration_ms == 10_500
    caller, assistant = sides(recording.path)
    assert loud_ms(caller) == pytest.approx((0, 10_000), abs=3)
    assert not assistant.any()
    recorder.caller(tone(20), 16_000, 11_000)
    assert recorder._waiting == []


def test_a_disk_that_fails_ends_the_recording_only(tmp_path):
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file" / "call.wav")
    for n in range(100):
        recorder.caller(tone(20), 16_000, n * 20)
    recording = recorder.close()
    assert recording.path is None
    assert recording.duration_ms == 0


def test_a_call_of_no_length_is_an_empty_file(tmp_path):
    recording = Recorder(tmp_path / "call.wav").close()
    assert recording.duration_ms == 0
    assert recording.waveform["caller"] == []


@pytest.mark.slow
def test_the_encoded_file_is_small_seeks_and_keeps_its_sides(tmp_path):
    file = TwoTrackFile(tmp_path / "call.wav")
    file.add("assistant", tone(1_000, hz=400), 16_000, 1_000)
    file.add("caller", tone(1_000, hz=900), 16_000, 5_000)
    recording = file.close(20_000)
    target = tmp_path / "call.webm"
    assert recording.path is not None
    with recording.path.open("rb") as wav, target.open("wb") as small:
        encode_webm(wav, small)
    assert target.stat().st_size < recording.path.stat().st_size / 10
    with av.open(str(target)) as reader:
        assert reader.duration == pytest.approx(20_000_000, abs=40_000)
        frames = [frame.to_ndarray() for frame in reader.decode(audio=0)]
        both = np.concatenate(frames, axis=1)
        rate_hz = reader.streams.audio[0].rate
        left = np.flatnonzero(np.abs(both[0]) > 0.1) / rate_hz
        right = np.flatnonzero(np.abs(both[1]) > 0.1) / rate_hz
        assert (left[0], left[-1]) == pytest.approx((5.0, 6.0), abs=0.02)
        assert (right[0], right[-1]) == pytest.approx((1.0, 2.0), abs=0.02)
        reader.seek(12_000_000)
        first = next(reader.decode(audio=0))
        assert first.time == pytest.approx(12, abs=5.1)
