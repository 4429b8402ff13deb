"""Migrations: none is missing, none has a name nobody chose."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

TREE = Path(__file__).resolve().parents[2]


@pytest.mark.django_db
def test_no_model_changed_without_its_migration():
    output = StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=output)
    except SystemExit:
        pytest.fail(output.getvalue())


def test_every_migration_was_named_by_somebody():
    found = [
        str(path.relative_to(TREE))
        for path in TREE.glob("*/migrations/*_auto_*.py")
        if path.parts[-3] != ".venv"
    ]
    assert found == []
