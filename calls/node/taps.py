"""One link's two taps shared out: to the recorder, and to whoever listens in."""

from __future__ import annotations

from calls.media.link import AudioTap, MediaLink


class Taps:
    """Copies both directions to every listener; a listener may come and go at any time."""

    def __init__(self, link: MediaLink) -> None:
        self._listeners: list[tuple[AudioTap, AudioTap]] = []
        link.set_taps(caller=self._caller, assistant=self._assistant)

    def add(self, *, caller: AudioTap, assistant: AudioTap) -> None:
        self._listeners.append((caller, assistant))

    def remove(self, *, caller: AudioTap, assistant: AudioTap) -> None:
        if (caller, assistant) in self._listeners:
            self._listeners.remove((caller, assistant))

    def _caller(self, pcm: bytes, sample_rate_hz: int, offset_ms: int) -> None:
        for caller, _assistant in tuple(self._listeners):
            caller(pcm, sample_rate_hz, offset_ms)

    def _assistant(self, pcm: bytes, sample_rate_hz: int, offset_ms: int) -> None:
        for _caller, assistant in tuple(self._listeners):
            assistant(pcm, sample_rate_hz, offset_ms)


def unheard(pcm: bytes, sample_rate_hz: int, offset_ms: int) -> None:
    """The tap of a listener who wants the other side only."""
