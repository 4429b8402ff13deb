"""The words that tell a caller that an AI is speaking, in the language of the call.

Regulation (EU) 2024/1689, article 50(1) and (5): people are told at the first
interaction at the latest, clearly. The sentence comes before everything else.
"""

from __future__ import annotations

from typing import Final

from assistants.spec import AssistantSpec

SENTENCES: Final = {
    "en": "You are speaking with an AI assistant.",
    "nl": "U spreekt met een AI-assistent.",
    "de": "Sie sprechen mit einem KI-Assistenten.",
    "fr": "Vous parlez avec un assistant IA.",
    "es": "Está hablando con un asistente de inteligencia artificial.",
    "it": "Sta parlando con un assistente di intelligenza artificiale.",
    "pt": "Está a falar com um assistente de inteligência artificial.",
    "pl": "Rozmawiasz z asystentem AI.",
}


def sentence_for(spec: AssistantSpec) -> str:
    """Return the sentence in the assistant's language; English where we have none."""
    return SENTENCES.get(spec.language[:2].lower(), SENTENCES["en"])


def with_disclosure(spec: AssistantSpec, sentence: str) -> AssistantSpec:
    """Return the assistant beginning with the sentence, also one that would wait."""
    first = f"{sentence} {spec.first_message}" if spec.first_message else sentence
    return spec.model_copy(update={"first_message": first})
