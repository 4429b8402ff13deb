"""What is known of one telephone number in an organization; handing it over, erasing it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import storages
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from calls.models import (
    Call,
    CallAnalysis,
    CallEvent,
    CallWish,
    Erasure,
    RecordingConsent,
    Transfer,
    Turn,
)
from calls.services.retention import (
    hashed_number,
    hide_in_alerts,
    left_over,
    purge_metadata,
)
from campaigns import lifecycle
from campaigns.forgetting import forget_faults_of, forget_leads
from campaigns.models import (
    Decision,
    Lead,
    RegisterAnswer,
    SavedPerson,
    SuppressionEntry,
)
from campaigns.services.lists import forget_people
from campaigns.suppressing import suppressed_among
from portal.models import Organization, User, WebhookEvent
from portal.sealed_storage import plain_name
from portal.services import audit
from portal.services.privacy import policy_of
from portal.trail import origin


class ErasureRefused(Exception):
    """Nothing was erased; the message says why."""


@dataclass(frozen=True)
class Found:
    """Everything of one number in the organization in scope."""

    number: str
    calls: list[Call]
    leads: list[Lead]
    suppressions: list[SuppressionEntry]
    saved: list[SavedPerson]

    @property
    def is_anything(self) -> bool:
        return bool(self.calls or self.leads or self.suppressions or self.saved)


def find_subject(organization: Organization, number: str) -> Found:
    """Return what is kept of a number in E.164; the organization is in scope."""
    return Found(
        number,
        list(
            Call.objects.filter(
                Q(caller_number=number) | Q(callee_number=number),
                organization=organization,
            ).order_by("created_at")
        ),
        list(
            Lead.objects.filter(
                organization=organization, phone_number=number
            ).select_related("campaign")
        ),
        list(
            SuppressionEntry.objects.filter(
                organization=organization, phone_number=number
            )
        ),
        list(
            SavedPerson.objects.filter(
                organization=organization, phone_number=number
            ).select_related("saved_list")
        ),
    )


def export_subject(found: Found) -> bytes:
    """Return a ZIP of `data.json` and the recordings, for the person to have."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "data.json",
            json.dumps(
                _subject_json(found),
                cls=DjangoJSONEncoder,
                ensure_ascii=False,
                indent=2,
            ),
        )
        for name, sound in _recordings(found.calls):
            archive.writestr(name, sound)
    return packed.getvalue()


def _subject_json(found: Found) -> dict[str, Any]:
    return {
        "phone_number": found.number,
        "made_at": timezone.now(),
        "calls": [_call_json(call) for call in found.calls],
        "leads": [_lead_json(lead) for lead in found.leads],
        "not_to_be_called": [
            {
                "since": entry.created_at,
                "source": entry.source,
                "reason": entry.reason,
            }
            for entry in found.suppressions
        ],
        "saved_lists": [
            {
                "list": person.saved_list.name,
                "name": person.name,
                "variables": person.variables,
                "consent_basis": person.consent_basis,
                "consent_proof": person.consent_proof,
                "added_at": person.created_at,
            }
            for person in found.saved
        ],
    }


def _call_json(call: Call) -> dict[str, Any]:
    consent = RecordingConsent.objects.filter(call=call).first()
    findings = CallAnalysis.objects.filter(call=call).first()
    return {
        "id": call.pk,
        "direction": call.direction,
        "status": call.status,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "from": call.caller_number,
        "to": call.callee_number,
        "summary": call.summary,
        "variables": call.variables,
        "metadata": call.metadata,
        "recording": _sound_name(call) if call.recording else None,
        "consent": consent
        and {
            "question": consent.question,
            "answer": consent.answer,
            "answered_at": consent.answered_at,
        },
        "findings": findings
        and {
            "data": findings.data,
            "is_success": findings.is_success,
            "reason": findings.success_reason,
            "note": findings.note,
        },
        "transfers": [
            {"to": row.destination, "told": row.brief, "at": row.asked_at}
            for row in Transfer.objects.filter(call=call)
        ],
        "wishes": list(
            CallWish.objects.filter(call=call).values(
                "kind", "way", "call_back_at", "created_at"
            )
        ),
        "turns": [
            {
                "speaker": turn.speaker,
                "text": turn.text,
                "started_ms": turn.started_ms,
                "ended_ms": turn.ended_ms,
            }
            for turn in Turn.objects.filter(call=call)
        ],
        "events": [
            {"kind": event.kind, "at": event.at, "data": event.whole}
            for event in CallEvent.objects.filter(call=call)
        ],
    }


def _lead_json(lead: Lead) -> dict[str, Any]:
    return {
        "campaign": lead.campaign.name,
        "name": lead.name,
        "variables": lead.variables,
        "status": lead.status,
        "attempts": lead.attempt_count,
        "consent_basis": lead.consent_basis,
        "consent_proof": lead.consent_proof,
        "added_at": lead.created_at,
        "decisions": list(
            Decision.objects.filter(lead=lead).values(
                "answer", "reason", "local_time", "zone", "created_at"
            )
        ),
    }


def _sound_name(call: Call) -> str:
    return f"recordings/{call.pk}.{plain_name(call.recording).rpartition('.')[2]}"


def _recordings(calls: list[Call]) -> Iterator[tuple[str, bytes]]:
    storage = storages["recordings"]
    for call in calls:
        if call.recording and storage.exists(call.recording):
            with storage.open(call.recording) as sound:
                yield _sound_name(call), sound.read()


def erase_subject(
    *, organization: Organization, number: str, actor: User | None
) -> Erasure:
    """Erase what is kept of a number and return the certificate.

    Calls lose content and numbers, leads their name, number and variables, saved lists
    the person, the log of webhooks and mails what it told; what the books need stays
    without them. On a list of numbers not to be
    called it stays: forgetting it would have the person called again (GDPR 17(3)).
    Raises `ErasureRefused` on a legal hold and while a call with the number goes on.
    Killed half way, a second time finishes it.
    """
    if policy_of(organization).is_on_hold:
        raise ErasureRefused("A legal hold is on. Nothing may be erased until it ends.")
    found = find_subject(organization, number)
    if any(call.is_live for call in found.calls):
        raise ErasureRefused("A call with this number is going on. Try again after it.")
    hidden = hashed_number(number, organization.pk)
    recordings = {call.pk: call.recording for call in found.calls}
    for call in found.calls:
        names = ("caller_number", "callee_number")
        keep = {
            name: hidden if getattr(call, name) == number else getattr(call, name)
            for name in names
        }
        purge_metadata(call, keep=keep)
    with transaction.atomic():
        lead_count = _erase_leads(found.leads)
        forget_people(found.saved)
        forget_faults_of(number)
        hide_in_alerts(number, hidden)
        _erase_told(number)
        RegisterAnswer.objects.filter(
            organization=organization, phone_number=number
        ).delete()
        certificate = Erasure(
            organization=organization,
            number_hash=hidden,
            call_count=len(found.calls),
            recording_count=sum(1 for name in recordings.values() if name),
            lead_count=lead_count,
            left_count=left_over(recordings),
            is_still_suppressed=number
            in suppressed_among([number], organization=organization),
            erased_by=actor.email if actor else origin().api_key,
            erased_at=timezone.now(),
        )
        certificate.digest = certificate.computed_digest()
        certificate.save()
        audit.record(
            organization=organization,
            actor=actor,
            action="subject.erased",
            target=certificate,
            changes={"calls": len(found.calls), "leads": lead_count},
        )
    return certificate


def _erase_leads(leads: list[Lead]) -> int:
    """Take the person out of their leads; who still waits is not called any more."""
    for lead in leads:
        lifecycle.move_lead(
            lead.pk,
            Lead.Status.SKIPPED,
            only_from=Lead.Status.PENDING,
            skip_reason=Lead.SkipReason.BY_HAND,
        )
    forget_leads([lead.pk for lead in leads])
    return len(leads)


def _erase_told(number: str) -> None:
    """Delete what webhooks told of a number beside its calls, such as a lead's end.

    A sealed body is opened to look: the table cannot be searched for it.
    """
    told = WebhookEvent.objects.filter(kind__startswith="lead.")
    named = [event.pk for event in told.iterator() if number in event.body]
    WebhookEvent.objects.filter(pk__in=named).delete()
