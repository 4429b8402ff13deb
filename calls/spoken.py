"""Sentences that a call says of its own accord, in the language it is held in."""

from __future__ import annotations

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CREDITS_GONE = _("The credits for this call are used up, so it ends now. Goodbye.")
NOT_AGAIN = _("You will not be called again. Goodbye.")
UNPAID = _("We cannot take your call at the moment. Please call again later.")
GIVEN_BACK = _("I am back with you. How can I help you further?")
PERSON_LOST = _("We lost my colleague, I am sorry. I am back: how can I help you?")


def spoken(sentence: Promise, language: str) -> str:
    """Return the sentence in a call's language, in English where we have no other."""
    with translation.override(language):
        return str(sentence)
