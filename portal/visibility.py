"""Which assistants and campaigns a person sees, where their place in the team says so.

Read by the queries of those rooms. With nothing said everything of the organization is
visible; a worker and an API key see everything too, as they are nobody's eyes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from portal.models import Membership


@dataclass(frozen=True)
class Sight:
    """Ids of what may be seen; `None` is everything."""

    assistants: frozenset[UUID] | None = None
    campaigns: frozenset[UUID] | None = None


EVERYTHING = Sight()
_sight: ContextVar[Sight] = ContextVar("portavoce_sight", default=EVERYTHING)


def sight() -> Sight:
    """Return what the person at hand may see."""
    return _sight.get()


def sight_of(membership: Membership) -> Sight:
    return Sight(_ids(membership.assistant_ids), _ids(membership.campaign_ids))


def _ids(values: list[str] | None) -> frozenset[UUID] | None:
    return None if values is None else frozenset(UUID(value) for value in values)


@contextmanager
def seeing(new: Sight) -> Iterator[None]:
    token = _sight.set(new)
    try:
        yield
    finally:
        _sight.reset(token)


# What there is to choose from, by name; told by the rooms above, which know it.
_CHOICES: dict[str, Callable[[], list[tuple[str, str]]]] = {}


def offer_choices(name: str, choices: Callable[[], list[tuple[str, str]]]) -> None:
    """Say where the form of a person's place finds what it may name."""
    _CHOICES[name] = choices


def choices_of(name: str) -> list[tuple[str, str]]:
    """Return id and label of everything of the scope that can be named."""
    return _CHOICES[name]() if name in _CHOICES else []
