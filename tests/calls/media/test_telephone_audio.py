"""G.711, comfort noise, concealment, keys and the estimate of quality: pure pieces."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from calls.media.dtmf import EventReader, packets_for
from calls.media.g711 import Decimator, G711Decoder, G711Encoder, noise_level
from calls.media.mos import mos


def tone(hz: float, *, rate_hz: int, samples: int, level: int = 8_000) -> np.ndarray:
    at = np.arange(samples)
    return (level * np.sin(2 * np.pi * hz * at / rate_hz)).astype(np.int16)


def spectrum(pcm: bytes, rate_hz: int) -> tuple[float, float]:
    """Return the strongest frequency and how far above all others it is, in dB."""
    samples = np.frombuffer(pcm, np.int16).astype(float)
    windowed = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    peak = int(windowed.argmax())
    rest = windowed.copy()
    rest[max(0, peak - 6) : peak + 7] = 0
    hz = peak * rate_hz / samples.size
    return hz, float(20 * np.log10(windowed[peak] / max(rest.max(), 1)))


# Values of ITU-T G.711, tables 1a and 2a.
@pytest.mark.parametrize(
    ("name", "code", "linear"),
    [
        ("PCMU", 0xFF, 0),
        ("PCMU", 0x80, 32_124),
        ("PCMU", 0x00, -32_124),
        ("PCMA", 0xD5, 8),
        ("PCMA", 0xAA, 32_256),
        ("PCMA", 0x2A, -32_256),
    ],
)
def test_the_tables_are_those_of_the_standard(
    name: str, code: int, linear: int
) -> None:
    decoder = G711Decoder(name)
    assert int(decoder._table[code]) == linear
    pcm = struct.pack("<h", linear) * 160
    assert G711Encoder(name).encode(pcm) == bytes([code]) * 160


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_every_code_survives_a_round_trip(name: str) -> None:
    decoder, encoder = G711Decoder(name), G711Encoder(name)
    linear = decoder._table.copy()
    again = decoder._table[np.frombuffer(encoder.encode(linear.tobytes()), np.uint8)]
    assert (again == linear).all()


@pytest.mark.parametrize("hz", [300, 1_000, 3_000])
def test_a_tone_comes_through_at_twice_the_rate_and_clean(hz: int) -> None:
    encoder, decoder = G711Encoder("PCMA"), G711Decoder("PCMA")
    line = tone(hz, rate_hz=8_000, samples=8_000)
    heard = b"".join(
        decoder.decode(encoder.encode(line[at : at + 160].tobytes()))
        for at in range(0, 8_000, 160)
    )
    assert len(heard) == 2 * 16_000
    strongest_hz, above_db = spectrum(heard[3_200:], 16_000)
    assert strongest_hz == pytest.approx(hz, abs=3)
    assert above_db > 30


def test_speech_made_for_opus_is_thinned_without_aliases() -> None:
    thin = Decimator()
    high = tone(6_000, rate_hz=24_000, samples=24_000)
    low = tone(1_000, rate_hz=24_000, samples=24_000)
    for line, is_kept in ((low, True), (high, False)):
        thin.rest()
        pieces = [thin(line[at : at + 480].tobytes()) for at in range(0, 24_000, 480)]
        level = np.abs(np.frombuffer(b"".join(pieces), np.int16)[200:]).max()
        assert all(len(piece) == 320 for piece in pieces)
        assert (level > 7_000) if is_kept else (level < 100)


def test_a_lost_packet_is_filled_with_the_pitch_before_it_and_fades() -> None:
    encoder, decoder = G711Encoder("PCMU"), G711Decoder("PCMU")
    line = tone(200, rate_hz=8_000, samples=1_600)
    for at in range(0, 1_600, 160):
        decoder.decode(encoder.encode(line[at : at + 160].tobytes()))
    first, second, last = (
        np.frombuffer(decoder.conceal(320), np.int16).astype(float) for _ in range(3)
    )
    assert np.abs(first).max() > 6_000
    assert np.abs(second).max() < np.abs(first).max()
    assert np.abs(last).max() < np.abs(second).max()
    assert np.abs(np.frombuffer(decoder.conceal(3_200), np.int16)[200:]).max() == 0
    expected = tone(200, rate_hz=16_000, samples=320 + 24)
    similarity = max(
        np.corrcoef(first[40:280], expected[shift : shift + 240])[0, 1]
        for shift in range(80)
    )
    assert similarity > 0.9


def test_a_pause_sounds_as_loud_as_the_line_was_said_to_be() -> None:
    decoder = G711Decoder("PCMA")
    assert decoder.pause(320) == bytes(640)
    decoder.noise_level = noise_level(bytes([50]))
    noise = np.frombuffer(decoder.pause(16_000), np.int16).astype(float)
    assert noise.std() == pytest.approx(32_768 * 10 ** (-50 / 20), rel=0.2)
    assert noise_level(b"") == 0
    assert noise_level(b"\x00") <= 2_000  # nobody is shouted at


def test_a_key_is_heard_once_however_many_packets_told_of_it() -> None:
    reader = EventReader()
    packets = list(packets_for("5", frame_ms=20, clock_rate_hz=8_000))
    assert packets[0].is_first
    payloads = [p.payload for p in packets if p.payload for _ in range(p.copies)]
    assert payloads[-3] == payloads[-1]
    assert payloads[-1][1] & 0x80  # the end
    heard = [reader.read(1_000, payload) for payload in payloads]
    assert [key for key in heard if key] == ["5"]
    assert reader.read(3_000, payloads[-1]) == "5"  # all but the last were lost
    assert reader.read(1_000, payloads[0]) is None  # of a key before, late


@pytest.mark.parametrize("payload", [b"", b"\x01", bytes([99, 0, 0, 0])])
def test_what_is_no_key_is_none(payload: bytes) -> None:
    assert EventReader().read(1, payload) is None


def test_all_keys_have_their_event() -> None:
    events = [
        next(iter(packets_for(key, frame_ms=20, clock_rate_hz=8_000))).payload[0]
        for key in "0123456789*#ABCD"
    ]
    assert events == list(range(16))
    assert all(
        p.payload is None for p in packets_for("w", frame_ms=20, clock_rate_hz=8_000)
    )


def test_the_estimate_is_what_the_e_model_says() -> None:
    def estimate(lost: float = 0, trip: float = 20, jitter: float = 1) -> float:
        return mos("PCMA", lost_percent=lost, round_trip_ms=trip, jitter_ms=jitter)

    assert estimate() == pytest.approx(4.38, abs=0.03)
    assert estimate(lost=2) == pytest.approx(4.2, abs=0.15)
    assert estimate(lost=30) < 2.5
    assert estimate(trip=800) < estimate(trip=200) < estimate()
    assert estimate(lost=100, trip=5_000, jitter=500) == 1.0
