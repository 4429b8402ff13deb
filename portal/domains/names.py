"""What a portal may claim as its domain, in the one form it is kept in."""

from __future__ import annotations

import re
from typing import Final

import idna
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
# Names that are nobody's to own (RFC 6761, 6762, 7686, 8375, 9476).
_SPECIAL: Final = frozenset(
    {"local", "localhost", "internal", "invalid", "onion", "arpa", "alt", "test", "lan"}
)


def domain_name(text: str) -> str:
    """Return a domain in lower-case ASCII without trailing dot; raise `ValidationError`.

    A name in another script is kept as its punycode, which is what a browser asks for.
    Addresses, the platform's own names and names without a dot are refused.
    """
    name = text.strip().lower().removesuffix(".")
    if not name.isascii():
        name = _encoded(name)
    labels = name.split(".")
    if (
        len(name) > 253
        or len(labels) < 2
        or not all(_LABEL.match(label) for label in labels)
        or labels[-1].isdigit()
    ):
        raise ValidationError(
            _("Enter a domain such as calls.example.com."), code="domain_invalid"
        )
    for label in labels:
        if label.startswith("xn--"):
            _decoded(label)
    _refuse_reserved(name, labels[-1])
    return name


def _refuse_reserved(name: str, last: str) -> None:
    base = settings.BASE_DOMAIN
    ours = {base, *settings.OPERATOR_HOSTS}
    if (
        last in _SPECIAL
        or any(name == own or name.endswith(f".{own}") for own in ours)
        or base.endswith(f".{name}")
    ):
        raise ValidationError(_("This domain cannot be used."), code="domain_reserved")


def _encoded(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        raise ValidationError(
            _("This domain holds characters that no domain may hold."),
            code="domain_invalid",
        ) from None


def _decoded(label: str) -> str:
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        raise ValidationError(
            _("This domain holds characters that no domain may hold."),
            code="domain_invalid",
        ) from None


def shown_name(name: str) -> str:
    """Return a domain as people write it: its own script beside the punycode."""
    try:
        readable = idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name
    return name if readable == name else f"{readable} ({name})"
