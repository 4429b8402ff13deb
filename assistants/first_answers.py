"""What the form of a new assistant holds before anybody has written in it."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from assistants.catalogue import Stage, catalogue
from assistants.form_offers import first_choices, languages, split
from assistants.keys import keys_at_hand
from assistants.starters import FALLBACK, starters
from portal.services.privacy import policy_in_scope

# The choice of writing every word oneself.
NOTHING: Final = "nothing"


def first_answers(*, slug: str, language: str, voice: str) -> dict[str, str]:
    """Return the answers of the starter that was chosen, the first unless another was.

    It hears its own language as far as a recogniser at hand knows it.
    """
    choices = first_choices(keys_at_hand(), policy_in_scope().regions, language)
    answers = choices | {"language": language if is_heard(language) else FALLBACK}
    if voice:
        answers["voice"] = voice
    offered = starters(language).assistants
    starter = next((one for one in offered if one.slug == slug), offered[0])
    if slug == NOTHING:
        return answers
    return answers | {
        "name": starter.name,
        "first_message": starter.first_message,
        "instructions": starter.instructions,
    }


def language_of_voice(choice: str) -> str:
    """Return what a voice speaks; empty for one of several languages, or none of ours."""
    provider_id, name = split(choice)
    provider = catalogue().find(Stage.TTS, provider_id)
    voice = provider.voice(name) if provider else None
    return "" if voice is None or voice.language == "multi" else voice.language


def is_heard(language: str) -> bool:
    """Whether some recogniser at hand knows a language."""
    return language in dict(languages(keys_at_hand()))


def gallery(query: QueryDict, language: str) -> dict[str, Any]:
    """Return what there is to start from, and the languages it is there in, as links."""
    chosen = query.get("from", starters(language).assistants[0].slug)
    return {
        "cards": starting_points(query, language, chosen),
        "is_heard": is_heard(language),
        "languages": [
            {
                "label": label,
                "url": _new(query, language=code),
                "is_current": code == language,
            }
            for code, label in settings.LANGUAGES
        ],
    }


def starting_points(
    query: QueryDict, language: str, chosen: str = ""
) -> list[dict[str, Any]]:
    """Return a card for each assistant to start from, and one for none of them."""
    cards = [
        {"title": one.name, "text": one.description, "slug": one.slug}
        | {"language": language}
        for one in starters(language).assistants
    ]
    nothing = {"title": _("Nothing"), "text": _("Write every word yourself.")}
    cards.append(nothing | {"slug": NOTHING})
    return [
        card
        | {
            "url": _new(query, **{"from": card["slug"], "language": language}),
            "is_current": card["slug"] == chosen,
        }
        for card in cards
    ]


def _new(query: QueryDict, **changes: str) -> str:
    kept = query.copy()
    for name, value in changes.items():
        kept[name] = value
    return f"{reverse('assistant_new')}?{kept.urlencode()}"
