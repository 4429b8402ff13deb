"""Hearing that a caller paused in the middle of a sentence.

A silence ends a turn after `endpointing_min_delay`, unless the words so far cannot be
the end of one: then after `endpointing_max_delay`. Judged by the last words alone, which
costs nothing and is wrong on the side of waiting. In a language without a list only a
sign that goes on (a comma, a dash, an ellipsis) counts.
"""

from __future__ import annotations

import re
from typing import Final

from livekit.agents import llm

_OPEN_SIGNS: Final = (",", "…", "...", "-", "–", ":", ";")
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

# Words after which a sentence goes on: conjunctions, articles, possessives, fillers. No
# prepositions: "go on", "log in" and "what is it about" are whole.
_OPEN_WORDS: Final[dict[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "and but or because if while which the a an my your our their of um uh er",
        "nl": "en maar of want omdat als terwijl een de het mijn jouw ons onze van eh ehm uh",
        "de": "und aber oder weil wenn während dass ein eine einen der die das mein meine äh ähm",
        "fr": "et mais ou parce donc si que un une le la les mon ma mes votre de du des euh",
        "es": "y pero o porque si que un una el la los las mi de del eh",
        "it": "e ma o perché se che un una il lo la gli mio mia di ehm",
        "pt": "e mas ou porque se que um uma o a os as meu minha de",
    }.items()
}


def sounds_unfinished(text: str, language: str) -> bool:
    """Tell whether somebody who said this is likely to go on.

    >>> sounds_unfinished("I would like to order and", "en-GB")
    True
    >>> sounds_unfinished("Yes, please.", "en")
    False
    """
    text = text.rstrip()
    if text.endswith(_OPEN_SIGNS):
        return True
    if text.endswith((".", "!", "?")):
        return False
    words = _WORD.findall(text.casefold())
    open_words = _OPEN_WORDS.get(language[:2].lower(), frozenset())
    # A single word is an answer more often than a beginning: "so?", "well", "that".
    return len(words) > 1 and words[-1] in open_words


class PauseJudge:
    """The library's turn detector, by words.

    `delay_s` is what the last silence had to last, for whoever measures waits.
    """

    model = provider = "words"

    def __init__(self, language: str, *, min_s: float, max_s: float) -> None:
        self._language = language
        self._min_s, self._max_s = min_s, max_s
        self.delay_s = min_s

    async def unlikely_threshold(self, language: object) -> float | None:
        return 0.5

    async def supports_language(self, language: object) -> bool:
        return True

    async def predict_end_of_turn(
        self,
        chat_ctx: llm.ChatContext,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's
    ) -> float:
        text = _last_words_of_caller(chat_ctx)
        is_open = sounds_unfinished(text, self._language)
        self.delay_s = self._max_s if is_open else self._min_s
        return 0.0 if is_open else 1.0


def _last_words_of_caller(chat_ctx: llm.ChatContext) -> str:
    for item in reversed(chat_ctx.items):
        if item.type == "message" and item.role == "user":
            return item.text_content or ""
    return ""
