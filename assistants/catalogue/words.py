"""The catalogue's labels that are words and not names: its files know no gettext."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext, gettext_noop

from assistants.catalogue.entries import Provider

LABELS: Final = (
    gettext_noop("Demo model (follows written rules, no AI)"),
    gettext_noop("Offline recogniser (English, for demos and tests)"),
    gettext_noop("Offline voices (robotic, for demos and tests)"),
    gettext_noop("Own server (OpenAI-compatible)"),
)


def label_of(provider: Provider) -> str:
    """Return what people read for a provider; most have a name and no translation."""
    return gettext(provider.label)
