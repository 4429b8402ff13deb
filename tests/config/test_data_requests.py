"""A person's request about their own data: found, handed over, erased with proof."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.models import Call, Erasure, Turn
from calls.services.retention import hashed_number
from campaigns.checks import checked
from campaigns.columns import LeadRow
from campaigns.models import (
    Attempt,
    Campaign,
    Decision,
    Lead,
    Register,
    RegisterAnswer,
    SavedPerson,
    SuppressionEntry,
)
from campaigns.services import make_list
from config.subjects.erasing import (
    ErasureRefused,
    erase_subject,
    export_subject,
    find_subject,
)
from portal.models import AuditRecord
from portal.scope import all_organizations, organization_scope
from portal.services.privacy import save_privacy
from tests.calls.services.test_retention import has_content, old_call, row
from tests.world import House, browser

NUMBER = "+31612345678"


def lead(house: House, **fields: Any) -> Lead:
    with organization_scope(house.organization):
        campaign = Campaign.objects.create(
            organization=house.organization,
            name="Spring",
            assistant=house.assistant,
            number=house.number,
        )
        return Lead.objects.create(
            organization=house.organization,
            campaign=campaign,
            phone_number=NUMBER,
            name="Jan",
            variables={"street": "Dam 1"},
            consent_proof="Form of 3 May",
            due_at=timezone.now(),
            **fields,
        )


def erase(house: House) -> Erasure:
    with organization_scope(house.organization):
        return erase_subject(organization=house.organization, number=NUMBER, actor=None)


def find(house: House) -> Any:
    with organization_scope(house.organization):
        return find_subject(house.organization, NUMBER)


def test_a_person_is_found_in_every_room_of_one_organization(
    bakery: House, garage: House
) -> None:
    call, entry = old_call(bakery, days=3), lead(bakery)
    old_call(garage, days=3)
    found = find(bakery)
    assert [c.pk for c in found.calls] == [call.pk]
    assert [one.pk for one in found.leads] == [entry.pk]


def test_the_package_holds_everything_with_the_sound(bakery: House) -> None:
    call = old_call(bakery, days=3)
    lead(bakery)
    owner = browser(bakery, bakery.people["dora"])
    answer = owner.post(reverse("subject_export"), {"number": "+31 6 1234 5678"})
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    data = json.loads(archive.read("data.json"))
    assert data["phone_number"] == NUMBER
    (told,) = data["calls"]
    assert told["summary"] == "Jan ordered bread."
    assert [turn["text"] for turn in told["turns"]] == ["Bread please"]
    assert archive.read(told["recording"]) == b"sound"
    (entry,) = data["leads"]
    assert (entry["name"], entry["variables"]) == ("Jan", {"street": "Dam 1"})
    assert told["id"] == str(call.pk)


def test_erasing_leaves_the_books_without_the_person(bakery: House) -> None:
    call, entry = old_call(bakery, days=3), lead(bakery)
    certificate = erase(bakery)
    assert not has_content(call)
    kept = row(call)
    hidden = hashed_number(NUMBER, bakery.organization.pk)
    assert kept.caller_number == hidden == certificate.number_hash
    assert kept.callee_number == bakery.number.number
    assert kept.cost_microcredits == 1_000_000
    with all_organizations("test"):
        entry.refresh_from_db()
    assert entry.phone_number.startswith("#")
    assert (entry.name, entry.variables, entry.consent_proof) == ("", {}, "")
    assert entry.status == Lead.Status.SKIPPED
    assert (certificate.call_count, certificate.lead_count) == (1, 1)
    assert (certificate.recording_count, certificate.left_count) == (1, 0)
    assert not find(bakery).is_anything


def test_tries_and_decisions_lose_the_person_as_well(bakery: House) -> None:
    entry = lead(bakery)
    now = timezone.now()
    with organization_scope(bakery.organization):
        Attempt.objects.create(
            organization=bakery.organization, lead=entry, number=1, phone_number=NUMBER
        )
        Decision.objects.create(
            organization=bakery.organization,
            campaign=entry.campaign,
            lead=entry,
            answer=Decision.Answer.DIALED,
            checks=[checked("consent", True, basis="written", proof="Jan's mail")],
            created_at=now,
            last_at=now,
        )
        RegisterAnswer.objects.create(
            organization=bakery.organization,
            agency_id=bakery.organization.agency_id,
            register=Register.objects.create(
                organization=bakery.organization,
                agency_id=bakery.organization.agency_id,
                name="TPS",
                url="https://example.com",
            ),
            phone_number=NUMBER,
            is_listed=False,
            asked_at=now,
        )
    erase(bakery)
    with organization_scope(bakery.organization):
        assert Attempt.objects.get().phone_number == ""
        assert Decision.objects.get().checks == [
            checked("consent", True, basis="written")
        ]
        assert not RegisterAnswer.objects.exists()


def test_the_same_person_elsewhere_is_not_touched(bakery: House, garage: House) -> None:
    old_call(bakery, days=3)
    theirs = old_call(garage, days=3)
    erase(bakery)
    assert has_content(theirs)
    assert row(theirs).caller_number == NUMBER


def test_a_person_leaves_saved_lists_too(bakery: House) -> None:
    with organization_scope(bakery.organization):
        saved = make_list(
            organization=bakery.organization,
            name="Regulars",
            people=[LeadRow(NUMBER, "Ann"), LeadRow("+31612345000")],
            actor=None,
        )
        exported = export_subject(find_subject(bakery.organization, NUMBER))
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        told = json.loads(archive.read("data.json"))["saved_lists"]
    assert [(row["list"], row["name"]) for row in told] == [("Regulars", "Ann")]
    erase(bakery)
    with organization_scope(bakery.organization):
        saved.refresh_from_db()
        assert saved.people_count == 1
        assert not SavedPerson.objects.filter(phone_number=NUMBER).exists()
    assert not find(bakery).is_anything


def test_who_must_not_be_called_stays_on_the_list(bakery: House) -> None:
    with organization_scope(bakery.organization):
        SuppressionEntry.objects.create(
            organization=bakery.organization,
            agency_id=bakery.organization.agency_id,
            phone_number=NUMBER,
            source="portal",
        )
    assert erase(bakery).is_still_suppressed
    assert find(bakery).suppressions


def test_a_certificate_that_was_altered_shows_it(bakery: House) -> None:
    certificate = erase(bakery)
    assert certificate.is_intact
    certificate.call_count += 1
    assert not certificate.is_intact


def test_a_legal_hold_stops_it(acme: House, bakery: House) -> None:
    call = old_call(bakery, days=3)
    with organization_scope(acme.organization):
        save_privacy(
            organization=acme.organization, actor=None, legal_hold_reason="Case 1"
        )
    with pytest.raises(ErasureRefused, match="legal hold"):
        erase(bakery)
    assert has_content(call)
    with organization_scope(bakery.organization):
        assert not Erasure.objects.exists()


def test_a_call_that_goes_on_stops_it(bakery: House) -> None:
    call = old_call(bakery, days=3)
    with all_organizations("test"):
        Call.objects.filter(pk=call.pk).update(status=Call.Status.IN_PROGRESS)
    with pytest.raises(ErasureRefused, match="going on"):
        erase(bakery)
    with organization_scope(bakery.organization):
        assert Turn.objects.exists()


def test_it_is_done_from_the_page_and_written_down(bakery: House) -> None:
    old_call(bakery, days=3)
    owner = browser(bakery, bakery.people["dora"])
    page = owner.get(reverse("subject_find"), {"number": NUMBER})
    assert b"1 call" in page.content
    answer = owner.post(reverse("subject_erase"), {"number": NUMBER}, follow=True)
    assert b"Certificate of erasure" in answer.content
    text = owner.get(answer.request["PATH_INFO"], {"download": ""})
    assert b"Calls: 1" in text.content
    assert NUMBER.encode() not in text.content
    with organization_scope(bakery.organization):
        (record,) = AuditRecord.objects.filter(action="subject.erased")
    assert record.actor == bakery.people["dora"]
    assert NUMBER not in json.dumps(record.changes)
    nothing = owner.get(reverse("subject_find"), {"number": NUMBER})
    assert b"Nothing is kept of this number" in nothing.content


@pytest.mark.parametrize("name", ["subject_export", "subject_erase"])
def test_nonsense_is_no_number(bakery: House, name: str) -> None:
    owner = browser(bakery, bakery.people["dora"])
    answer = owner.post(reverse(name), {"number": "Jan"})
    assert answer.status_code == 422
    assert "number" in answer.context["form"].errors
