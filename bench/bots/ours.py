"""Our calls as the voice process holds them: link, session, vendors, recording.

What is missing of `calls.node` is the database: nothing is billed or written down but
the recording. The garbage collector is set as the voice process sets it.

    python -m bench.bots.ours OPENAI_URL DEEPGRAM_URL ELEVENLABS_URL
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from assistants.spec import AssistantSpec, LLMConfig, Message, STTConfig, TTSConfig
from bench.bots.door import serve
from calls.media.link import MediaNeverConnected
from calls.media.recording import Recorder
from calls.media.webrtc import WebRTCLink
from calls.session.events import (
    EndReason,
    SessionEnded,
    SessionEvent,
    TurnSpoken,
    VendorTrouble,
)
from calls.session.voice_session import VoiceSession
from calls.vendors.registry import (
    Credential,
    Credentials,
    SharedResources,
    build_vendors,
)

SPEC = AssistantSpec(
    name="Bench",
    llm_config=LLMConfig(
        provider="openai",
        model="gpt-4.1-mini",
        messages=(Message(role="system", content="Answer in one sentence."),),
    ),
    stt_config=STTConfig(provider="deepgram", model="nova-3"),
    tts_config=TTSConfig(
        provider="elevenlabs", voice_id="bench", model="eleven_flash_v2_5"
    ),
    max_duration_seconds=7_200,
)


class Bot:
    """Answers offers and holds a conversation on each."""

    def __init__(
        self, credentials: Credentials, shared: SharedResources, folder: Path
    ) -> None:
        self.timings: list[dict[str, int]] = []
        self._credentials = credentials
        self._shared = shared
        self._folder = folder
        self._numbers = itertools.count()

    async def accept(self, offer: str) -> tuple[str, Callable[[], Awaitable[None]]]:
        link = WebRTCLink()
        answer = await link.answer(offer)
        sessions: list[VoiceSession] = []
        task = asyncio.create_task(self._hold(link, sessions))

        async def hang_up() -> None:
            for session in sessions:
                await session.end(EndReason.USER_HANGUP)
            if not sessions:
                await link.aclose()
            await task

        return answer, hang_up

    async def _hold(self, link: WebRTCLink, sessions: list[VoiceSession]) -> None:
        try:
            await link.wait_connected(15)
        except MediaNeverConnected:
            await link.aclose()
            return
        path = self._folder / f"{next(self._numbers)}.wav"
        recorder = Recorder(path)
        link.set_taps(caller=recorder.caller, assistant=recorder.assistant)
        vendors = build_vendors(SPEC, self._credentials, self._shared)
        session = VoiceSession(SPEC, link, vendors, self._told)
        sessions.append(session)
        try:
            await session.run()
        finally:
            link.set_taps(caller=None, assistant=None)
            await asyncio.to_thread(recorder.close)
            path.unlink(missing_ok=True)

    async def _told(self, event: SessionEvent) -> None:
        if isinstance(event, TurnSpoken) and event.timing is not None:
            self.timings.append(asdict(event.timing))
        elif isinstance(event, SessionEnded) and event.reason != EndReason.USER_HANGUP:
            print(f"A call ended: {event.reason}, {event.error}", file=sys.stderr)
        elif isinstance(event, VendorTrouble):
            print(f"{event.stage}: {event.message}", file=sys.stderr)


async def main(openai_url: str, deepgram_url: str, elevenlabs_url: str) -> None:
    credentials = {
        "openai": Credential("bench", openai_url),
        "deepgram": Credential("bench", deepgram_url),
        "elevenlabs": Credential("bench", elevenlabs_url),
    }
    async with SharedResources() as shared:
        with tempfile.TemporaryDirectory() as folder:
            bot = Bot(credentials, shared, Path(folder))
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 50, 1_000)
            await serve(bot.accept, bot.timings)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
