"""The guided flow, the review's counts, lists of any size, and reports."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import xlsxwriter
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistants.services import create_assistant
from calls.models import Call, CallAnalysis, VoiceNode
from campaigns import streaming
from campaigns.columns import Columns
from campaigns.models import (
    Attempt,
    Campaign,
    ImportFault,
    Lead,
    LeadImport,
    SuppressionEntry,
)
from campaigns.reporting import FIXED, xlsx_file
from campaigns.reviewing import review_campaign
from campaigns.services import Wanted, copy_campaign
from campaigns.suppressing import suppress_numbers
from campaigns.tasks import dial_campaign
from campaigns.workbooks import xlsx_rows
from portal.scope import organization_scope
from tests.campaigns.builders import make_campaign, rows
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db
LIST = b"Mobile;Name;City\n+31612345678;Ann;Delft\n12;Bob;\n+31612345679;Cid;Breda\n"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def upload(data: bytes, name: str = "people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def start(campaign: Campaign, data: bytes, **more: object) -> LeadImport:
    values = {"columns": None, "region": "NL", "actor": None, **more}
    return streaming.start_import(
        campaign=campaign,
        file=io.BytesIO(data),
        size=len(data),
        file_name="people.csv",
        **values,  # type: ignore[arg-type]
    )


def xlsx(table: list[list[object]]) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for index, row in enumerate(table):
            sheet.write_row(index, 0, row)
    return target.getvalue()


def test_a_list_is_imported_with_its_faults_and_copies(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=[], launched=False)
    row = start(campaign, LIST + b"+31612345678;Ann again;\n")
    assert streaming.run_import(import_id=row.pk) is False
    row.refresh_from_db()
    assert (row.status, row.percent) == ("finished", 100)
    assert (row.added, row.duplicates, row.error_count) == (2, 1, 1)
    fault = ImportFault.objects.get()
    assert (fault.line, fault.value) == (3, "12")
    ann, cid = Lead.objects.order_by("pk")
    assert (ann.name, ann.variables) == ("Ann", {"city": "Delft"})
    assert cid.locality is not None
    assert cid.locality.value.zones == ("Europe/Amsterdam",)
    assert not default_storage.exists(row.file)


def test_an_excel_file_is_read_as_its_cells_are_seen(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=[], launched=False)
    data = xlsx([["phone", "visits"], [31612345678, 3], ["0612345679", 4.5]])
    row = start(campaign, data)
    streaming.run_import(import_id=row.pk)
    found = dict(Lead.objects.values_list("phone_number", "variables"))
    assert found["+31612345679"] == {"visits": "4.5"}


def test_a_worker_that_died_loses_its_batch_and_no_row(
    in_bakery: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BATCH", 2)
    campaign = make_campaign(in_bakery, leads=[], launched=False)
    lines = [f"+3161234{n:04d}" for n in range(7)]
    row = start(campaign, "\n".join(["phone", *lines]).encode())
    real, batches = streaming.store_leads, []

    def dying(*args: object, **kwargs: object) -> int:
        batches.append(1)
        if len(batches) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(streaming, "store_leads", dying)
    with pytest.raises(KeyboardInterrupt):
        streaming.run_import(import_id=row.pk)
    row.refresh_from_db()
    assert (row.rows_done, row.added) == (4, 4)
    assert streaming.run_import(import_id=row.pk) is False  # the lease still runs
    LeadImport.objects.update(lease_until=None)
    streaming.run_import(import_id=row.pk)
    row.refresh_from_db()
    assert (row.status, row.added, row.duplicates) == ("finished", 7, 0)
    assert (
        list(Lead.objects.order_by("pk").values_list("phone_number", flat=True))
        == lines
    )


def test_an_import_takes_turns_and_can_be_stopped(
    in_bakery: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BATCH", 2)
    campaign = make_campaign(in_bakery, leads=[], launched=False)
    row = start(campaign, "\n".join(f"+3161234{n:04d}" for n in range(6)).encode())
    assert streaming.run_import(import_id=row.pk, turn_s=0) is True
    assert Lead.objects.count() == 2
    assert streaming.cancel_import(row=row, actor=None)
    assert not streaming.cancel_import(row=row, actor=None)
    assert streaming.run_import(import_id=row.pk) is False
    assert Lead.objects.count() == 2


def test_a_letter_of_another_encoding_far_down_is_read_as_it_was_meant(
    in_bakery: House,
) -> None:
    campaign = make_campaign(in_bakery, leads=[], launched=False)
    filler = "".join(f"+3161234{n:04d};Jansen\n" for n in range(5_000))
    data = f"phone;name\n{filler}".encode() + "+31612399999;Zoë".encode("cp1252")
    streaming.run_import(import_id=start(campaign, data).pk)
    assert Lead.objects.get(phone_number="+31612399999").name == "Zoë"


def test_the_first_sheet_people_see_is_read_and_named(in_bakery: House) -> None:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        book.add_worksheet("Codes").hide()
        sheet = book.add_worksheet("People")
        sheet.write_row(0, 0, ["phone", "", "total"])
        sheet.write(1, 0, "+31612345678")
        sheet.write_formula(1, 2, "=0.1+0.2", None, 0.1 + 0.2)
        book.add_worksheet("Old").write(0, 0, "+31612345679")
        sheet.activate()
        sheet.set_first_sheet()
    target.seek(0)
    preview = streaming.preview_of(target)
    assert preview.sheets == ["People", "Old"]
    assert preview.headings == ["phone", "", "total"]
    campaign = make_campaign(in_bakery, leads=[], launched=False)
    streaming.run_import(import_id=start(campaign, target.getvalue()).pk)
    assert Lead.objects.get().variables == {"total": "0.3"}


def test_what_is_no_table_is_refused(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=[], launched=False)
    wide = ";".join(f"c{n}" for n in range(301)).encode()
    for data, says in (
        *(
            (b"", "nothing"),
            (b"PK\x03\x04broken", "spreadsheet"),
            (wide, "300 columns"),
        ),
        *((b"%PDF-1.7 1 0 obj", "no list"), (b"\xd0\xcf\x11\xe0\xa1", "old kind")),
        (b"\x7fELF" + bytes(range(256)) * 4, "no list"),
    ):
        with pytest.raises(streaming.BadSheet, match=says):
            start(campaign, data)
    with pytest.raises(streaming.BadSheet, match="telephone"):
        start(campaign, LIST, columns=Columns({}))
    assert not LeadImport.objects.exists()


def test_the_review_counts_who_is_called_and_who_is_not_and_why(
    in_bakery: House,
) -> None:
    people = rows(6)
    campaign = make_campaign(in_bakery, leads=people, launched=False)
    Lead.objects.create(
        organization=in_bakery.organization,
        campaign=campaign,
        phone_number="+870773111632",
        due_at=campaign.created_at,
    )
    suppress_numbers(
        organization=None,
        numbers=[people[0].phone_number],
        source=SuppressionEntry.Source.REGISTRY,
        actor=None,
    )
    Lead.objects.filter(phone_number=people[0].phone_number).update(
        status="pending", skip_reason=""
    )
    review = review_campaign(campaign)
    assert (review.waiting, review.to_call) == (7, 5)
    assert review.skipped == {"suppressed": 1, "no_time_zone": 1}
    assert review.cost_microcredits == 5_000_000  # a minute each, a credit a minute
    assert review.ends_at is not None
    Campaign.objects.update(consent_rule="lead")
    campaign.refresh_from_db()
    assert review_campaign(campaign).skipped["no_consent"] == 6


def test_the_flow_goes_from_step_to_step(bakery: House) -> None:
    campaign = make_campaign(bakery, leads=2, launched=False)
    client = browser(bakery, bakery.people["dora"])

    def save(step: str, **values: object) -> str:
        path = reverse("campaign_setup", args=[campaign.pk, step])
        answer = client.post(path, values)
        assert answer.status_code == 302, answer.context["form"].errors
        return str(answer["Location"])

    def make_assistant(name: str) -> UUID:
        with organization_scope(bakery.organization):
            return create_assistant(
                organization=bakery.organization, spec=desk_spec(name=name), actor=None
            ).pk

    words = {"assistant": bakery.assistant.pk, "variant_percent": 0}
    assert save("words", **words, system_message_template="Hi {{name}}").endswith(
        "/setup/numbers/"
    )
    other = make_assistant("Short")
    path = reverse("campaign_setup", args=[campaign.pk, "words"])
    same = words | {"variant_assistant": bakery.assistant.pk}
    wrong = client.post(path, same).context["form"].errors
    assert set(wrong) == {"variant_assistant", "variant_percent"}
    assert save("words", **words | {"variant_assistant": other, "variant_percent": 50})
    assert save("numbers", number=bakery.number.pk, number_daily_cap=40)
    days = {"mon": "09:00-12:00, 13:00 - 17:00", "tue": "", "unknown_zone": "skip"}
    assert save("when", **days, days_off="2026-12-24; 31-12-2026")
    retries = {"max_attempts": 4, "retry_delay_minutes": 90, "dropped_below_s": 5}
    assert save("retries", **retries, busy_delays="5, 30", busy_times=2, busy_shift=3)
    limits = {"max_concurrent_calls": 2, "weight": 3, "budget_credits": "12.50"}
    assert save("limits", **limits, consent_rule="campaign", consent_note="In 2026")
    with organization_scope(bakery.organization):
        campaign.refresh_from_db()
    assert campaign.hours == {"mon": [["09:00", "12:00"], ["13:00", "17:00"]]}
    assert campaign.days_off == ["2026-12-24", "2026-12-31"]
    assert campaign.retry_delay_s == 5_400
    assert campaign.retry_rules == {
        "busy": {"delays_seconds": [300, 1800], "max_times": 2, "shift_minutes": 180}
    }
    assert campaign.budget_microcredits == 12_500_000
    for step in ("audience", "words", "numbers", "when", "retries", "limits", "review"):
        page = client.get(reverse("campaign_setup", args=[campaign.pk, step]))
        assert page.status_code == 200
    preview = client.post(
        reverse("campaign_preview", args=[campaign.pk]),
        {"system_message_template": "Hi {{name}} of {{street}}"},
    )
    assert "Hi Lead 0 of" in preview.content.decode()
    assert "street" in preview.content.decode()


def test_what_another_tab_saved_is_not_written_over_unseen(bakery: House) -> None:
    campaign = make_campaign(bakery, leads=1, launched=False)
    client = browser(bakery, bakery.people["dora"])
    path = reverse("campaign_setup", args=[campaign.pk, "limits"])
    values = {"max_concurrent_calls": 2, "weight": 3, "consent_rule": "campaign"}
    stamp = client.get(path).context["form"].stamp
    assert client.post(path, {**values, "stamp": stamp}).status_code == 302
    late = client.post(path, {**values, "weight": 9, "stamp": stamp})
    assert late.status_code == 422
    assert "was changed meanwhile" in late.content.decode()
    with organization_scope(bakery.organization):
        assert Campaign.objects.get().weight == 3
    stamp = late.context["form"].stamp
    again = client.post(path, {**values, "weight": 9, "stamp": stamp})
    assert again.status_code == 302
    with organization_scope(bakery.organization):
        assert Campaign.objects.get().weight == 9


def test_hours_are_read_as_people_write_them(bakery: House) -> None:
    campaign = make_campaign(bakery, leads=1, launched=False)
    client = browser(bakery, bakery.people["dora"])
    path = reverse("campaign_setup", args=[campaign.pk, "when"])
    client.post(path, {"mon": "9-12, 13.30 – 17", "unknown_zone": "skip"})
    with organization_scope(bakery.organization):
        hours = Campaign.objects.get().hours
    assert hours == {"mon": [["09:00", "12:00"], ["13:30", "17:00"]]}


WHEN = {"unknown_zone": "skip"}
RETRIES = {"max_attempts": 3, "retry_delay_minutes": 5, "dropped_below_s": 0}
LIMITS = {"max_concurrent_calls": 1, "weight": 1, "consent_rule": "lead"}


@pytest.mark.parametrize(
    ("step", "values", "field"),
    [
        ("when", {**WHEN, "mon": "9 till 5"}, "mon"),
        ("when", WHEN, "mon"),
        ("when", {**WHEN, "mon": "09:00-17:00", "days_off": "soon"}, "days_off"),
        ("retries", {**RETRIES, "busy_delays": "soon"}, "busy_delays"),
        ("limits", {**LIMITS, "max_concurrent_calls": 99}, "max_concurrent_calls"),
        ("limits", {**LIMITS, "opt_out_digit": "x"}, "opt_out_digit"),
    ],
)
def test_a_step_that_makes_no_sense_names_its_field(
    bakery: House, step: str, values: dict[str, object], field: str
) -> None:
    campaign = make_campaign(bakery, leads=1, launched=False)
    client = browser(bakery, bakery.people["dora"])
    answer = client.post(reverse("campaign_setup", args=[campaign.pk, step]), values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_a_file_is_uploaded_mapped_and_imported(bakery: House) -> None:
    campaign = make_campaign(bakery, leads=[], launched=False)
    client: Client = browser(bakery, bakery.people["dora"])
    path = reverse("campaign_upload", args=[campaign.pk])
    answer = client.post(path, {"file": upload(LIST), "region": "NL"})
    assert answer["Location"].endswith("/columns/")
    page = client.get(answer["Location"])
    form = page.context["form"]
    guessed = {name: field.initial for name, field in form.fields.items()}
    assert guessed == {
        "column_0": "phone_number",
        "column_1": "name",
        "column_2": "variable",
    }
    wrong = client.post(answer["Location"], {"column_0": "", "column_1": "name"})
    assert wrong.status_code == 422
    done = client.post(answer["Location"], guessed)
    assert done.status_code == 302
    with organization_scope(bakery.organization):
        row = LeadImport.objects.get()
        streaming.run_import(import_id=row.pk)
    faults = client.get(reverse("campaign_import_faults", args=[campaign.pk, row.pk]))
    assert b"3,12," in b"".join(faults.streaming_content)


def test_a_test_call_touches_no_lead(bakery: House, node: VoiceNode) -> None:
    campaign = make_campaign(bakery, leads=1, launched=False)
    client = browser(bakery, bakery.people["dora"])
    path = reverse("campaign_test_call", args=[campaign.pk])
    answer = client.post(path, {"phone_number": "0612345601"})
    with organization_scope(bakery.organization):
        call = Call.objects.get()
        assert call.callee_number == "+31612345601"
        assert call.variables["name"] == "Lead 0"
        assert Lead.objects.get().attempt_count == 0
    assert answer["Location"] == reverse("call_detail", args=[call.pk])


def test_a_report_has_every_lead_and_no_formula(bakery: House) -> None:
    campaign = make_campaign(bakery, leads=2)
    with organization_scope(bakery.organization):
        Lead.objects.filter(name="Lead 1").update(name="=1+1", disposition="sold")
    client = browser(bakery, bakery.people["bob"])
    lines = b"".join(
        client.get(reverse("campaign_report_csv", args=[campaign.pk])).streaming_content
    ).decode("utf-8-sig")
    head, first, second = lines.splitlines()
    assert head.startswith("phone_number,name,status,reason,last_outcome,disposition")
    assert head.endswith(",assistant,city")
    assert first.startswith("+31610000011,Lead 0,pending")
    assert ",'=1+1," in second
    data = client.get(reverse("campaign_report_xlsx", args=[campaign.pk])).content
    table = [cells for _line, cells, _read in xlsx_rows(io.BytesIO(data))]
    assert [row[0] for row in table][1:] == ["+31610000011", "+31610000111"]


def test_a_report_has_what_the_analyses_found(bakery: House, node: VoiceNode) -> None:
    campaign = make_campaign(bakery, leads=2)
    dial_campaign(
        campaign_id=str(campaign.pk), organization_id=str(bakery.organization.pk)
    )
    with organization_scope(bakery.organization):
        attempt = Attempt.objects.get(lead__name="Lead 1")
        CallAnalysis.objects.create(
            organization=bakery.organization,
            call_id=attempt.call_id,
            data_json=json.dumps(
                {"interest": "=high", "visits": 3, "wishes": ["bread"]}
            ),
            due_at=timezone.now(),
        )
    client = browser(bakery, bakery.people["bob"])
    lines = b"".join(
        client.get(reverse("campaign_report_csv", args=[campaign.pk])).streaming_content
    ).decode("utf-8-sig")
    head, first, second = csv.reader(lines.splitlines())
    names = ["analysis.interest", "analysis.visits", "analysis.wishes"]
    assert sorted(head[-3:]) == names
    assert first[-3:] == ["", "", ""]
    assert [dict(zip(head, second, strict=True))[name] for name in names] == [
        *("'=high", "3", '["bread"]')
    ]


def test_a_workbook_has_numbers_to_add_up_and_moments_to_sort(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    lead = Lead.objects.get()
    at = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)
    Lead.objects.filter(pk=lead.pk).update(attempt_count=2, last_attempt_at=at)
    Attempt.objects.create(
        organization=in_bakery.organization,
        lead=lead,
        number=1,
        status=Attempt.Status.FINISHED,
        cost_microcredits=1_250_000,
    )
    with zipfile.ZipFile(io.BytesIO(xlsx_file(campaign))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()

    def number(cell: str) -> float | None:
        found = re.search(rf'<c r="{cell}2"(?: s="\d+")?><v>([^<]+)</v>', sheet)
        return float(found[1]) if found else None

    at_column = dict(zip(FIXED, "ABCDEFGHIJKL", strict=True))
    assert number(at_column["attempts"]) == 2
    assert number(at_column["cost_credits"]) == 1.25
    # Days since the end of 1899, in Amsterdam's summer time.
    assert number(at_column["last_attempt_at"]) == pytest.approx(46110 + 14.5 / 24)
    assert number(at_column["phone_number"]) is None


def test_a_follow_up_calls_the_people_of_an_outcome(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=3, max_attempts=5)
    Lead.objects.filter(name="Lead 1").update(status="failed", last_outcome="no_answer")
    Lead.objects.filter(name="Lead 2").update(
        status="skipped", skip_reason="suppressed", last_outcome="no_answer"
    )
    made = copy_campaign(
        campaign=campaign, actor=None, wanted=Wanted(outcomes=("no_answer",))
    )
    assert (made.status, made.max_attempts, made.made_from) == ("draft", 5, campaign)
    lead = Lead.objects.get(campaign=made)
    assert (lead.name, lead.status, lead.attempt_count) == ("Lead 1", "pending", 0)


def test_why_a_person_is_not_called_is_one_click(bakery: House) -> None:
    campaign = make_campaign(bakery, leads=1)
    with organization_scope(bakery.organization):
        lead = Lead.objects.get()
    client = browser(bakery, bakery.people["dora"])
    path = reverse("lead_why", args=[campaign.pk, lead.pk])
    assert (
        path
        in client.get(reverse("campaign_detail", args=[campaign.pk])).content.decode()
    )
    page = client.get(path)
    assert page.status_code == 200
    assert page.context["why"].answer == "next"
    client.post(reverse("lead_skip", args=[campaign.pk, lead.pk]))
    assert client.get(path).context["why"].reason == "by_hand"
    client.post(reverse("lead_requeue", args=[campaign.pk, lead.pk]))
    with organization_scope(bakery.organization):
        assert Lead.objects.get().is_priority


def test_the_do_not_call_page_adds_and_removes(bakery: House) -> None:
    client = browser(bakery, bakery.people["dora"])
    bad = client.post(reverse("suppression_add"), {"numbers": "12"})
    assert bad.status_code == 422
    client.post(
        reverse("suppression_add"),
        {"numbers": "0612345678\n+31612345679", "reason": "x"},
    )
    with organization_scope(bakery.organization):
        entries = list(SuppressionEntry.objects.all())
    assert {entry.source for entry in entries} == {"portal"}
    page = client.get(reverse("suppression_list"), {"q": "345678"})
    assert [e.phone_number for e in page.context["page"].object_list] == [
        "+31612345678"
    ]
    client.post(reverse("suppression_remove", args=[entries[0].pk]))
    with organization_scope(bakery.organization):
        assert SuppressionEntry.objects.count() == 1
