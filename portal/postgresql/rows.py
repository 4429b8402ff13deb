"""Rows of a model out of a statement that stays prepared, as a queryset would give them.

Composing a query of three tables takes the ORM three times as long as PostgreSQL needs
for it, and some are asked with every request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connection, models
from psycopg import sql

M = TypeVar("M", bound=models.Model)


class Rows(Generic[M]):
    """Reads one model's columns where they stand among others in a row.

    `columns` names them for a select, under the alias its table has there.
    """

    def __init__(self, model: type[M], alias: str, *, start: int = 0) -> None:
        fields = model._meta.concrete_fields
        self._model = model
        self._names = [field.attname for field in fields]
        self._convert = [getattr(field, "from_db_value", None) for field in fields]
        self._start = start
        self._key = start + fields.index(model._meta.pk)
        self.end = start + len(fields)
        named = [sql.Identifier(alias, str(field.column)) for field in fields]
        self.columns = sql.SQL(", ").join(named)

    def read(self, row: Sequence[Any]) -> M | None:
        """Return the object of a row; `None` where an outer join found none."""
        if row[self._key] is None:
            return None
        values = [
            value if convert is None else convert(value, None, connection)
            for convert, value in zip(
                self._convert, row[self._start : self.end], strict=True
            )
        ]
        return self._model.from_db(connection.alias, self._names, values)
