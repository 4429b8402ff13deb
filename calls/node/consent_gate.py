"""Asks a caller for consent before anything is heard, thought about or recorded.

    ask ──▶ wait 10 s ──▶ 1 or yes: given            the conversation begins
      ▲        │     └──▶ 2 or no: declined          the call ends
      └─ once ─┘ nothing: ask again, then: none      the call ends

Until the answer no vendor gets a sound of the caller and nothing is kept. Spoken words
are told apart in this process, by a grammar of yes and no, and forgotten at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from livekit.agents import stt, tts

from calls.media.frames import QueuedAudioInput
from calls.node.announcement import announce
from calls.telephony.protocol import Leg

WAIT_S: Final = 10.0
TIMES: Final = 2

QUESTIONS: Final = {
    "en": (
        # Not "say yes": over a telephone the recogniser built in does not hear its s.
        "This call is recorded and answered by an assistant. To agree, press 1 or "
        "say: I agree. To end the call, press 2 or say no."
    ),
    "nl": (
        "Dit gesprek wordt opgenomen en door een assistent beantwoord. Toets 1 als u "
        "akkoord gaat. Toets 2 om het gesprek te beëindigen."
    ),
    "de": (
        "Dieser Anruf wird aufgezeichnet und von einem Assistenten beantwortet. "
        "Drücken Sie die 1, wenn Sie zustimmen. Drücken Sie die 2, um zu beenden."
    ),
    "fr": (
        "Cet appel est enregistré et traité par un assistant. Appuyez sur 1 pour "
        "accepter. Appuyez sur 2 pour terminer l'appel."
    ),
    "es": (
        "Esta llamada se graba y la atiende un asistente. Pulse 1 para aceptar. "
        "Pulse 2 para terminar la llamada."
    ),
    "it": (
        "Questa chiamata viene registrata e gestita da un assistente. Prema 1 per "
        "accettare. Prema 2 per terminare la chiamata."
    ),
    "pt": (
        "Esta chamada é gravada e atendida por um assistente. Prima 1 para aceitar. "
        "Prima 2 para terminar a chamada."
    ),
    "pl": (
        "Ta rozmowa jest nagrywana i obsługiwana przez asystenta. Naciśnij 1, aby "
        "wyrazić zgodę. Naciśnij 2, aby zakończyć rozmowę."
    ),
    "sv": (
        "Samtalet spelas in och besvaras av en assistent. Tryck 1 för att godkänna. "
        "Tryck 2 för att avsluta samtalet."
    ),
    "da": (
        "Opkaldet optages og besvares af en assistent. Tryk 1 for at acceptere. "
        "Tryk 2 for at afslutte opkaldet."
    ),
}
AGREED: Final = frozenset({"yes", "i agree", "yes i agree", "yes please"})
DECLINED: Final = frozenset({"no", "no thank you", "i do not agree"})


def question_for(message: str | None, language: str) -> str:
    """Return what is asked: the assistant's own words, else ours in its language."""
    primary = language.replace("_", "-").partition("-")[0].lower()
    return message or QUESTIONS.get(primary, QUESTIONS["en"])


@dataclass(frozen=True)
class Consent:
    """What was answered. `answer` is given, declined or none."""

    question: str
    asked_count: int
    asked_at: datetime
    answer: str
    way: str
    heard: str
    answered_at: datetime


class ConsentGate:
    """Asks on one leg; `words` recognises yes and no, or is missing."""

    def __init__(
        self,
        leg: Leg,
        voices: Sequence[tts.TTS[Any]],
        question: str,
        words: stt.STT[Any] | None = None,
    ) -> None:
        self._leg, self._voices, self._question = leg, voices, question
        self._words = words
        self._answer: asyncio.Future[tuple[str, str, str]] | None = None

    async def ask(self) -> Consent | None:
        """Return the answer; `None` when the caller hung up before one."""
        self._answer = asyncio.get_running_loop().create_future()
        asked_at, asked = timezone.now(), 0
        self._leg.set_digit_listener(self._press)
        listening = asyncio.create_task(self._listen(), name="consent-words")
        closed = asyncio.ensure_future(self._leg.wait_closed())
        try:
            while asked < TIMES and not self._is_settled(closed):
                asked += 1
                await self._ask_once(closed)
        finally:
            self._leg.set_digit_listener(None)
            closed.cancel()
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            deafen(self._leg)
        if not self._answer.done():
            if self._leg_is_gone(closed):
                return None
            answer, way, heard = "none", "", ""
        else:
            answer, way, heard = self._answer.result()
        return Consent(
            self._question, asked, asked_at, answer, way, heard, timezone.now()
        )

    async def _ask_once(self, closed: asyncio.Future[Any]) -> None:
        assert self._answer is not None
        asking = asyncio.create_task(
            announce(self._leg, self._voices, self._question), name="consent-question"
        )
        try:
            await self._first(asking, self._answer, closed)
        finally:
            if not asking.done():
                asking.cancel()
                self._leg.audio_output.clear_buffer()
                with suppress(asyncio.CancelledError):
                    await asking
        if not self._is_settled(closed):
            await self._first(self._answer, closed, limit_s=WAIT_S)

    async def _first(
        self, *waits: asyncio.Future[Any], limit_s: float | None = None
    ) -> None:
        await asyncio.wait(waits, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)

    def _is_settled(self, closed: asyncio.Future[Any]) -> bool:
        assert self._answer is not None
        return self._answer.done() or closed.done()

    def _leg_is_gone(self, closed: asyncio.Future[Any]) -> bool:
        return closed.done() and not closed.cancelled()

    def _press(self, key: str) -> None:
        answers = {"1": "given", "2": "declined"}
        if key in answers:
            self._settle(answers[key], "digit", key)

    def _settle(self, answer: str, way: str, heard: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((answer, way, heard))

    async def _listen(self) -> None:
        """Hear yes or no; without a recogniser, let what comes in go by."""
        if self._words is None:
            async for _frame in self._leg.audio_input:
                pass
            return
        stream = self._words.stream()

        async def hear() -> None:
            async for frame in self._leg.audio_input:
                stream.push_frame(frame)

        hearing = asyncio.create_task(hear(), name="consent-audio")
        try:
            async for event in stream:
                if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                    self._understand(event.alternatives[0].text)
        finally:
            hearing.cancel()
            with suppress(asyncio.CancelledError):
                await hearing
            await stream.aclose()

    def _understand(self, text: str) -> None:
        words = " ".join(text.lower().split())
        if words in AGREED:
            self._settle("given", "speech", words)
        elif words in DECLINED:
            self._settle("declined", "speech", words)


def deafen(leg: Leg) -> None:
    """Drop what was heard and hear silence, until a session listens."""
    audio_input = leg.audio_input
    audio_input.on_detached()
    if isinstance(audio_input, QueuedAudioInput):
        audio_input.forget()
