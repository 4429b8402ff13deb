"""Keys in RTP, RFC 4733: events written and read. Pure; knows no sockets and no clocks.

sending   one key is 5 packets or more of one timestamp and growing duration, the
          last of them three times with the end bit
reading   the first packet of a timestamp is the key; all the others repeat it
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

KEYS: Final = "0123456789*#ABCD"
PRESS_MS: Final = 100
GAP_MS: Final = 80
PAUSE_MS: Final = 500
END_PACKETS: Final = 3
_EVENT = struct.Struct("!BBH")
_VOLUME: Final = 10  # -10 dBm0, as telephones have it
_END: Final = 0x80


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One packet to send in place of 20 ms of audio; None as payload is a pause."""

    payload: bytes | None
    is_first: bool = False  # gets the marker bit, and its timestamp is the event's
    copies: int = 1


def packets_for(
    key: str, *, frame_ms: int, clock_rate_hz: int
) -> Iterator[EventPacket]:
    """Return what to send for one key, a packet a frame, and the gap after it.

    `w` is a pause.
    """
    if key == "w":
        for _ in range(PAUSE_MS // frame_ms):
            yield EventPacket(None)
        return
    event = KEYS.index(key)
    frames = PRESS_MS // frame_ms
    ticks = clock_rate_hz * frame_ms // 1000
    for number in range(1, frames + 1):
        is_last = number == frames
        flags = _VOLUME | (_END if is_last else 0)
        yield EventPacket(
            _EVENT.pack(event, flags, min(number * ticks, 0xFFFF)),
            is_first=number == 1,
            copies=END_PACKETS if is_last else 1,
        )
    for _ in range(GAP_MS // frame_ms):
        yield EventPacket(None)


class EventReader:
    """Tells each key once, however many packets said it and however many were lost."""

    def __init__(self) -> None:
        self._last_timestamp: int | None = None

    def read(self, timestamp: int, payload: bytes) -> str | None:
        """Return the key that this packet begins; None for what repeats or is no key."""
        if len(payload) < 4:
            return None
        event, _, _ = _EVENT.unpack_from(payload)
        if event >= len(KEYS) or timestamp == self._last_timestamp:
            return None
        if self._last_timestamp is not None:
            behind = (self._last_timestamp - timestamp) & 0xFFFFFFFF
            if behind < 0x1000_0000:
                return None  # of a key before, and late
        self._last_timestamp = timestamp
        return KEYS[event]
