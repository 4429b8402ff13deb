"""The report of a call: one webhook event, and one mail for each address that wants it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from calls.models import Call, CallAnalysis
from calls.services.own_settings import spec_of
from calls.transfer_messages import transfer_messages
from calls.webhook_messages import call_envelope, tell_of_call
from common.phone import mask
from portal.hosts import portal_url
from portal.mail import send_mail
from portal.models import Portal
from portal.policy import Policy, RegionRule
from portal.services.privacy import policy_of
from portal.statuses import status_look
from portal.webhooks import kinds


def report_call(call: Call) -> None:
    """Tell of a call whose analysis is finished; in the transaction that finishes it."""
    policy = policy_of(call.organization)
    tell_of_call(
        call, kinds.END_OF_CALL_REPORT, report_of(call), is_sealed=policy.seals_content
    )
    for address in spec_of(call).recipients:
        send_mail(
            organization=call.organization,
            template="call_report",
            to=address,
            context=_mail_context(call, policy),
            idempotency_key=f"call-report:{call.pk}:{address}",
            call_id=call.pk,
        )


def report_of(call: Call) -> dict[str, Any]:
    """Return the report as documented: the envelope, then what was found."""
    found: CallAnalysis = CallAnalysis.objects.get(call=call)
    data = call_envelope(call)
    data |= {
        "duration_seconds": call.billed_seconds or -(-call.duration_ms // 1000),
        "end_reason": call.end_reason,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "summary": found.summary,
        "messages": [
            {"role": turn.speaker, "content": turn.text} for turn in call.turns.all()
        ],
        "recording_url": None,
        "transfers": transfer_messages(call.transfers.all()),
        "analysis_status": found.status,
    }
    if found.data is not None:
        data["analysis"] = found.data
    if found.is_success is not None:
        data["success_evaluation"] = {
            "success": found.is_success,
            "reason": found.success_reason,
        }
    return data


def _mail_context(call: Call, policy: Policy) -> dict[str, Any]:
    """Return what a mail tells; no content where that must stay in a region.

    Nobody knows where a mailbox is: the mail leads to the page instead.
    """
    seconds = call.duration_ms // 1000
    return {
        "assistant_name": call.assistant.name if call.assistant else "—",
        "other_party": mask(call.other_number) if call.other_number else "web",
        "started_at": call.started_at or call.created_at,
        "duration": f"{seconds // 60}:{seconds % 60:02d}",
        "outcome": status_look(call.end_reason or call.status).label,
        "summary": call.summary if policy.regions is RegionRule.ANYWHERE else "",
        "url": _address(call),
    }


def _address(call: Call) -> str:
    path = reverse("call_detail", args=[call.pk], urlconf=settings.ROOT_URLCONF)
    portal = Portal.objects.filter(agency_id=call.agency_id).first()
    return portal_url(portal, path) if portal else path
