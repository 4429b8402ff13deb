"""A stage with stand-ins: one object to the session, several vendors behind it.

The session and the library hold one recogniser, model and voice for the whole call. A
relay is that one; `take_over` puts the next vendor behind it. Whatever was begun at the
old one ends there. The old one is closed with the call, not at once: its last stream may
still be winding up.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from livekit.agents import llm, stt, tts


class Vendor(Protocol):
    def on(self, event: Any, callback: Any) -> Any: ...

    async def aclose(self) -> None: ...


V = TypeVar("V", bound=Vendor)


class Bench(Generic[V]):
    """The vendors of a stage in order, made when their turn comes."""

    def __init__(self, makers: list[Callable[[], V]]) -> None:
        self._makers = makers
        self._made = [makers[0]()]
        self._pass_on: Callable[..., None] | None = None

    @property
    def current(self) -> V:
        return self._made[-1]

    def report_to(self, pass_on: Callable[..., None]) -> None:
        """Hand what each vendor used to the relay's own listeners."""
        self._pass_on = pass_on
        self.current.on("metrics_collected", pass_on)

    def advance(self) -> None:
        self._made.append(self._makers[len(self._made)]())
        if self._pass_on is not None:
            self.current.on("metrics_collected", self._pass_on)

    async def aclose(self) -> None:
        for vendor in self._made:
            with suppress(ConnectionError, TimeoutError):
                await vendor.aclose()


class RelaySTT(stt.STT[Any]):
    def __init__(self, makers: list[Callable[[], stt.STT[Any]]]) -> None:
        self.bench: Bench[stt.STT[Any]] = Bench(makers)
        super().__init__(capabilities=self.bench.current.capabilities)
        self.bench.report_to(self._pass_on)

    def _pass_on(self, *args: Any) -> None:
        self.emit("metrics_collected", *args)

    @property
    def capabilities(self) -> stt.STTCapabilities:
        return self.bench.current.capabilities

    @property
    def model(self) -> str:
        return self.bench.current.model

    @property
    def provider(self) -> str:
        return self.bench.current.provider

    async def _recognize_impl(self, buffer: Any, **options: Any) -> stt.SpeechEvent:
        return await self.bench.current._recognize_impl(buffer, **options)

    def stream(self, **options: Any) -> Any:
        return self.bench.current.stream(**options)

    async def aclose(self) -> None:
        await self.bench.aclose()


class RelayLLM(llm.LLM[Any]):
    def __init__(self, makers: list[Callable[[], llm.LLM[Any]]]) -> None:
        super().__init__()
        self.bench: Bench[llm.LLM[Any]] = Bench(makers)
        self.bench.report_to(self._pass_on)

    def _pass_on(self, *args: Any) -> None:
        self.emit("metrics_collected", *args)

    @property
    def model(self) -> str:
        return self.bench.current.model

    @property
    def provider(self) -> str:
        return self.bench.current.provider

    def chat(self, **options: Any) -> llm.LLMStream:
        return self.bench.current.chat(**options)

    async def aclose(self) -> None:
        await self.bench.aclose()


class RelayTTS(tts.TTS[Any]):
    def __init__(self, makers: list[Callable[[], tts.TTS[Any]]]) -> None:
        self.bench: Bench[tts.TTS[Any]] = Bench(makers)
        first = self.bench.current
        super().__init__(
            capabilities=first.capabilities,
            sample_rate=first.sample_rate,
            num_channels=first.num_channels,
        )
        self.bench.report_to(self._pass_on)

    def _pass_on(self, *args: Any) -> None:
        self.emit("metrics_collected", *args)

    @property
    def capabilities(self) -> tts.TTSCapabilities:
        return self.bench.current.capabilities

    @property
    def sample_rate(self) -> int:
        return self.bench.current.sample_rate

    @property
    def num_channels(self) -> int:
        return self.bench.current.num_channels

    @property
    def model(self) -> str:
        return self.bench.current.model

    @property
    def provider(self) -> str:
        return self.bench.current.provider

    def synthesize(self, text: str, **options: Any) -> tts.ChunkedStream:
        return self.bench.current.synthesize(text, **options)

    def stream(self, **options: Any) -> tts.SynthesizeStream:
        return self.bench.current.stream(**options)

    async def aclose(self) -> None:
        await self.bench.aclose()
