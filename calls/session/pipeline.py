"""The library's session of one call, with our ends attached to it.

Everything that touches `AgentSession` while a call runs is here. Methods may be called
at any moment: one that comes too early or too late does nothing and says so in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from livekit.agents import APIError, ErrorEvent, UserTranscriptionTimeoutEvent, llm
from livekit.agents.types import NOT_GIVEN
from livekit.agents.voice import SpeechHandle

from assistants.spec import AssistantSpec
from calls.media.ambience import Ambience, samples_of
from calls.media.link import MediaLink
from calls.media.output import PulledAudioOutput
from calls.session import apology
from calls.session.builder import (
    build_session,
    instructions,
    opening_context,
    pause_judge,
)
from calls.session.clock import CallClock
from calls.session.events import SessionEvent, Usage
from calls.session.faults import Fault, Faults, VendorHung
from calls.session.heard import HeardAudio, HeardText
from calls.session.patience import Patience
from calls.session.patient_agent import PatientAgent, is_dictated
from calls.session.ports import Vendors
from calls.session.release import dissolve
from calls.session.returning import Return
from calls.session.timeline import Timeline
from calls.session.transcript import Transcript
from calls.session.usage import summed

logger = logging.getLogger(__name__)

CALLER_IS_SILENT = (
    "The caller has said nothing for a while. Ask in one short sentence, in the language "
    "of the conversation, whether they are still there."
)
SAY_EXACTLY = "Say exactly these words, in their language, and nothing else: {text}"
LAST_WORDS_OF_CALLER_S = 1.0  # for a transcript that is under way when the call ends


class Pipeline:
    """Speech in, speech out, and everything that was said told on the way."""

    def __init__(
        self,
        spec: AssistantSpec,
        link: MediaLink,
        vendors: Vendors,
        *,
        clock: CallClock,
        patience: Patience,
        put: Callable[[SessionEvent], None],
        on_fatal: Callable[[Fault], None],
        tools: list[llm.Tool | llm.Toolset],
        instructions_suffix: str,
        early_context: list[str],
        returns: Return | None = None,
    ) -> None:
        self._patience, self._clock = patience, clock
        self._language = apology.language_of(spec)
        self._uninterruptible_until_s = 0.0
        self._is_open = False
        self._errors = 0
        self._starting: asyncio.Task[None] | None = None
        self._inside: list[Any] = []  # what the library drops when it closes
        self.faults = Faults(vendors, clock, put, on_fatal)
        self._background = spec.speech_config.background_audio
        self._output = link.audio_output
        judge = pause_judge(spec)
        timeline = Timeline(clock, silence_s=lambda: judge.delay_s)
        self._model = vendors.llm
        self.is_realtime = vendors.tts is None
        self.transcript = Transcript(clock, timeline, put, is_realtime=self.is_realtime)
        self._heard = HeardAudio(
            link.audio_output,
            on_started=self.transcript.speech_started,
            on_caption=self.transcript.caption,
            on_spoken=self.transcript.speech_ended,
        )
        self._session = build_session(spec, vendors, patience, judge)
        self._session.input.audio = link.audio_input
        self._session.output.audio = self._heard
        self._session.output.transcription = HeardText(self._heard)
        self._agent = PatientAgent(
            vendors=vendors,
            faults=self.faults,
            patience=patience,
            timeline=timeline,
            cut_short=self._heard.cut_short,
            pronunciation=spec.speech_config.pronunciation,
            instructions=instructions(spec, instructions_suffix),
            chat_ctx=opening_context(spec, early_context, returns),
            tools=[*tools, *vendors.tools],
        )
        self._listen()

    def _listen(self) -> None:
        session, transcript = self._session, self.transcript
        session.on("user_state_changed", transcript.user_state_changed)
        session.on("agent_state_changed", transcript.agent_state_changed)
        session.on("user_input_transcribed", transcript.user_input_transcribed)
        session.on("conversation_item_added", transcript.conversation_item_added)
        session.on("user_transcription_timeout", self._speech_went_unheard)
        if self.is_realtime:
            session.on("error", self._model_erred)

    async def start(self) -> None:
        """Begin to listen.

        Cancelling this does not stop the library half way, where nothing could close
        it: `aclose` waits for it first.
        """
        await self._set_scene()
        self._starting = asyncio.create_task(
            self._session.start(self._agent, record=False), name="pipeline-start"
        )
        await asyncio.shield(self._starting)
        self._is_open = True
        activity = self._session._activity
        recognition = activity._audio_recognition if activity else None
        hearing = recognition._stt_pipeline if recognition else None
        self._inside = [activity, recognition, hearing]

    async def _set_scene(self) -> None:
        """Let the caller hear a place around the assistant."""
        place, output = self._background, self._output
        if not place.enabled or not isinstance(output, PulledAudioOutput):
            return
        samples = await asyncio.to_thread(samples_of, place.clip, output.sample_rate_hz)
        output.ambience = Ambience(samples, place.volume)

    @property
    def usage(self) -> Usage:
        return summed(
            self._session.usage, spoken_characters=self._agent.spoken_characters
        )

    @property
    def memory(self) -> list[llm.ChatItem]:
        """What was said so far, as the model knows it."""
        return list(self._agent.chat_ctx.items)

    # --- talking ---

    def say(self, text: str, *, interruptible: bool = True) -> SpeechHandle | None:
        """Queue words in the assistant's voice."""
        return self._say(text, interruptible=interruptible)

    def say_recorded_apology(self) -> SpeechHandle | None:
        """Queue the apology that needs no vendor."""
        return self._say(
            apology.TECHNICAL_PROBLEM[self._language],
            interruptible=False,
            is_recorded=True,
        )

    @property
    def apology(self) -> str:
        return apology.TECHNICAL_PROBLEM[self._language]

    def interrupt(self) -> None:
        """Cut short whatever is being said or made."""
        try:
            self._session.interrupt(force=True)
        except RuntimeError:
            logger.debug("nothing to interrupt: the session does not run")

    def set_quiet(self, is_quiet: bool) -> None:
        """Hear nothing and say nothing by oneself until told to go on."""
        if not self._is_open:
            return
        if is_quiet:
            self.interrupt()
        self._session.input.set_audio_enabled(not is_quiet)

    async def add_context(self, content: str, *, respond: bool) -> None:
        """Tell the model something the caller does not hear; perhaps let it answer."""
        if not self._is_open:
            return
        context = self._agent.chat_ctx.copy()
        context.add_message(role="system", content=content)
        try:
            await self._agent.update_chat_ctx(context)
        except (RuntimeError, llm.RealtimeError):  # a live model takes it only so far
            logger.warning("context not taken")
        if respond:
            try:
                self._session.generate_reply()
            except RuntimeError:
                logger.debug("no reply: the session is closing")

    def answer_to(self, text: str) -> None:
        """Take what was written as if it had been said, over whatever is being said."""
        if not self._is_open:
            return
        with suppress(RuntimeError):  # something that is not to be interrupted
            self._session.interrupt()
        self.transcript.user_wrote(text)
        try:
            self._session.generate_reply(user_input=text)
        except RuntimeError:
            logger.debug("not answered: the session is closing")

    def ask_after_caller(self) -> None:
        """Let the model find words for a caller who says nothing."""
        if not self._is_open:
            return
        try:
            self._session.generate_reply(instructions=CALLER_IS_SILENT)
        except RuntimeError:
            logger.debug("not asked: the session is closing")

    def _say(
        self, text: str, *, interruptible: bool, is_recorded: bool = False
    ) -> SpeechHandle | None:
        if not self._is_open or not text.strip():
            return None
        sound = apology.recorded(self._language) if is_recorded else NOT_GIVEN
        dictated = is_dictated.set(True)
        try:
            if self.is_realtime and not is_recorded and not self._takes_dictation:
                speech = self._session.generate_reply(
                    instructions=SAY_EXACTLY.format(text=text)
                )
            elif self.is_realtime:
                speech = self._session.say(
                    text, audio=sound, add_to_chat_ctx=not is_recorded
                )
            else:
                speech = self._session.say(
                    text, audio=sound, allow_interruptions=interruptible
                )
        except RuntimeError:
            logger.debug("not said: the session is closing")
            return None
        finally:
            is_dictated.reset(dictated)
        if not interruptible:
            self._uninterruptible_until_s = float("inf")
            speech.add_done_callback(self._can_be_interrupted_again)
        return speech

    @property
    def _takes_dictation(self) -> bool:
        """Whether a realtime model says given words as they are."""
        return bool(getattr(self._model.capabilities, "supports_say", False))  # type: ignore[union-attr]

    def _model_erred(self, event: ErrorEvent) -> None:
        """A realtime model failed; one that connects again by itself may go on."""
        error = getattr(event.error, "error", event.error)
        if not isinstance(error, BaseException):
            return
        may_recover = getattr(
            event.error, "recoverable", False
        ) and self.faults.can_retry("llm", error)
        self._errors += 1
        is_fatal = not may_recover or self._errors >= self._patience.attempts
        self.faults.trouble("llm", error, is_fatal=is_fatal)

    def _can_be_interrupted_again(self, speech: SpeechHandle) -> None:
        self._uninterruptible_until_s = asyncio.get_running_loop().time()

    def _speech_went_unheard(self, event: UserTranscriptionTimeoutEvent) -> None:
        """The caller spoke and no transcript came: is the recogniser dead?"""
        began_s = (
            self._clock.started_s
            + self._clock.at_ms(event.vad_speech_started_at) / 1000
        )
        if (
            event.speech_duration < self._patience.stt_min_speech_s
            or began_s < self._uninterruptible_until_s  # it was given silence instead
            or began_s < self._agent.recogniser_heard_s  # it works, and heard no words
        ):
            return
        waited_s = self._patience.stt_answer_s
        if self.faults.replaced("stt", VendorHung(waited_s)):
            self._agent.reopen_recognition()
            self._say(apology.NOT_HEARD[self._language], interruptible=True)
            return
        times = self.faults.recogniser_silent(waited_s)
        if times == 1:
            self._agent.reopen_recognition()
        elif self.faults.fatal is None:
            self._say(apology.NOT_HEARD[self._language], interruptible=True)

    # --- the end ---

    async def aclose(self) -> None:
        """Stop. Words the caller was saying are still written down, for a second."""
        self._is_open = False
        self._session.options.session_close_transcript_timeout = (
            LAST_WORDS_OF_CALLER_S if self.transcript.has_open_words else 0.0
        )
        if self._starting is not None:
            await asyncio.wait([self._starting])
        if self._inside and (hearing := self._inside[-1]) is not None:
            self._inside.append(hearing._recognize_stream)
        with suppress(APIError):  # a realtime model that never connected says so again
            await self._session.aclose()

    def release(self) -> None:
        """Break the cycles, so that memory returns without a full collection."""
        self._heard.release()
        self.faults.release()
        dissolve(self._session, self._agent, *self._inside)
