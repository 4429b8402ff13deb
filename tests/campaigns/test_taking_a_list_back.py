"""A list that was stopped goes on, or is taken back; nobody who was called is lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from campaigns import discarding, streaming
from campaigns.errors import CampaignIsFinal
from campaigns.finishing import complete_if_done
from campaigns.forgetting import forget_people
from campaigns.models import Campaign, ImportFault, Lead, LeadImport
from campaigns.services import add_leads, cancel_campaign
from portal.scope import organization_scope
from tests.campaigns.builders import make_campaign, rows
from tests.campaigns.test_setup_flow import start, upload
from tests.world import House, browser

pytestmark = pytest.mark.django_db
NUMBERS = [f"+3161234{n:04d}" for n in range(7)]
LIST = "\n".join(["phone", *NUMBERS[:4], "12", *NUMBERS[4:]]).encode()


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(streaming, "BATCH", 3)
    monkeypatch.setattr(discarding, "BATCH", 2)


@pytest.fixture
def campaign(in_bakery: House) -> Campaign:
    return make_campaign(in_bakery, leads=[], launched=False)


def stopped(campaign: Campaign) -> LeadImport:
    """An import that was stopped behind its first batch."""
    row = start(campaign, LIST)
    streaming.run_import(import_id=row.pk, turn_s=0)
    assert streaming.cancel_import(row=row, actor=None)
    row.refresh_from_db()
    return row


def test_what_was_stopped_goes_on_behind_its_last_row(campaign: Campaign) -> None:
    row = stopped(campaign)
    assert (row.rows_done, row.kept, row.can_go_on) == (3, 3, True)
    assert streaming.resume_import(row=row, actor=None)
    assert not streaming.resume_import(row=row, actor=None)
    streaming.run_import(import_id=row.pk)
    row.refresh_from_db()
    assert (row.status, row.rows_done, row.added) == ("finished", 8, 7)
    assert (row.duplicates, row.error_count) == (0, 1)
    assert ImportFault.objects.get().line == 6
    found = Lead.objects.order_by("pk").values_list("phone_number", flat=True)
    assert list(found) == NUMBERS


def test_a_worker_from_before_the_stop_settles_no_row_twice(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = start(campaign, LIST)
    real, begun = streaming.store_leads, []

    def stopping(*args: Any, **kwargs: Any) -> int:
        begun.append(1)
        added = real(*args, **kwargs)
        if len(begun) == 1:  # between its first batch and its second
            LeadImport.objects.update(status="cancelled")
            row.refresh_from_db()
            assert streaming.resume_import(row=row, actor=None)
            LeadImport.objects.update(status="running", rows_done=3)
        return added

    monkeypatch.setattr(streaming, "store_leads", stopping)
    streaming.run_import(import_id=row.pk)
    row.refresh_from_db()
    assert len(begun) == 1
    assert row.status == "running"


def test_a_list_is_taken_back_but_for_who_was_called(
    campaign: Campaign, django_capture_on_commit_callbacks: Any
) -> None:
    add_leads(campaign=campaign, leads=rows(2), actor=None)
    row = stopped(campaign)
    Lead.objects.filter(phone_number=NUMBERS[0]).update(
        status="completed", attempt_count=1
    )
    with django_capture_on_commit_callbacks(execute=True):
        assert discarding.discard_import(row=row, actor=None)
    assert not default_storage.exists(row.file)
    while discarding.run_discard(import_id=row.pk, turn_s=0):
        pass
    row.refresh_from_db()
    assert (row.status, row.removed, row.kept) == ("discarded", 2, 1)
    assert Lead.objects.filter(import_id=row.pk).count() == 1
    assert Lead.objects.count() == 3
    assert not discarding.discard_import(row=row, actor=None)


def test_taking_back_goes_on_after_its_worker_died(campaign: Campaign) -> None:
    row = stopped(campaign)
    discarding.discard_import(row=row, actor=None)
    LeadImport.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert streaming.late_imports() == [row]
    discarding.run_discard(import_id=row.pk)
    row.refresh_from_db()
    assert (row.status, row.removed) == ("discarded", 3)


def test_nothing_is_taken_from_a_campaign_that_ended(campaign: Campaign) -> None:
    row = stopped(campaign)
    cancel_campaign(campaign=campaign, actor=None)
    row = LeadImport.objects.select_related("campaign").get()
    for change in (discarding.discard_import, streaming.resume_import):
        with pytest.raises(CampaignIsFinal):
            change(row=row, actor=None)
    assert Lead.objects.count() == 3


def test_a_campaign_is_not_over_while_its_list_comes_in(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    row = start(campaign, LIST)
    Lead.objects.update(status="completed")
    assert not complete_if_done(campaign=campaign, now=timezone.now())
    streaming.cancel_import(row=row, actor=None)
    assert complete_if_done(campaign=campaign, now=timezone.now())


def test_a_file_nobody_goes_on_with_is_forgotten(campaign: Campaign) -> None:
    row = stopped(campaign)
    kept = LeadImport.objects.create(
        organization=campaign.organization,
        campaign=campaign,
        status="uploaded",
        file=default_storage.save("imports/unused", upload(LIST)),
    )
    now = timezone.now()
    forget_people(now)
    assert default_storage.exists(row.file)
    assert default_storage.exists(kept.file)
    forget_people(now + timedelta(days=8))
    assert not default_storage.exists(row.file)
    assert not default_storage.exists(kept.file)
    row.refresh_from_db()
    assert (row.status, row.can_go_on) == ("cancelled", False)
    assert not LeadImport.objects.filter(status="uploaded").exists()


def test_the_page_stops_goes_on_and_takes_back(bakery: House) -> None:
    campaign = make_campaign(bakery, leads=[], launched=False)
    client = browser(bakery, bakery.people["dora"])
    first, second = (
        client.post(
            reverse("campaign_upload", args=[campaign.pk]),
            {"file": upload(data, name), "region": "NL"},
        )["Location"]
        for name, data in (("one.csv", LIST), ("two.csv", b"phone\n+31201234599"))
    )
    # Each of two tabs imports the file that it shows.
    client.post(first, {"column_0": "phone_number"})
    with organization_scope(bakery.organization):
        row = LeadImport.objects.get(file_name="one.csv")
        streaming.run_import(import_id=row.pk, turn_s=0)
    args = [campaign.pk, row.pk]
    audience = reverse("campaign_setup", args=[campaign.pk, "audience"])
    client.post(reverse("campaign_import_cancel", args=args))
    page = client.get(audience).content.decode()
    assert "3 people of this list are in the campaign" in page
    assert "Say what is in its columns" in page  # of the other file
    client.post(reverse("campaign_import_resume", args=args))
    with organization_scope(bakery.organization):
        streaming.run_import(import_id=row.pk)
    page = client.get(audience).content.decode()
    assert "7 people in the campaign" in page
    client.post(reverse("campaign_import_discard", args=args))
    with organization_scope(bakery.organization):
        discarding.run_discard(import_id=row.pk)
        assert not Lead.objects.exists()
    assert "7 taken out again" in client.get(audience).content.decode()
    assert client.get(second).status_code == 200
