"""How each voice sounds: rendered when somebody first listens, then kept."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from assistants.catalogue import Provider, Voice
from assistants.keys import OwnKey

SENTENCES: Final = {
    "en": "Hello, thank you for calling. How can I help you today?",
    "nl": "Goedendag, fijn dat u belt. Waarmee kan ik u helpen?",
    "de": "Guten Tag, danke für Ihren Anruf. Wie kann ich Ihnen helfen?",
    "fr": "Bonjour, merci de votre appel. Comment puis-je vous aider ?",
    "es": "Hola, gracias por llamar. ¿En qué puedo ayudarle?",
    "it": "Buongiorno, grazie per la chiamata. Come posso aiutarla?",
    "pt": "Olá, obrigado por ligar. Em que posso ajudar?",
    "pl": "Dzień dobry, dziękuję za telefon. W czym mogę pomóc?",
    "sv": "Hej, tack för att du ringer. Hur kan jag hjälpa dig?",
    "da": "Goddag, tak fordi du ringer. Hvordan kan jeg hjælpe?",
}
TIME_LIMIT_S: Final = 60
# Each rendering is a process: two at once leave the machine to its calls.
_ROOM: Final = threading.BoundedSemaphore(2)


class NoSample(Exception):
    """The voice could not be heard; the message says why, for the person who asked."""


def sample(
    provider: Provider, voice: Voice, language: str, own_keys: Mapping[str, OwnKey]
) -> bytes:
    """Return the voice saying a sentence, as WAV; the second time from the shelf.

    `own_keys` go before the operator's. Raises `NoSample`.
    """
    spoken = voice.language if voice.language != "multi" else language
    sentence = SENTENCES.get(spoken, SENTENCES["en"])
    shelf = storages["voices"]
    place = f"{provider.stage}/{provider.id}/{voice.id}/{spoken}/{sentence}"
    name = f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.wav"
    if shelf.exists(name):
        with shelf.open(name) as file:
            kept: bytes = file.read()
            return kept
    key = provider.key_for(provider.default_model)
    own = {name: one for name, one in own_keys.items() if name == key}
    sound = _rendered(provider.id, voice.id, sentence, spoken, own)
    shelf.save(name, ContentFile(sound))
    return sound


def _rendered(
    provider: str,
    voice: str,
    sentence: str,
    language: str,
    own_keys: Mapping[str, OwnKey],
) -> bytes:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "voice_sample"]
    command += ["--language", language, "--", provider, voice, sentence]
    with _ROOM:
        try:
            done = subprocess.run(  # noqa: S603  # our own command, and a catalogue's ids
                command,
                # Where nobody sees it who lists processes.
                input=json.dumps(
                    {name: asdict(key) for name, key in own_keys.items()}
                ).encode(),
                capture_output=True,
                timeout=TIME_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NoSample("The provider did not answer in time.") from None
    if done.returncode != 0 or not done.stdout.startswith(b"RIFF"):
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        told = [line for line in lines if line.startswith("CommandError: ")]
        reason = told[-1].removeprefix("CommandError: ") if told else ""
        raise NoSample(reason or "The voice could not be rendered.")
    return done.stdout
