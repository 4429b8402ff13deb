"""The PostgreSQL backend that tells the database which scope is in force.

Before a cursor is handed out, the scope of `portal.scope` is compared with what this
connection was last told; only a difference costs a round trip. With no scope the
settings are empty, and every row-level security policy answers with no rows.

A rollback also takes back a `set_config` made inside the transaction, so what the
connection was told is forgotten after each one. The setting belongs to the session:
a pooler in transaction mode would give it to a stranger, which `portal.checks` refuses.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base

from portal.scope import EVERYTHING, Scope, active_scope

_TELL = "select set_config('app.agency', %s, false), set_config('app.organization', %s, false)"


def settings_of(scope: Scope | None) -> tuple[str, str]:
    """Return the two settings of a scope: an id, `*` for all, or nothing at all."""
    if scope is None:
        return ("", "")
    if scope == EVERYTHING:
        return ("*", "*")
    return (str(scope.agency_id), str(scope.organization_id or "*"))


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend, kept in step with the active scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: tuple[str, str] | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._told = None
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        wanted = settings_of(active_scope())
        if wanted != self._told:
            self._told = None
            with self.connection.cursor() as cursor:
                cursor.execute(_TELL, wanted)
            self._told = wanted
        return super().create_cursor(name)

    def _rollback(self) -> None:
        self._told = None
        super()._rollback()  # type: ignore[misc]  # the stubs leave it out

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # the stubs leave it out
        self._told = None

    def _close(self) -> None:
        self._told = None
        super()._close()  # type: ignore[misc]  # the stubs leave it out
