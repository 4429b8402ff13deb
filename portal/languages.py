"""Which language a paper or a person gets, where no page decides it."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation

from portal.models import Portal, User


def language_for(address: str, portal: Portal | None) -> str:
    """Return the language a person reads: their choice, else the portal's."""
    known = {code for code, _name in settings.LANGUAGES}
    chosen = User.objects.filter(email__iexact=address).values_list(
        "language", flat=True
    )
    for language in (*chosen, portal.language if portal else ""):
        if language in known:
            return language
    return settings.LANGUAGE_CODE


def paper_language(portal: Portal | None) -> str:
    """Return the language of an organization's papers: its portal's, whoever asks.

    Where the portal leaves the language to visitors, a paper has that of the page it
    was fetched from.
    """
    chosen = portal.language if portal is not None else ""
    return chosen or translation.get_language() or settings.LANGUAGE_CODE
