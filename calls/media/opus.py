"""Opus in 20 ms packets, through PyAV's libopus: the codec of every web call.

Measured per packet of speech on one core: encoding 24 kHz mono 55 µs (48 kHz stereo,
as aiortc does it, 290 µs and a thread hop), decoding to 16 kHz mono 49 µs. Both are
cheap enough to run on the event loop; handing 50 packets a second to a thread is not.
"""

from __future__ import annotations

import fractions

import av

from calls.media.link import FRAME_MS, INPUT_RATE_HZ

RTP_CLOCK_HZ = 48_000
RTP_TICKS = RTP_CLOCK_HZ * FRAME_MS // 1000
_RTP_TIME_BASE = fractions.Fraction(1, RTP_CLOCK_HZ)
_SETTLED_FRAMES = 25  # by then a silent frame is 3 bytes, and one can stand for all


class OpusEncoder:
    """Turns s16 mono PCM into Opus, and silence into a packet it made before.

    Encodes at the rate speech is made in, so nothing is resampled: an Opus stream has
    no rate of its own. `encode(None)` is 20 ms of silence.

    "lowdelay" keeps libopus in CELT: at 48 kb/s it costs half of what "voip" costs at
    32, is 4 ms quicker, and its spectrum is nearer to the original (2 dB against 5).
    """

    def __init__(
        self, *, sample_rate_hz: int, bit_rate: int = 48_000, complexity: int = 3
    ) -> None:
        self._samples = sample_rate_hz * FRAME_MS // 1000
        self._rate_hz = sample_rate_hz
        self._codec = av.CodecContext.create("libopus", "w")
        self._codec.bit_rate = bit_rate
        self._codec.format = "s16"
        self._codec.layout = "mono"
        self._codec.sample_rate = sample_rate_hz
        self._codec.time_base = fractions.Fraction(1, sample_rate_hz)
        self._codec.options = {
            "application": "lowdelay",
            "compression_level": str(complexity),
            "frame_duration": str(FRAME_MS),
        }
        self._pts = 0
        self._silent_frames = 0
        self._silent_packet = b""

    def encode(self, pcm: bytes | None) -> bytes:
        """Return one packet for one frame; None is silence."""
        if pcm is not None:
            self._silent_frames = 0
            return self._encoded(pcm)
        self._silent_frames += 1
        if self._silent_frames <= _SETTLED_FRAMES or not self._silent_packet:
            self._silent_packet = self._encoded(bytes(self._samples * 2))
        return self._silent_packet

    def _encoded(self, pcm: bytes) -> bytes:
        frame = av.AudioFrame(format="s16", layout="mono", samples=self._samples)
        frame.planes[0].update(pcm)
        frame.sample_rate = self._rate_hz
        frame.pts = self._pts
        self._pts += self._samples
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


class OpusDecoder:
    """Turns Opus packets into s16 mono PCM at `sample_rate_hz`.

    Packets that are no Opus give silence: one bad packet must not end a call.
    """

    def __init__(self, *, sample_rate_hz: int = INPUT_RATE_HZ) -> None:
        self._codec = av.CodecContext.create("libopus", "r")
        self._codec.format = "s16"
        # Mono halves the work; libopus mixes a stereo stream down by itself.
        self._codec.layout = "mono"
        self._codec.sample_rate = RTP_CLOCK_HZ
        self._resampler = (
            av.AudioResampler(format="s16", layout="mono", rate=sample_rate_hz)
            if sample_rate_hz != RTP_CLOCK_HZ
            else None
        )
        self._silence = bytes(sample_rate_hz * FRAME_MS // 1000 * 2)
        self._pts = 0

    def conceal(self, samples: int) -> bytes:
        return bytes(2 * samples)

    def pause(self, samples: int) -> bytes:
        return bytes(2 * samples)

    def decode(self, payload: bytes) -> bytes:
        if not payload:
            return self._silence
        packet = av.Packet(payload)
        packet.pts = self._pts
        packet.time_base = _RTP_TIME_BASE
        self._pts += RTP_TICKS
        try:
            frames = self._codec.decode(packet)
        except av.FFmpegError:
            return self._silence
        if self._resampler is not None:
            frames = [
                out for frame in frames for out in self._resampler.resample(frame)
            ]
        return b"".join(bytes(f.planes[0])[: f.samples * 2] for f in frames)
