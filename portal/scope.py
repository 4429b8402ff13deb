"""Whose rows may be seen right now; fails closed.

A scope is an agency and, below it, one organization (a client, or the agency itself)
or all of them. It lives in a `ContextVar`, set once for each request, websocket and
task. A query on an owned model with no scope raises `NoActiveScope`.

Two walls read the same value: `ScopedManager` adds the filter, and the database
backend (`portal.postgresql`) hands it to PostgreSQL, whose row-level security refuses
what the filter missed: joins, raw SQL, `_base_manager`, forward foreign keys.

    operator     all_organizations(reason)      every row; sweepers, migrations, /ops/
    agency       agency_scope(agency)           the agency's rows and its clients'
    organization organization_scope(org)        one organization's rows
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from portal.models import Organization


class NoActiveScope(RuntimeError):
    """An owned model was queried with no organization in scope."""


@dataclass(frozen=True)
class Scope:
    """Which rows are visible. `None` stands for every agency, or every organization of it."""

    agency_id: UUID | None
    organization_id: UUID | None

    @property
    def is_everything(self) -> bool:
        return self.agency_id is None


EVERYTHING: Final = Scope(None, None)

_scope: ContextVar[Scope | None] = ContextVar("portavoce_scope", default=None)


def active_scope() -> Scope | None:
    """Return the scope in force, or `None`."""
    return _scope.get()


def require_scope() -> Scope:
    """Return the scope in force; raise `NoActiveScope` when there is none."""
    if (scope := _scope.get()) is None:
        raise NoActiveScope(
            "No organization in scope: enter organization_scope() first."
        )
    return scope


@contextmanager
def scoped(scope: Scope) -> Iterator[Scope]:
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)


def organization_scope(organization: Organization) -> _ScopeContext:
    """Enter the scope of one organization."""
    return scoped(Scope(organization.agency_id, organization.pk))


def agency_scope(agency_id: UUID) -> _ScopeContext:
    """Enter the scope of an agency and all of its clients."""
    return scoped(Scope(agency_id, None))


def all_organizations(reason: str) -> _ScopeContext:
    """Enter the scope of everything; `reason` is for the reader of the code."""
    if not reason:
        raise ValueError("Say why every organization must be visible here.")
    return scoped(EVERYTHING)


if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    _ScopeContext = AbstractContextManager[Scope]
