"""Statements that run for every call, planned once a connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db import connection

_PREPARE_AFTER: Final = 3


@contextmanager
def prepared_cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """Give a cursor whose statements stay prepared on their connection.

    Planning a large statement takes longer than running it. Django switches this off
    for the sake of poolers that share a connection in the middle of a session, which
    the scope's settings rule out anyway.
    """
    with connection.cursor():  # connects, and tells the database the active scope
        connection.validate_no_broken_transaction()
        connection.connection.prepare_threshold = _PREPARE_AFTER
        with (
            connection.wrap_database_errors,
            psycopg.Cursor(connection.connection) as cursor,
        ):
            yield cursor
