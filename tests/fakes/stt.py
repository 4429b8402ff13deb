"""A streaming recogniser that understands the script's sample values."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import APIConnectOptions, stt
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from tests.fakes.script import Script, Utterance


class FakeSTT(stt.STT):
    """Emit one interim and one final transcript for each utterance it hears."""

    def __init__(self, script: Script) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(streaming=True, interim_results=True)
        )
        self.script = script
        self.connections = 0
        self.is_closed = False

    @property
    def provider(self) -> str:
        return "fake-stt"

    async def _recognize_impl(self, *args: object, **kwargs: object) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        self.connections += 1
        return _Stream(self, conn_options)

    async def aclose(self) -> None:
        self.is_closed = True


@dataclass
class _Heard:
    utterance: Utterance
    heard_s: float = 0.0
    has_interim: bool = False


class _Stream(stt.RecognizeStream):
    def __init__(self, parent: FakeSTT, conn_options: APIConnectOptions) -> None:
        self._failure = (
            parent.script.stt_fails.pop(0) if parent.script.stt_fails else None
        )
        super().__init__(stt=parent, conn_options=conn_options)

    async def _run(self) -> None:
        if self._failure is not None and not self._failure.work_first:
            await asyncio.sleep(self._failure.after_s)
            if self._failure.error is None:
                await asyncio.Event().wait()
            elif not isinstance(self._failure.error, EOFError):
                raise self._failure.error
            return  # EOFError: the vendor ends the stream without a word
        await self._listen()

    async def _listen(self) -> None:
        assert isinstance(self._stt, FakeSTT)
        script = self._stt.script
        heard: _Heard | None = None
        loop = asyncio.get_running_loop()
        audio_s = 0.0
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):
                continue
            audio_s += frame.duration
            utterance = script.utterance_of(frame.data[0])
            if heard is not None and heard.utterance is not utterance:
                # a frame reaches us one frame after the sound it carries began
                delay_s = max(0.0, script.hearing.final_after_s - frame.duration)
                loop.call_later(delay_s, self._final, heard.utterance.text, audio_s)
                heard, audio_s = None, 0.0
            if utterance is None:
                continue
            heard = heard or _Heard(utterance)
            heard.heard_s += frame.duration
            if (
                not heard.has_interim
                and heard.heard_s >= script.hearing.interim_after_s
            ):
                heard.has_interim = True
                self._say(stt.SpeechEventType.INTERIM_TRANSCRIPT, _half(utterance.text))

    def _final(self, text: str, audio_s: float) -> None:
        if self._event_ch.closed:
            return
        self._event_ch.send_nowait(
            stt.SpeechEvent(
                type=stt.SpeechEventType.RECOGNITION_USAGE,
                recognition_usage=stt.RecognitionUsage(audio_duration=audio_s),
            )
        )
        self._say(stt.SpeechEventType.FINAL_TRANSCRIPT, text)

    def _say(self, kind: stt.SpeechEventType, text: str) -> None:
        if text and not self._event_ch.closed:
            self._event_ch.send_nowait(
                stt.SpeechEvent(
                    type=kind,
                    alternatives=[stt.SpeechData(language="en", text=text)],  # type: ignore[arg-type]  # a str at run time
                )
            )


def _half(text: str) -> str:
    words = text.split()
    return " ".join(words[: (len(words) + 1) // 2])
