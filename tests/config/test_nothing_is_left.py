"""A word and a number put everywhere a caller's can be: what finds them afterwards.

Looks at every column of every table, opened where it is sealed, so that a copy nobody
thought of is found as well.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from calls.models import (
    Call,
    CallAlert,
    CallAnalysis,
    CallEvent,
    Transfer,
    Turn,
)
from calls.services.retention import apply_retention, forget_private_calls
from campaigns.forgetting import forget_people
from campaigns.models import (
    Attempt,
    Campaign,
    Decision,
    ImportFault,
    Lead,
    LeadImport,
    SavedList,
    SavedPerson,
)
from config.subjects.erasing import erase_subject, export_subject, find_subject
from portal.mail import send_mail
from portal.models import (
    OutgoingMail,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.scope import all_organizations, organization_scope
from portal.services.privacy import save_privacy
from portal.webhooks.keeping import forget_old_events
from tests.house.test_personal_data import (
    CALLERS,
    CONTENT,
    LISTS,
    METADATA,
    PEOPLE,
    columns_of,
    worded,
)
from tests.world import House

NOW = timezone.now()
WORD = "Zebrafink"
NUMBER = "+31612345678"
REPORT = {
    "assistant_name": "Desk",
    "other_party": WORD,
    "started_at": NOW,
    "duration": "1:00",
    "outcome": "ended",
    "summary": WORD,
    "url": "",
}
WRITTEN = {"name": WORD, "variables": {"a": WORD}, "consent_proof": WORD}


def found() -> set[str]:
    """Return every column in which the word or the number stands, and files of it."""
    left = set()
    with all_organizations("test"):
        for model in apps.get_models():
            names = worded(model)
            left |= {
                f"{model._meta.label}.{name}"
                for row in model._base_manager.all()
                for name in names
                if any(one in str(getattr(row, name)) for one in (WORD, NUMBER))
            }
    _folders, files = storages["recordings"].listdir(WORD)
    return left | {f"file {name}" for name in files}


@pytest.fixture(autouse=True)
def no_other_files() -> None:
    storage = storages["recordings"]
    storage.save(f"{WORD}/none", ContentFile(b""))
    for name in storage.listdir(WORD)[1]:
        storage.delete(f"{WORD}/{name}")


@dataclass
class Traces:
    call: Call
    campaign: Campaign


def everything(house: House, *, ago: timedelta, **fields: Any) -> Traces:
    """A person in a call and a campaign that ended so long ago, in every column."""
    with organization_scope(house.organization):
        campaign = Campaign.objects.create(
            organization=house.organization,
            name="Spring",
            assistant=house.assistant,
            number=house.number,
            status=Campaign.Status.COMPLETED,
            finished_at=NOW - ago,
        )
        call = _call(house, NOW - ago, fields)
        _told(house, call, NOW - ago)
        _campaign(house, campaign, call, NOW - ago)
    return Traces(call, campaign)


def _call(house: House, ended_at: Any, fields: dict[str, Any]) -> Call:
    owner = {"organization": house.organization}
    call = Call.objects.create(
        **owner,
        assistant=house.assistant,
        version=house.assistant.current_version,
        direction=Call.Direction.OUTBOUND,
        carrier="simulator",
        status=Call.Status.ENDED,
        caller_number=NUMBER,
        callee_number=NUMBER,
        variables={"name": WORD},
        overrides={"first_message": WORD},
        metadata={"crm": WORD},
        error=WORD,
        summary=WORD,
        waveform={"caller": [WORD]},
        recording=storages["recordings"].save(f"{WORD}/a.webm", ContentFile(b"sound")),
        started_at=ended_at,
        ended_at=ended_at,
        **fields,
    )
    of_call = {**owner, "call": call}
    Turn.objects.create(
        **of_call, index=0, speaker="user", text=WORD, started_ms=0, ended_ms=9
    )
    CallEvent.objects.create(
        **of_call,
        kind="tool_called",
        at=ended_at,
        data={"arguments": WORD},
        content_json=json.dumps({"result": WORD}),
    )
    CallAnalysis.objects.create(
        **of_call,
        summary=WORD,
        data_json=json.dumps({"name": WORD}),
        success_reason=WORD,
        note=WORD,
        transcript_note=WORD,
        due_at=ended_at,
        status=CallAnalysis.Status.DONE,
    )
    Transfer.objects.create(
        **of_call, destination=NUMBER, brief=WORD, detail=WORD, asked_at=ended_at
    )
    CallAlert.objects.create(
        **owner,
        kind=CallAlert.Kind.ONE_CALLER,
        subject=NUMBER,
        count=9,
        first_seen_at=ended_at,
        last_seen_at=ended_at,
    )
    return call


def _told(house: House, call: Call, at: Any) -> None:
    owner = {"organization": house.organization}
    endpoint = WebhookEndpoint.objects.create(
        **owner, url="https://a.example", events=["*"]
    )
    for kind, call_id in (("end-of-call-report", call.pk), ("lead.skipped", None)):
        event = WebhookEvent.objects.create(
            **owner,
            kind=kind,
            call_id=call_id,
            body=f"{WORD} {NUMBER}",
            created_at=at,
        )
        delivery = WebhookDelivery.objects.create(
            **owner,
            endpoint=endpoint,
            event=event,
            kind=kind,
            call_id=call_id,
            status=WebhookDelivery.Status.DELIVERED,
            error=WORD,
        )
        WebhookAttempt.objects.create(
            **owner,
            delivery=delivery,
            number=1,
            at=at,
            response_body=WORD,
            error=WORD,
        )
    mail = send_mail(
        organization=house.organization,
        template="call_report",
        to="dora@bakery.example",
        context=REPORT,
        idempotency_key=f"report:{call.pk}",
        call_id=call.pk,
    )
    OutgoingMail.objects.filter(pk=mail.pk).update(status=OutgoingMail.Status.SENT)


def _campaign(house: House, campaign: Campaign, call: Call, at: Any) -> None:
    owner = {"organization": house.organization}
    lead = Lead.objects.create(
        **owner,
        campaign=campaign,
        phone_number=NUMBER,
        status=Lead.Status.COMPLETED,
        due_at=at,
        **WRITTEN,
    )
    checks = [
        {"check": "hours", "ok": True, "detail": "open"},
        {"check": "consent", "ok": True, "detail": WORD},
    ]
    Attempt.objects.create(
        **owner,
        lead=lead,
        number=1,
        status=Attempt.Status.FINISHED,
        call_id=call.pk,
        phone_number=NUMBER,
        decided={"checks": checks},
        finished_at=at,
    )
    Decision.objects.create(
        **owner,
        campaign=campaign,
        lead=lead,
        call_id=call.pk,
        answer=Decision.Answer.DIALED,
        rules_version="1",
        checks=checks,
        created_at=at,
        last_at=at,
    )
    upload = LeadImport.objects.create(
        **owner,
        campaign=campaign,
        file="",
        file_name="leads.csv",
        status=LeadImport.Status.FINISHED,
        finished_at=at,
    )
    ImportFault.objects.create(
        **owner, lead_import=upload, line=2, value=NUMBER, message="twice"
    )
    saved = SavedList.objects.create(**owner, name="Regulars", people_count=1)
    SavedPerson.objects.create(
        **owner, saved_list=saved, phone_number=NUMBER, created_at=at, **WRITTEN
    )


def choose(house: House, **choices: Any) -> None:
    with organization_scope(house.organization):
        save_privacy(organization=house.organization, actor=None, **choices)


def test_the_traces_stand_in_every_column_a_caller_can_be_in(bakery: House) -> None:
    everything(bakery, ago=timedelta(days=40))
    assert found() == columns_of(*CALLERS) | {"file a.webm"}


def test_time_leaves_whom_the_customer_means_to_call(bakery: House) -> None:
    choose(bakery, content_retention_days=30, metadata_retention_days=30)
    traces = everything(bakery, ago=timedelta(days=40))
    (run,) = apply_retention(NOW)
    assert forget_people(NOW) == 1
    assert forget_old_events() == 1
    assert found() == columns_of(LISTS)
    assert run.left_count == 0
    with all_organizations("test"):
        (decision,) = Decision.objects.filter(campaign=traces.campaign)
    assert decision.checks == [
        {"check": "hours", "ok": True, "detail": "open"},
        {"check": "consent", "ok": True, "detail": ""},
    ]
    assert forget_people(NOW) == 0


def test_content_goes_before_who_took_part(bakery: House) -> None:
    choose(bakery, content_retention_days=30, metadata_retention_days=365)
    everything(bakery, ago=timedelta(days=40))
    apply_retention(NOW)
    forget_people(NOW)
    forget_old_events()
    assert found() == columns_of(METADATA, PEOPLE, LISTS) - {
        "campaigns.ImportFault.value"
    }


def test_who_asks_is_found_nowhere(bakery: House) -> None:
    everything(bakery, ago=timedelta(days=3))
    with organization_scope(bakery.organization):
        certificate = erase_subject(
            organization=bakery.organization, number=NUMBER, actor=None
        )
    assert found() == set()
    assert (certificate.call_count, certificate.left_count) == (1, 0)


def test_who_asks_is_handed_what_was_found_out(bakery: House) -> None:
    everything(bakery, ago=timedelta(days=3))
    with organization_scope(bakery.organization):
        packed = export_subject(find_subject(bakery.organization, NUMBER))
    data = json.loads(zipfile.ZipFile(io.BytesIO(packed)).read("data.json"))
    (call,) = data["calls"]
    assert call["findings"]["data"] == {"name": WORD}
    assert call["transfers"][0]["told"] == WORD
    assert data["leads"][0]["consent_proof"] == WORD


def test_a_call_that_keeps_nothing_leaves_the_list_it_was_called_from(
    bakery: House,
) -> None:
    choose(bakery, gdpr_mode=True)
    everything(bakery, ago=timedelta(minutes=20), keeps_content=False)
    assert forget_private_calls(NOW) == 1
    # The lead's own event has no call, and stays as long as the log does.
    log = {"portal.WebhookEvent.body", "portal.WebhookDelivery.error"}
    log |= {"portal.WebhookAttempt.response_body", "portal.WebhookAttempt.error"}
    assert found() == columns_of(PEOPLE, LISTS) | log
    assert forget_people(NOW) == 0
    assert forget_people(NOW + timedelta(days=3)) == 1
    assert found() == columns_of(LISTS) | log | {"campaigns.ImportFault.value"}


def test_it_waits_for_the_report_to_be_mailed(bakery: House) -> None:
    choose(bakery, gdpr_mode=True)
    everything(bakery, ago=timedelta(minutes=20), keeps_content=False)
    with all_organizations("test"):
        OutgoingMail.objects.update(status=OutgoingMail.Status.QUEUED)
    assert forget_private_calls(NOW) == 0
    assert forget_private_calls(NOW + timedelta(days=3)) == 1
    assert not found() & columns_of(CONTENT, METADATA) - {
        "portal.WebhookEvent.body",
        "portal.WebhookDelivery.error",
        "portal.WebhookAttempt.response_body",
        "portal.WebhookAttempt.error",
    }
    with all_organizations("test"):
        mail = OutgoingMail.objects.get()
    assert mail.status == OutgoingMail.Status.FAILED


def test_a_legal_hold_keeps_all_of_it(bakery: House) -> None:
    choose(
        bakery,
        content_retention_days=30,
        metadata_retention_days=30,
        legal_hold_reason="Case 12",
    )
    everything(bakery, ago=timedelta(days=40))
    assert apply_retention(NOW) == []
    assert forget_people(NOW) == 0
    assert found() == columns_of(*CALLERS) | {"file a.webm"}
