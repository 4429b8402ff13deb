"""A voice activity detector that hears any non-zero frame as speech."""

from __future__ import annotations

import asyncio
import time

from livekit import rtc
from livekit.agents import vad

from tests.fakes.script import Script

MIN_SPEECH_S = 0.04


class FakeVAD(vad.VAD):
    """Report speech as Silero does, one event for each frame."""

    def __init__(self, script: Script) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))
        self.script = script

    def stream(self) -> vad.VADStream:
        return _Stream(self)


class _Stream(vad.VADStream):
    async def _main_task(self) -> None:
        assert isinstance(self._vad, FakeVAD)
        min_silence_s = self._vad.script.vad_silence_s
        speech_s = silence_s = spoken_s = quiet_s = 0.0
        is_speaking = False
        samples = 0
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):
                is_speaking, speech_s, silence_s, spoken_s = False, 0.0, 0.0, 0.0
                continue
            samples += frame.samples_per_channel
            duration_s = frame.duration
            if frame.data[0]:
                speech_s, silence_s = speech_s + duration_s, 0.0
            else:
                speech_s, silence_s = 0.0, silence_s + duration_s
            if is_speaking:
                spoken_s += duration_s
            else:
                quiet_s += duration_s
            self._event_ch.send_nowait(
                _event(
                    vad.VADEventType.INFERENCE_DONE,
                    samples,
                    speech_duration=spoken_s,
                    silence_duration=quiet_s,
                    raw_accumulated_speech=speech_s,
                    raw_accumulated_silence=silence_s,
                    speaking=is_speaking,
                    probability=1.0 if frame.data[0] else 0.0,
                )
            )
            if not is_speaking and speech_s >= MIN_SPEECH_S - 1e-9:
                is_speaking, spoken_s, quiet_s = True, speech_s, 0.0
                self._event_ch.send_nowait(
                    _event(
                        vad.VADEventType.START_OF_SPEECH,
                        samples,
                        speech_duration=spoken_s,
                        speaking=True,
                    )
                )
            elif is_speaking and silence_s >= min_silence_s - 1e-9:
                is_speaking = False
                self._event_ch.send_nowait(
                    _event(
                        vad.VADEventType.END_OF_SPEECH,
                        samples,
                        speech_duration=spoken_s - silence_s,
                        silence_duration=silence_s,
                    )
                )
                spoken_s, quiet_s = 0.0, silence_s
            await asyncio.sleep(0)


def _event(
    kind: vad.VADEventType, samples: int, **values: float | bool
) -> vad.VADEvent:
    defaults: dict[str, float | bool] = {
        "speech_duration": 0.0,
        "silence_duration": 0.0,
    }
    return vad.VADEvent(
        type=kind,
        samples_index=samples,
        timestamp=time.time(),
        **(defaults | values),  # type: ignore[arg-type]  # values by name
    )
