"""What the caller has heard of a reply, word by word.

The library's own `TranscriptSynchronizer` estimates the pace from the sound, at which
a session costs 0.9 % of a core instead of 0.3 %. Ours knows three things: how much
audio was made for the text, how much of it was really sent, and how fast this voice
spoke before. Between them a straight line is good to a word.

    text  ──▶ HeardText  ─┐
                          ├─ Passage ──▶ captions while it plays, the text at its end
    audio ──▶ HeardAudio ─┘
              └──▶ the link's output
"""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from livekit import rtc
from livekit.agents.types import TimedString
from livekit.agents.utils import is_given
from livekit.agents.voice.io import (
    AudioOutput,
    AudioOutputCapabilities,
    TextOutput,
)

DEFAULT_PACE = 14.0  # characters a second, spaces included; English at a normal rate
CAPTION_EVERY_S = 0.2

_WORD = re.compile(r"\S+\s*")


@dataclass
class Passage:
    """One stretch of speech: its text, and the audio made for it so far."""

    text: str = ""
    made_s: float = 0.0
    is_made: bool = False  # no more audio will come, and all of it was made
    anchors: list[tuple[float, int]] = field(default_factory=list)  # second, character
    started_s: float | None = None  # loop time
    paused_s: float | None = None
    paused_for_s: float = 0.0

    def heard_until(self, position_s: float, pace: float) -> str:
        """The words of which at least half was played by `position_s`."""
        characters = self._characters_at(position_s, pace)
        end = 0
        for word in _WORD.finditer(self.text):
            middle = word.start() + len(word.group().rstrip()) / 2
            if middle > characters + 1e-6:
                break
            end = word.end()
        return self.text[:end].rstrip()

    def _characters_at(self, position_s: float, pace: float) -> float:
        line = [(0.0, 0), *self.anchors]
        if self.is_made and self.made_s > 0:
            line.append((self.made_s, len(self.text)))
        index = bisect_right(line, position_s, key=lambda point: point[0])
        from_s, from_character = line[index - 1]
        if index == len(line):
            if self.is_made:
                return len(self.text)
            return from_character + (position_s - from_s) * pace
        to_s, to_character = line[index]
        share = (position_s - from_s) / (to_s - from_s)
        return from_character + share * (to_character - from_character)


@dataclass(frozen=True)
class Spoken:
    """A passage that ended. Seconds are loop time."""

    text: str
    started_s: float
    ended_s: float
    is_interrupted: bool


class HeardAudio(AudioOutput):
    """Passes audio on, and reports with each ending the words that were heard."""

    def __init__(
        self,
        output: AudioOutput,
        *,
        on_started: Callable[[], None],
        on_caption: Callable[[str], None],
        on_spoken: Callable[[Spoken], None],
    ) -> None:
        super().__init__(
            label="HeardAudio",
            capabilities=AudioOutputCapabilities(pause=True),
            next_in_chain=output,
        )
        self._loop = asyncio.get_running_loop()
        self._on_started, self._on_caption = on_started, on_caption
        self._on_spoken = on_spoken
        self._passage = Passage()
        self._pace = DEFAULT_PACE
        self._is_cut_short = False
        self._just_flushed = False
        self._caption_timer: asyncio.TimerHandle | None = None
        self._last_caption = ""

    @property
    def sample_rate(self) -> int | None:
        return self.next_in_chain.sample_rate if self.next_in_chain else None

    # --- text ---

    def add_text(self, text: str) -> None:
        """Add words that the audio of this passage says."""
        passage = self._passage
        if isinstance(text, TimedString) and is_given(text.start_time):
            start_s = text.start_time
            if start_s > (passage.anchors[-1][0] if passage.anchors else 0.0):
                passage.anchors.append((start_s, len(passage.text)))
        passage.text += text

    # --- audio, called by the library ---

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._passage.made_s += frame.duration
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)

    def flush(self) -> None:
        super().flush()
        if self._passage.made_s == 0:
            self._passage = Passage()  # its speech could not be made: nobody hears it
        else:
            self._passage.is_made = not self._is_cut_short
            self._just_flushed = True
            self._loop.call_soon(self._settle)
        if self.next_in_chain:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        if self._just_flushed:
            self._passage.is_made = False  # the library flushes what it cancels
        if self.next_in_chain:
            self.next_in_chain.clear_buffer()

    def pause(self) -> None:
        super().pause()
        if self._passage.paused_s is None:
            self._passage.paused_s = self._loop.time()
        self._stop_captions()

    def resume(self) -> None:
        super().resume()
        passage = self._passage
        if passage.paused_s is None:
            return
        if passage.started_s is not None:
            passage.paused_for_s += self._loop.time() - passage.paused_s
            self._caption_soon()
        passage.paused_s = None

    def cut_short(self) -> None:
        """The audio of this passage ends before its text does."""
        self._is_cut_short = True

    def _settle(self) -> None:
        self._just_flushed = False

    # --- playback, called by the output below ---

    def on_playback_started(self, *, created_at: float) -> None:
        self._passage.started_s = self._loop.time()
        self._on_started()
        self._caption_soon()
        super().on_playback_started(created_at=created_at)

    def on_playback_finished(
        self,
        *,
        playback_position: float,
        interrupted: bool,
        synchronized_transcript: str | None = None,
    ) -> None:
        if not self._pending_playback_count:
            return
        passage, self._passage = self._passage, Passage()
        self._stop_captions()
        is_partial = interrupted or self._is_cut_short
        self._is_cut_short = self._just_flushed = False
        text = passage.text
        if is_partial:
            text = passage.heard_until(playback_position, self._pace)
        elif passage.made_s > 1.0:
            self._pace = len(text) / passage.made_s
        if passage.started_s is not None:
            ended_s = passage.paused_s or self._loop.time()  # silent since it paused
            self._on_spoken(
                Spoken(text.strip(), passage.started_s, ended_s, is_partial)
            )
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=text,
        )

    # --- captions ---

    def _caption_soon(self) -> None:
        self._stop_captions()
        self._caption()

    def _caption(self) -> None:
        passage = self._passage
        if passage.started_s is None:
            return
        now_s = self._loop.time()
        position_s = now_s + CAPTION_EVERY_S - passage.started_s - passage.paused_for_s
        text = passage.heard_until(min(position_s, passage.made_s), self._pace)
        if text and text != self._last_caption:
            self._last_caption = text
            self._on_caption(text)
        self._caption_timer = self._loop.call_later(CAPTION_EVERY_S, self._caption)

    def _stop_captions(self) -> None:
        if self._caption_timer is not None:
            self._caption_timer.cancel()
            self._caption_timer = None
        self._last_caption = ""

    def release(self) -> None:
        """Let go of the output and of whoever listens."""
        self._stop_captions()
        part: AudioOutput | None = self
        while part is not None:  # us, the library's proxy, then the output itself
            part._events.clear()
            following, part._next_in_chain = part._next_in_chain, None
            part = following
        self._on_started = self._on_caption = self._on_spoken = _nothing


class HeardText(TextOutput):
    """Takes the words of a reply as they are made."""

    def __init__(self, audio: HeardAudio) -> None:
        super().__init__(label="HeardText", next_in_chain=None)
        self._audio = audio

    async def capture_text(self, text: str) -> None:
        self._audio.add_text(text)

    def flush(self) -> None:
        """The end of the audio ends a passage, not the end of its text."""


def _nothing(*args: object) -> None:
    """Whoever listened has gone."""
