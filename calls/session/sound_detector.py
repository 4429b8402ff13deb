"""A voice activity detector that does not count silence as speech.

The library lets a caller interrupt once `speech_duration` reaches the minimum that the
assistant's owner chose, but its detectors go on counting through the silence they wait
for at the end: a cough of 0.2 s becomes 0.5 s of speech. Remove this when
`VADEvent.speech_duration` leaves trailing silence out while speech is open.

It also passes no metrics on: they cost events every second and say nothing of use.
"""

from __future__ import annotations

from livekit import rtc
from livekit.agents import vad

from calls.session.release import dissolve


class SoundDetector(vad.VAD):
    """Wraps the detector of one call."""

    def __init__(self, wrapped: vad.VAD) -> None:
        super().__init__(capabilities=wrapped.capabilities)
        self._wrapped = wrapped

    @property
    def model(self) -> str:
        return self._wrapped.model

    @property
    def provider(self) -> str:
        return self._wrapped.provider

    def stream(self) -> vad.VADStream:
        return _Stream(self._wrapped.stream())


class _Stream(vad.VADStream):
    """Hands everything to the wrapped stream, so it has no tasks of its own."""

    def __init__(self, wrapped: vad.VADStream) -> None:
        self._wrapped = wrapped

    async def _main_task(self) -> None:
        raise NotImplementedError  # the wrapped stream has one

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        self._wrapped.push_frame(frame)

    def flush(self) -> None:
        self._wrapped.flush()

    def end_input(self) -> None:
        self._wrapped.end_input()

    async def aclose(self) -> None:
        await self._wrapped.aclose()
        dissolve(self._wrapped)  # it holds a minute of audio

    async def __anext__(self) -> vad.VADEvent:
        event = await self._wrapped.__anext__()
        if event.type is vad.VADEventType.INFERENCE_DONE and event.speaking:
            event.speech_duration -= event.raw_accumulated_silence
        return event
