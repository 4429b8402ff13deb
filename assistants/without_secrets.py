"""An assistant's settings without what only its owner may know."""

from __future__ import annotations

from typing import Any, Final

_SECRET: Final = frozenset({"webhook_secret", "secret", "headers"})


def without_secrets(value: Any) -> Any:
    """Return settings, as JSON, without secrets and headers of tools and webhooks."""
    if isinstance(value, dict):
        return {
            name: without_secrets(inner)
            for name, inner in value.items()
            if name not in _SECRET
        }
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    return value
