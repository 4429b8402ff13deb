"""The pipeline's three stages, each vendor kept to its time.

LiveKit asks its agent for words, speech and transcripts through these nodes. The
library retries errors but waits for ever on a vendor that hangs, and never opens a
recognition stream again that ended politely. Here every wait has an end, and retries
stop when the caller has waited long enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterator,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from livekit import rtc
from livekit.agents import (
    Agent,
    APIConnectOptions,
    APIError,
    ModelSettings,
    llm,
    stt,
    tokenize,
    tts,
)

from assistants.speech_shapes import Pronunciation
from calls.session.faults import Faults, VendorHung
from calls.session.patience import Patience
from calls.session.ports import Vendors
from calls.session.pronunciation import pronounced
from calls.session.text_feed import TextFeed
from calls.session.timeline import Timeline

# Whether words were given by `say()`: the library would let a failure of their voice
# escape into the loop's exception handler. Those of a model it takes and notes.
is_dictated: ContextVar[bool] = ContextVar("is_dictated", default=False)

# Made by a detector beside the recogniser, so they do not prove that it works.
_SIGNS_OF_SOUND = (
    stt.SpeechEventType.START_OF_SPEECH,
    stt.SpeechEventType.END_OF_SPEECH,
)


class PatientAgent(Agent):
    """An agent whose vendors are watched."""

    def __init__(
        self,
        *,
        vendors: Vendors,
        faults: Faults,
        patience: Patience,
        timeline: Timeline,
        cut_short: Callable[[], None],
        pronunciation: Sequence[Pronunciation] = (),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._vendors, self._faults = vendors, faults
        self._patience, self._timeline = patience, timeline
        self._cut_short = cut_short
        self._pronunciation = pronunciation
        self._recognising: asyncio.Task[stt.SpeechEvent | None] | None = None
        self._is_reopening = False
        self.spoken_characters = 0  # also of replies that were interrupted
        self.recogniser_heard_s = 0.0  # loop time of the last sign of work

    # --- words ---

    async def llm_node(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncGenerator[llm.ChatChunk, None]:
        tries = _Tries(self._patience, self._patience.llm_budget_s)
        while True:
            has_answered = False
            try:
                async with aclosing(
                    self._words(chat_ctx, tools, model_settings, tries)
                ) as chunks:
                    async for chunk in chunks:
                        if not has_answered and chunk.has_response():
                            has_answered = True
                            self._timeline.model_answered(chat_ctx)
                        yield chunk
            except APIError as error:
                if has_answered:
                    self._reply_cut("llm", error)
                    return
                again = await self._next_try("llm", error, tries)
                if again is None:
                    return
                tries = again
            else:
                self._faults.reply_whole("llm")
                return

    async def _words(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
        tries: _Tries,
    ) -> AsyncGenerator[llm.ChatChunk, None]:
        limit_s = min(self._patience.llm_first_token_s, tries.left_s)
        if self._vendors.has_stand_in("llm"):
            limit_s = min(limit_s, self._patience.llm_stand_in_s)
        mind = self._vendors.llm
        assert isinstance(mind, llm.LLM)
        with _vendor_errors():
            async with mind.chat(
                chat_ctx=chat_ctx,
                tools=tools,
                tool_choice=model_settings.tool_choice,
                conn_options=APIConnectOptions(max_retry=0, timeout=limit_s),
            ) as stream:
                while True:
                    try:
                        async with asyncio.timeout(limit_s):
                            chunk = await anext(stream, None)
                    except TimeoutError:
                        raise VendorHung(limit_s) from None
                    if chunk is None:
                        return
                    limit_s = self._patience.llm_next_token_s
                    yield chunk

    # --- speech ---

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame, None]:
        if self._pronunciation:
            text = pronounced(text, self._pronunciation)
        feed = TextFeed(text)
        try:
            async with aclosing(self._voiced(feed)) as frames:
                async for frame in frames:
                    yield frame
        finally:
            if feed.is_voiced:
                self.spoken_characters += feed.characters
            await feed.aclose()

    async def _voiced(self, feed: TextFeed) -> AsyncGenerator[rtc.AudioFrame, None]:
        tries = _Tries(self._patience, self._patience.tts_budget_s)
        while True:
            try:
                async with aclosing(self._speech(feed, tries)) as frames:
                    async for frame in frames:
                        if not feed.is_voiced:
                            feed.is_voiced = True
                            self._timeline.voice_answered()
                        yield frame
            except APIError as error:
                if feed.is_voiced:
                    self._reply_cut("tts", error)
                    self._cut_short()
                    if is_dictated.get():
                        return
                    raise APIError("the voice broke off") from None
                if feed.is_complete and not feed.is_owed_speech:
                    return  # nothing but signs, for which a voice has no sound
                again = await self._next_try("tts", error, tries)
                if again is None:
                    return
                tries = again
            else:
                self._faults.reply_whole("tts")
                return

    async def _speech(
        self, feed: TextFeed, tries: _Tries
    ) -> AsyncGenerator[rtc.AudioFrame, None]:
        limit_s = min(self._patience.tts_first_audio_s, tries.left_s)
        if self._vendors.has_stand_in("tts"):
            limit_s = min(limit_s, self._patience.tts_stand_in_s)
        mouth = self._vendors.tts
        assert mouth is not None
        waiting = _AudioWait(feed, limit_s)
        options = APIConnectOptions(max_retry=0, timeout=limit_s)
        with _vendor_errors():
            async with (
                _streaming(mouth) as voice,
                voice.stream(conn_options=options) as stream,
            ):
                pushing = asyncio.create_task(
                    feed.push_into(stream, waiting.count_anew)
                )
                try:
                    while (audio := await waiting.for_next(stream)) is not None:
                        waiting.limit_s = self._patience.tts_next_audio_s
                        yield audio.frame
                finally:
                    pushing.cancel()
                    await asyncio.wait([pushing])

    # --- transcripts ---

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[stt.SpeechEvent, None]:
        """Yield what is recognised; raise when the stream ends, to be opened again."""
        events = Agent.default.stt_node(self, audio, model_settings)
        try:
            with _vendor_errors():
                while True:
                    event = await self._next_transcript(events)
                    if event.type not in _SIGNS_OF_SOUND:
                        self.recogniser_heard_s = asyncio.get_running_loop().time()
                    if event.alternatives and event.alternatives[0].text:
                        self._faults.recogniser_spoke()
                    yield event
        except _Reopened:
            raise
        except APIError as error:
            if self._faults.replaced("stt", error):
                raise
            self._faults.recogniser_lost(error, attempts=self._patience.attempts)
            if self._faults.fatal is not None:
                return  # the call ends: opening it again would only fail again
            raise
        finally:
            await events.aclose()

    def reopen_recognition(self) -> None:
        """Drop the recognition stream; the pipeline opens another at once."""
        if self._recognising is not None and not self._recognising.done():
            self._is_reopening = True
            self._recognising.cancel()

    async def _next_transcript(
        self, events: AsyncGenerator[stt.SpeechEvent, None]
    ) -> stt.SpeechEvent:
        async def following() -> stt.SpeechEvent | None:
            return await anext(events, None)

        self._recognising = asyncio.create_task(following(), name="recognising")
        try:
            event = await self._recognising
        except asyncio.CancelledError:
            if not self._is_reopening:
                raise
            self._is_reopening = False
            raise _Reopened("opened anew") from None
        finally:
            self._recognising = None
        if event is None:
            raise APIError("the recogniser ended its stream")
        return event

    # --- all three ---

    def _reply_cut(self, stage: str, error: APIError) -> None:
        """A reply broke off; the next one is a stand-in's, or this vendor's last."""
        if not self._faults.replaced(stage, error):
            self._faults.reply_cut(stage, error)

    async def _next_try(
        self, stage: str, error: APIError, tries: _Tries
    ) -> _Tries | None:
        """Wait for the next try; None when there is none, and the call ends.

        A stand-in is not waited for, and has all its own tries.
        """
        if self._faults.replaced(stage, error):
            return _Tries(self._patience, tries.budget_s)
        wait_s = tries.next_wait_s() if self._faults.can_retry(stage, error) else None
        self._faults.trouble(stage, error, is_fatal=wait_s is None)
        if wait_s is None:
            return None
        await asyncio.sleep(wait_s)
        return tries


class _AudioWait:
    """Waits for a voice as long as it owes audio for the text it was given."""

    def __init__(self, feed: TextFeed, limit_s: float) -> None:
        self.limit_s = limit_s
        self._feed = feed
        self._has_spoken = False
        self._timeout: asyncio.Timeout | None = None

    def count_anew(self) -> None:
        """Start the wait again: text was pushed or audio came."""
        if self._timeout is None:
            return
        is_owed = self._feed.is_complete or not self._has_spoken
        now_s = asyncio.get_running_loop().time()
        self._timeout.reschedule(now_s + self.limit_s if is_owed else None)

    async def for_next(
        self, stream: tts.SynthesizeStream
    ) -> tts.SynthesizedAudio | None:
        try:
            async with asyncio.timeout(None) as self._timeout:
                self.count_anew()
                audio = await anext(stream, None)
        except TimeoutError:
            raise VendorHung(self.limit_s) from None
        finally:
            self._timeout = None
        self._has_spoken = True
        return audio


class _Reopened(APIError):
    """We dropped the stream ourselves."""


class _Tries:
    """How often and how long one reply may still be tried."""

    def __init__(self, patience: Patience, budget_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.budget_s = budget_s
        self._until_s = self._loop.time() + budget_s
        self._left = patience.attempts
        self._wait_s = patience.retry_after_s

    @property
    def left_s(self) -> float:
        return self._until_s - self._loop.time()

    def next_wait_s(self) -> float | None:
        """Seconds to wait before the next try; None when there is none."""
        self._left -= 1
        wait_s, self._wait_s = self._wait_s, self._wait_s * 2
        return wait_s if self._left > 0 and self.left_s > wait_s else None


@contextmanager
def _vendor_errors() -> Iterator[None]:
    """Make one kind of error of whatever a vendor's client raises."""
    try:
        yield
    except APIError:
        raise
    except Exception as error:  # clients leak their own kinds, which would end the pump
        raise APIError(type(error).__name__) from error


@asynccontextmanager
async def _streaming(voice: tts.TTS[Any]) -> AsyncIterator[tts.TTS[Any]]:
    """The voice, made to take text in pieces if it does not."""
    if voice.capabilities.streaming:
        yield voice
        return
    adapter = tts.StreamAdapter(
        tts=voice,
        sentence_tokenizer=tokenize.blingfire.SentenceTokenizer(retain_format=True),
    )
    try:
        yield adapter
    finally:
        await adapter.aclose()
