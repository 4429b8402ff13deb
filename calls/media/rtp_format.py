"""RTP and its payload formats as a telephone has them: pure values and bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

DTMF: Final = "telephone-event"
HEADER: Final = struct.Struct("!BBHLL")
HEADER_BYTES: Final = 12


@dataclass(frozen=True)
class Codec:
    """An audio codec: its name and number in SDP, and the clock of its timestamps."""

    name: str
    rtpmap: str
    clock_rate_hz: int
    static_type: int | None = None


PCMU: Final = Codec("PCMU", "PCMU/8000", 8_000, 0)
PCMA: Final = Codec("PCMA", "PCMA/8000", 8_000, 8)
OPUS: Final = Codec("opus", "opus/48000/2", 48_000)
CODECS: Final = {"pcmu": PCMU, "pcma": PCMA, "opus": OPUS}


def codec_named(rtpmap: str) -> Codec | None:
    """Return the codec of an rtpmap such as `PCMA/8000`, or of a bare name."""
    name, _, rest = rtpmap.lower().partition("/")
    codec = CODECS.get(name)
    if codec is None:
        return None
    rate = rest.partition("/")[0]
    return codec if not rate or rate == str(codec.clock_rate_hz) else None


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet as it came."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    is_marked: bool


def read_rtp(data: bytes) -> RtpPacket | None:
    """Return the packet, or None for what is no RTP."""
    if len(data) < HEADER_BYTES:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != 2:
        return None
    start, end = HEADER_BYTES + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:
        end -= data[-1]
    if end < start:
        return None
    return RtpPacket(
        second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80)
    )


def is_rtcp(data: bytes) -> bool:
    """Whether a packet on a shared port is a report: RFC 5761."""
    return len(data) >= 8 and data[0] >> 6 == 2 and 192 <= data[1] <= 223
