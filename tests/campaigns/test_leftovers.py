"""Files of lists go when no row leads to them any more."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from campaigns.models import Campaign, LeadImport
from campaigns.streaming import start_import
from campaigns.tasks import forget_people
from tests.campaigns.builders import make_campaign
from tests.campaigns.test_setup_flow import LIST
from tests.world import House

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )


def begin(campaign: Campaign) -> LeadImport:
    return start_import(
        campaign=campaign,
        file=io.BytesIO(LIST),
        size=len(LIST),
        file_name="people.csv",
        columns=None,
        region="NL",
        actor=None,
    )


def kept(ago: timedelta) -> str:
    """Store a file whose name was made then."""
    at_ms = int((timezone.now() - ago).timestamp() * 1000)
    name = UUID(int=(at_ms << 80) | (7 << 76) | (2 << 62) | 1)
    return default_storage.save(f"imports/{name}", ContentFile(LIST))


def test_what_a_rolled_back_request_leaves_is_swept(
    in_bakery: House, folder: Path
) -> None:
    campaign = make_campaign(in_bakery, leads=1, launched=False)
    with transaction.atomic():
        begin(campaign)
        transaction.set_rollback(True)
    [young] = files(folder)
    old = kept(timedelta(hours=2))
    foreign = default_storage.save("imports/notes.txt", ContentFile(LIST))
    assert files(folder) == sorted([young, old, foreign])
    forget_people()
    # The young one might still be on its way to a commit.
    assert files(folder) == sorted([young, foreign])


def test_an_import_keeps_its_file_as_long_as_it_is_there(
    in_bakery: House, folder: Path
) -> None:
    campaign = make_campaign(in_bakery, leads=1, launched=False)
    row = begin(campaign)
    default_storage.delete(row.file)
    LeadImport.objects.filter(pk=row.pk).update(file=kept(timedelta(hours=2)))
    [path] = files(folder)
    forget_people()
    assert files(folder) == [path]
    LeadImport.objects.all().delete()
    forget_people()
    assert files(folder) == []
