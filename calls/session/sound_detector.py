"""A voice activity detector that does not count silence as speech.

The library lets a caller interrupt once `speech_duration` reaches the minimum that the
assistant's owner chose, but its detectors go on counting through the silence they wait
for at the end: a cough of 0.2 s becomes 0.5 s of speech. Remove this when
`VADEvent.speech_duration` leaves trailing silence out while speech is open.

It also tells the session nothing while nobody speaks, where the library's stream makes
31 events a second for it and 31 for a task that sums them up: 5 % of a call's CPU. It
leans on names of `vad.VADStream` that are not public: `_event_ch`, `_metrics_task`.
"""

from __future__ import annotations

import asyncio

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
        self._detecting: asyncio.Task[None] | None = wrapped._task
        self._events = wrapped._event_ch
        self._put = self._events.send_nowait
        self._is_quiet = False
        self._events.send_nowait = self._take  # type: ignore[method-assign]
        # Closing waits for it, so there must be one that is over.
        wrapped._metrics_task.cancel()
        over = asyncio.get_running_loop().create_future()
        over.set_result(None)
        wrapped._metrics_task = over  # type: ignore[assignment]

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
        self._detecting = None
        vars(self._events).pop("send_nowait", None)
        dissolve(self._wrapped)  # it holds a minute of audio

    def _take(self, value: vad.VADEvent) -> None:
        """Pass an event on, but of silence after silence only the first."""
        event, was_quiet = value, self._is_quiet
        if event.type is vad.VADEventType.INFERENCE_DONE:
            self._is_quiet = not (event.speaking or event.raw_accumulated_speech)
            if self._is_quiet and was_quiet:
                return
            if event.speaking:
                event.speech_duration -= event.raw_accumulated_silence
        else:
            self._is_quiet = False
        self._put(event)

    async def __anext__(self) -> vad.VADEvent:
        try:
            return await self._events.__anext__()
        except StopAsyncIteration:
            task = self._detecting
            if task is None or not task.done() or task.cancelled():
                raise
            if (error := task.exception()) is not None:
                raise error from None
            raise
