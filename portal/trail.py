"""Where what happens now comes from; the audit record writes it beside each change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Origin:
    """The address a request came from, the API key it showed, the visit it is part of."""

    address: str | None = None
    api_key: str = ""
    visit_id: UUID | None = None


_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("portavoce_origin", default=_NOWHERE)


def origin() -> Origin:
    """Return where the work at hand comes from; a worker's comes from nowhere."""
    return _origin.get()


@contextmanager
def coming_from(new: Origin) -> Iterator[None]:
    token = _origin.set(new)
    try:
        yield
    finally:
        _origin.reset(token)
