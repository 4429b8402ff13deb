"""The port every transport implements: one caller's audio, both ways.

A session reads `audio_input` and writes `audio_output` and never learns whether the
other end is a browser, a telephone or a simulated callee. All clocks here are
`asyncio` loop time in milliseconds since `started_ms` 0 = media connected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # pages know links too, and want no voice library
    from livekit.agents.voice.io import AudioInput, AudioOutput

INPUT_RATE_HZ = 16_000
FRAME_MS = 20


class LinkEnd(StrEnum):
    """Why the audio stopped."""

    REMOTE_HANGUP = "remote_hangup"
    LOST = "lost"  # no packet for longer than the transport allows, or a failed path
    LOCAL_CLOSE = "local_close"


class MediaNeverConnected(Exception):
    """No audio path came to be within the time allowed; nothing was said or charged."""


@dataclass(frozen=True)
class LinkStats:
    """Quality of one link since it connected."""

    received_packets: int = 0
    lost_packets: int = 0
    jitter_ms: float = 0.0
    late_p99_ms: float = 0.0
    round_trip_ms: float | None = None
    codec: str = ""
    concealed_ms: int = 0  # made up, because packets were lost
    remote_lost_percent: float | None = None  # of what we sent, as the other side says
    mos: float | None = None  # how a listener would rate it, 1 to 4.5 (E-model)


# Called with 16-bit mono PCM and the offset in ms at which it was heard or sent.
AudioTap = Callable[[bytes, int, int], None]  # (pcm, sample_rate_hz, offset_ms)


class MediaLink(Protocol):
    """One caller's audio, however it is carried."""

    @property
    def audio_input(self) -> AudioInput:
        """What the caller says: s16 mono frames of 20 ms at `INPUT_RATE_HZ`."""

    @property
    def audio_output(self) -> AudioOutput:
        """What the caller hears; reports what was really sent, exact to 20 ms."""

    @property
    def offset_ms(self) -> int:
        """Milliseconds since the audio connected, by the taps' clock; 0 before."""

    async def wait_connected(self, timeout_s: float) -> None:
        """Return when audio can flow; raise `MediaNeverConnected` otherwise."""

    async def wait_closed(self) -> LinkEnd:
        """Return why the link ended, once it has."""

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        """Copy both directions to a recorder, silence included."""

    def stats(self) -> LinkStats:
        """Return the quality so far."""

    async def aclose(self) -> None:
        """Release sockets, ports and tasks; safe to call twice and after a failure."""
