"""What a caller hears when a vendor fails, in their language.

The words are spoken by the assistant's own voice while that works. When the voice is
what failed, a recording says them: `sounds/apology-<language>.wav`, 8 kHz mono, made by
`flite` (en) and `espeak-ng` from the texts below; a test compares their lengths.
"""

from __future__ import annotations

import functools
import wave
from collections.abc import AsyncIterator
from pathlib import Path

from livekit import rtc

from assistants.spec import AssistantSpec

SOUNDS = Path(__file__).parent / "sounds"
FRAME_MS = 100
DEFAULT_LANGUAGE = "en"

TECHNICAL_PROBLEM = {
    "en": "I am sorry, there is a technical problem. Please try again later.",
    "de": "Es tut mir leid, es gibt ein technisches Problem. Bitte versuchen Sie es "
    "später noch einmal.",
    "es": "Lo siento, hay un problema técnico. Por favor, inténtelo más tarde.",
    "fr": "Je suis désolé, il y a un problème technique. Veuillez réessayer plus tard.",
    "it": "Mi dispiace, c'è un problema tecnico. Per favore riprovi più tardi.",
    "nl": "Het spijt me, er is een technisch probleem. Probeer het later opnieuw.",
    "pt": "Desculpe, há um problema técnico. Por favor, tente mais tarde.",
}
NOT_HEARD = {
    "en": "Sorry, I did not hear that. Could you say it again?",
    "de": "Entschuldigung, das habe ich nicht gehört. Können Sie es wiederholen?",
    "es": "Perdone, no le he oído. ¿Puede repetirlo?",
    "fr": "Pardon, je ne vous ai pas entendu. Pouvez-vous répéter ?",
    "it": "Mi scusi, non ho sentito. Può ripetere?",
    "nl": "Sorry, dat hoorde ik niet. Kunt u het herhalen?",
    "pt": "Desculpe, não ouvi. Pode repetir?",
}


def language_of(spec: AssistantSpec) -> str:
    """The two-letter language to apologise in; English where we have no other words."""
    language = spec.language[:2].lower()
    return language if language in TECHNICAL_PROBLEM else DEFAULT_LANGUAGE


@functools.cache
def _recording(language: str) -> tuple[int, bytes]:
    with wave.open(str(SOUNDS / f"apology-{language}.wav")) as sound:
        return sound.getframerate(), sound.readframes(sound.getnframes())


async def recorded(language: str) -> AsyncIterator[rtc.AudioFrame]:
    """The recorded apology as frames."""
    rate_hz, pcm = _recording(language)
    step = rate_hz * FRAME_MS // 1000 * 2
    for start in range(0, len(pcm), step):
        piece = pcm[start : start + step]
        yield rtc.AudioFrame(piece, rate_hz, 1, len(piece) // 2)
