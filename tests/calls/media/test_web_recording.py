"""A recorded web call shows who spoke when, also when the assistant was cut short."""

from __future__ import annotations

import asyncio
import wave

import numpy as np
import pytest
from livekit import rtc

from calls.media.recording import Recorder
from calls.media.webrtc import WebRTCLink
from tests.calls.media.browser import Browser, Microphone

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


def spans_ms(samples: np.ndarray) -> list[tuple[int, int]]:
    """Return where it is loud, pauses under 100 ms closed, in ms."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 2_000) / 16
    if not loud.size:
        return []
    breaks = np.flatnonzero(np.diff(loud) > 100)
    starts = [loud[0], *loud[breaks + 1]]
    ends = [*loud[breaks], loud[-1]]
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


async def test_both_sides_stand_where_they_were_heard(tmp_path):
    link, microphone = WebRTCLink(), Microphone()
    browser, recorder = Browser(microphone), Recorder(tmp_path / "call.wav")
    link.set_taps(caller=recorder.caller, assistant=recorder.assistant)
    reading: asyncio.Task | None = None
    try:
        await browser.connect(link)

        async def read() -> None:
            async for _ in link.audio_input:
                pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.5)
        started: list[int] = []
        link.audio_output.on(
            "playback_started", lambda _: started.append(link.offset_ms)
        )
        wave_ = 9_000 * np.sin(2 * np.pi * 400 * np.arange(48_000) / 24_000)
        await link.audio_output.capture_frame(
            rtc.AudioFrame(wave_.astype(np.int16).tobytes(), 24_000, 1, 48_000)
        )
        link.audio_output.flush()
        await asyncio.sleep(0.7)
        microphone.tone_hz = 500
        spoke_ms = link.offset_ms
        await asyncio.sleep(0.3)
        link.audio_output.clear_buffer()
        end = await link.audio_output.wait_for_playout()
        await asyncio.sleep(0.5)
        microphone.tone_hz = None
        stopped_ms = link.offset_ms
        await asyncio.sleep(0.5)
        duration_ms = link.offset_ms
    finally:
        await link.aclose()
        await browser.aclose()
        if reading is not None:
            await reading
    recording = await asyncio.to_thread(recorder.close, duration_ms)
    assert recording.duration_ms == duration_ms
    with wave.open(str(recording.path)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    [(caller_from, caller_to)] = spans_ms(both[0::2])
    [(said_from, said_to)] = spans_ms(both[1::2])
    assert said_from == pytest.approx(started[0], abs=40)
    assert said_to - said_from == pytest.approx(end.playback_position * 1000, abs=25)
    # Encoding, sending and decoding take the page's voice about 30 to 60 ms.
    assert caller_from == pytest.approx(spoke_ms + 40, abs=60)
    assert caller_to == pytest.approx(stopped_ms + 40, abs=60)
