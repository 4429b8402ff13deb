"""The session's share of a link: when a person takes over, the line outlives the session."""

from __future__ import annotations

import asyncio

from livekit.agents.voice.io import AudioInput, AudioOutput

from calls.media.link import AudioTap, LinkEnd, LinkStats, MediaLink


class KeptLink:
    """A `MediaLink` that is the wrapped one, but for its end.

    `is_kept`: closing it leaves the line open, for whoever talks next. Between
    `hold_news` and `tell_news` the line's end is not told: while a caller is handed over
    by the network, the line ends because that worked.
    """

    def __init__(self, link: MediaLink) -> None:
        self._link = link
        self._news = asyncio.Event()
        self._news.set()
        self.is_kept = False

    @property
    def audio_input(self) -> AudioInput:
        return self._link.audio_input

    @property
    def audio_output(self) -> AudioOutput:
        return self._link.audio_output

    @property
    def offset_ms(self) -> int:
        return self._link.offset_ms

    async def wait_connected(self, timeout_s: float) -> None:
        await self._link.wait_connected(timeout_s)

    async def wait_closed(self) -> LinkEnd:
        end = await self._link.wait_closed()
        await self._news.wait()
        return end

    def hold_news(self) -> None:
        self._news.clear()

    def tell_news(self) -> None:
        self._news.set()

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        self._link.set_taps(caller=caller, assistant=assistant)

    def stats(self) -> LinkStats:
        return self._link.stats()

    async def aclose(self) -> None:
        if not self.is_kept:
            await self._link.aclose()
