"""From a kind of mail and a context to subject, text and branded HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from portal.brand import Brand, words_of
from portal.mail.kinds import kind_of
from portal.models import Portal
from portal.words import speaking


@dataclass(frozen=True)
class Rendered:
    """A mail's three faces. The subject has no line break, whatever the context held."""

    subject: str
    text: str
    html: str


def render_mail(
    name: str, *, portal: Portal | None, language: str, context: Mapping[str, Any]
) -> Rendered:
    """Draw a mail in the portal's brand and the reader's language."""
    kind = kind_of(name)
    values = {**context, "portal": portal, "brand": Brand.of(portal)}
    with translation.override(language), speaking(words_of(portal)):
        text = render_to_string(f"mail/{kind.name}.txt", values)
        subject, _, body = text.strip().partition("\n")
        subject = " ".join(subject.split())[:300]
        html = render_to_string(
            f"mail/{kind.name}.html", {**values, "mail_subject": subject}
        )
    return Rendered(subject, body.strip() + "\n", html)
