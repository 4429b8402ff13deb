"""A person who listens in: both sides of a call in their browser, and perhaps their voice.

    caller ──tap──▶ mixer ──▶ their link ──▶ speaker
    assistant ─tap──┘
    whisper: what they say is recognised and told to the assistant
    take over: the session ends, the caller is joined to their link
    give back: a session goes on where that one stopped, and they listen again

They are audited and shown to everybody who watches the call; the caller hears nothing
of it until they take over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import numpy as np
from livekit import rtc

from calls import bus
from calls.media.link import MediaNeverConnected
from calls.media.offer import BadSignal
from calls.media.webrtc import WebRTCLink
from calls.node.live_call import LiveCall
from calls.node.stepping_in import Person
from calls.node.studio import Studio
from calls.node.whisper import Whisper
from calls.session.events import EndReason
from calls.session.release import in_time

logger = logging.getLogger(__name__)

LISTENER_COMMANDS: Final = {
    "give_back",
    "listen",
    "listen_candidate",
    "listen_over",
    "take_over",
    "whisper",
}
MAX_LISTENERS: Final = 3  # of one call
RATE_HZ: Final = 16_000
FRAME_MS: Final = 20
MAX_BEHIND_MS: Final = 200
CONNECT_S: Final = 15.0
# Whoever took over is gone: until then the caller hears nothing.
LOST_AFTER_S: Final = 5.0
_CLOSE_S: Final = 5.0
_FRAME_BYTES: Final = RATE_HZ * FRAME_MS // 1000 * 2


class Mixer:
    """Two taps into one stream of 20 ms frames, in step with the caller's side."""

    def __init__(self, push: Callable[[bytes], None]) -> None:
        self._push = push
        self._assistant = bytearray()
        self._caller = bytearray()

    def caller(self, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        self._caller += at_rate(pcm, rate_hz)
        while len(self._caller) >= _FRAME_BYTES:
            own = bytes(self._caller[:_FRAME_BYTES])
            other = bytes(self._assistant[:_FRAME_BYTES])
            del self._caller[:_FRAME_BYTES], self._assistant[:_FRAME_BYTES]
            self._push(mixed(own, other))

    def assistant(self, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        self._assistant += at_rate(pcm, rate_hz)
        behind = len(self._assistant) - _FRAME_BYTES * MAX_BEHIND_MS // FRAME_MS
        if behind > 0:  # the caller's side stands still
            del self._assistant[: behind - behind % 2]


def at_rate(pcm: bytes, rate_hz: int) -> bytes:
    """Return s16 mono PCM at 16 kHz; straight lines are good enough to listen to."""
    if rate_hz == RATE_HZ:
        return pcm
    samples = np.frombuffer(pcm, np.int16)
    wanted = len(samples) * RATE_HZ // rate_hz
    places = np.linspace(0, len(samples) - 1, wanted)
    line = np.interp(places, np.arange(len(samples)), samples)
    return line.astype(np.int16).tobytes()


def mixed(one: bytes, other: bytes) -> bytes:
    """Return the sum of two pieces, as long as the first, without overflow."""
    sum_ = np.frombuffer(one, np.int16).astype(np.int32)
    added = np.frombuffer(other.ljust(len(one), b"\0"), np.int16)
    return (sum_ + added).clip(-32_768, 32_767).astype(np.int16).tobytes()


class ListenIn:
    """One person's ear on one call, from their offer until they leave or it ends."""

    def __init__(self, watch_id: str, call: LiveCall, link: WebRTCLink) -> None:
        self.watch_id, self.link = watch_id, link
        self._call = call
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(MAX_BEHIND_MS // FRAME_MS)
        self._mixer = Mixer(self._offer_frame)
        self._person: Person | None = None
        self._playing: asyncio.Task[None] | None = None
        self._whisper: Whisper | None = None

    @property
    def has_taken_over(self) -> bool:
        """Whether the caller hears them, and not the assistant."""
        return self._person is not None

    async def run(self) -> None:
        """Let them hear until they hang up, or talk until either side does."""
        try:
            await self.link.wait_connected(CONNECT_S)
            if not self.has_taken_over:
                self._begin_hearing()
            await self.link.wait_closed()
        except MediaNeverConnected:
            logger.info("nobody listened")
        finally:
            if self._whisper is not None:
                await in_time("whisper", self._whisper.aclose(), _CLOSE_S)
            await self._end_hearing()
            if not self.has_taken_over:
                await in_time("listener", self.link.aclose(), _CLOSE_S)

    async def take_over(self, who: str = "", user_id: str = "") -> None:
        """Talk with the caller instead of the assistant. A call that ends stays ending."""
        conversation = self._call.conversation
        if conversation is None or conversation.session.is_ending:
            return
        if self._whisper is not None:  # unfinished, and the caller is not to wait
            whisper, self._whisper = self._whisper, None
            await in_time("whisper", whisper.aclose(), _CLOSE_S)
        self._person = Person(self.link, returns=True, who=who, user_id=user_id)
        await self._end_hearing()  # they hear the caller directly from now on
        conversation.go_on_with(self._person)
        await conversation.session.end(EndReason.TAKEN_OVER)

    def give_back(self) -> None:
        """Leave the caller to the assistant again, and listen."""
        person, self._person = self._person, None
        if person is None:
            return
        person.has_given_back.set()
        self._begin_hearing()

    def _begin_hearing(self) -> None:
        conversation = self._call.conversation
        if conversation is not None and conversation.taps is not None:
            conversation.taps.add(
                caller=self._mixer.caller, assistant=self._mixer.assistant
            )
        self._playing = asyncio.create_task(self._play(), name="listen-play")

    async def _end_hearing(self) -> None:
        conversation = self._call.conversation
        if conversation is not None and conversation.taps is not None:
            conversation.taps.remove(
                caller=self._mixer.caller, assistant=self._mixer.assistant
            )
        playing, self._playing = self._playing, None
        if playing is not None:
            playing.cancel()
            await asyncio.wait([playing])

    def begin_whisper(self) -> bool:
        """Hear what they say for the assistant; False when nothing can understand it."""
        conversation = self._call.conversation
        recogniser = conversation.recogniser if conversation is not None else None
        if recogniser is None or self.has_taken_over:
            return False
        if self._whisper is None:
            self._whisper = Whisper(recogniser, self.link.audio_input)
        return True

    async def finish_whisper(self) -> str:
        """Tell the assistant what was said since, and return it."""
        whisper, self._whisper = self._whisper, None
        conversation = self._call.conversation
        words = await whisper.finish() if whisper is not None else ""
        if words and conversation is not None and not self.has_taken_over:
            await conversation.session.inject(words, respond=True)
        return words

    def _offer_frame(self, pcm: bytes) -> None:
        if self._frames.full():
            self._frames.get_nowait()
        self._frames.put_nowait(pcm)

    async def _play(self) -> None:
        while True:
            pcm = await self._frames.get()
            frame = rtc.AudioFrame(pcm, RATE_HZ, 1, len(pcm) // 2)
            await self.link.audio_output.capture_frame(frame)


class Listeners:
    """Everybody who listens in on the calls of one process."""

    def __init__(self, studio: Studio, calls: dict[UUID, LiveCall]) -> None:
        self._studio, self._calls = studio, calls
        self._ears: dict[str, ListenIn] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def obey(self, command: str, call_id: UUID, data: dict[str, Any]) -> None:
        """Do what a listener's page asks; one that comes too late is told so."""
        watch_id = str(data["watch"])
        ear = self._ears.get(watch_id)
        if command == "listen":
            await self._listen(call_id, watch_id, data)
        elif ear is None:
            return
        elif command == "listen_candidate":
            await self._add_candidate(ear, data["candidate"])
        elif command == "listen_over":
            # A socket that was cut is not a person who leaves the caller.
            if not (data.get("is_cut") and ear.has_taken_over):
                await ear.link.aclose()
        elif command == "whisper":
            await self._take_whisper(ear, bool(data["on"]))
        elif command == "take_over":
            user_id = str(data.get("user") or "")
            await ear.take_over(str(data.get("who") or ""), user_id)
            await self._tell_watchers(call_id, data, "taken_over")
        elif command == "give_back":
            ear.give_back()

    async def aclose(self) -> None:
        for ear in list(self._ears.values()):
            await in_time("listener", ear.link.aclose(), _CLOSE_S)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=_CLOSE_S)

    async def _listen(self, call_id: UUID, watch_id: str, data: dict[str, Any]) -> None:
        call = self._calls.get(call_id)
        others = [ear for ear in self._ears.values() if ear._call is call]
        if call is None or call.conversation is None or call.is_over:
            await self._refuse(watch_id, "call_over", "This call is over.")
            return
        if watch_id in self._ears or len(others) >= MAX_LISTENERS:
            await self._refuse(
                watch_id, "too_many_listeners", "Others listen to this call already."
            )
            return
        link = WebRTCLink(
            self._studio.rtc_configuration(call_id), lost_after_s=LOST_AFTER_S
        )
        try:
            answer = await link.answer(data["sdp"])
        except BadSignal as error:
            await link.aclose()
            await self._refuse(watch_id, error.code, str(error))
            return
        ear = self._ears[watch_id] = ListenIn(watch_id, call, link)
        task = asyncio.create_task(ear.run(), name=f"listener {watch_id}")
        self._tasks[watch_id] = task
        task.add_done_callback(lambda _: self._forget(call_id, watch_id, data))
        await bus.publish_to_listener(watch_id, {"type": "answer", "sdp": answer})
        await self._tell_watchers(call_id, data, "listening")

    async def _take_whisper(self, ear: ListenIn, is_on: bool) -> None:
        if not is_on:
            words = await ear.finish_whisper()
            event = {"type": "whispered", "text": words}
            await bus.publish_to_listener(ear.watch_id, event)
        elif not ear.begin_whisper():
            await bus.publish_to_listener(
                ear.watch_id,
                {"type": "whispered", "text": "", "code": "no_ear"},
            )

    async def _add_candidate(self, ear: ListenIn, candidate: object) -> None:
        try:
            await ear.link.add_candidate(candidate)
        except BadSignal as error:
            await self._refuse(ear.watch_id, error.code, str(error))

    def _forget(self, call_id: UUID, watch_id: str, data: dict[str, Any]) -> None:
        self._ears.pop(watch_id, None)
        self._tasks.pop(watch_id, None)

    async def _refuse(self, watch_id: str, code: str, message: str) -> None:
        await bus.publish_to_listener(
            watch_id, {"type": "error", "code": code, "message": message}
        )

    async def _tell_watchers(
        self, call_id: UUID, data: dict[str, Any], what: str
    ) -> None:
        await bus.publish(
            call_id, {"type": "listener", "what": what, "who": data.get("who", "")}
        )
