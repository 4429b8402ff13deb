"""What models promise of the database stands in the database, whatever migrations did."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

pytestmark = pytest.mark.django_db


def promised() -> set[tuple[str, str]]:
    """Every named constraint and index of our models, with its table."""
    return {
        (model._meta.db_table, one.name)
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy
        for one in (*model._meta.constraints, *model._meta.indexes)
    }


def kept() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("select tablename, indexname from pg_indexes")
        found = {(table, name) for table, name in cursor.fetchall()}
        cursor.execute("select conrelid::regclass::text, conname from pg_constraint")
        return found | {(table, name) for table, name in cursor.fetchall()}


def test_every_constraint_and_index_of_a_model_is_there() -> None:
    assert promised() - kept() == set()
