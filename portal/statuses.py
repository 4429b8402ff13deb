"""What a status is called and how it looks: one vocabulary for every page.

A status is never told by colour alone, so each has a label and an icon. A word that is
not listed is shown as it is, in a neutral tone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Tone(StrEnum):
    """What a thing means to the reader; the style sheets turn it into a colour."""

    NEUTRAL = "neutral"
    ACCENT = "accent"
    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    DANGER = "danger"
    LIVE = "live"  # happening now; drawn with a pulsing dot


@dataclass(frozen=True)
class StatusLook:
    label: str | Promise
    tone: Tone
    icon: str


_TABLE: Final[dict[str, StatusLook]] = {
    # calls
    "queued": StatusLook(_("Queued"), Tone.NEUTRAL, "clock"),
    "initiated": StatusLook(_("Starting"), Tone.INFO, "phone-outgoing"),
    "starting": StatusLook(_("Starting"), Tone.INFO, "phone-outgoing"),
    "connecting": StatusLook(_("Connecting"), Tone.INFO, "loader"),
    "dialing": StatusLook(_("Dialing"), Tone.INFO, "phone-outgoing"),
    "ringing": StatusLook(_("Ringing"), Tone.INFO, "phone-outgoing"),
    "in_progress": StatusLook(_("In progress"), Tone.LIVE, "dot"),
    "in-progress": StatusLook(_("In progress"), Tone.LIVE, "dot"),
    "live": StatusLook(_("Live"), Tone.LIVE, "dot"),
    "ending": StatusLook(_("Ending"), Tone.INFO, "phone-off"),
    "ended": StatusLook(_("Ended"), Tone.NEUTRAL, "check"),
    "completed": StatusLook(_("Completed"), Tone.SUCCESS, "check-circle"),
    "answered": StatusLook(_("Answered"), Tone.SUCCESS, "check-circle"),
    "failed": StatusLook(_("Failed"), Tone.DANGER, "error"),
    "busy": StatusLook(_("Busy"), Tone.WARNING, "phone-off"),
    "dropped": StatusLook(_("Hung up at once"), Tone.WARNING, "phone-off"),
    "no_answer": StatusLook(_("No answer"), Tone.WARNING, "phone-off"),
    "no-answer": StatusLook(_("No answer"), Tone.WARNING, "phone-off"),
    "voicemail": StatusLook(_("Voicemail"), Tone.WARNING, "inbox"),
    "rejected": StatusLook(_("Rejected"), Tone.WARNING, "phone-off"),
    "canceled": StatusLook(_("Cancelled"), Tone.NEUTRAL, "minus"),
    "cancelled": StatusLook(_("Cancelled"), Tone.NEUTRAL, "minus"),
    # payments and plans
    "open": StatusLook(_("Not paid yet"), Tone.NEUTRAL, "clock"),
    "paid": StatusLook(_("Paid"), Tone.SUCCESS, "check-circle"),
    "refunded": StatusLook(_("Refunded"), Tone.WARNING, "rotate"),
    "disputed": StatusLook(_("Disputed"), Tone.DANGER, "alert"),
    "past_due": StatusLook(_("Payment failed"), Tone.DANGER, "error"),
    # why a call ended
    "user_hangup": StatusLook(_("Caller hung up"), Tone.NEUTRAL, "user"),
    "assistant_hangup": StatusLook(_("Assistant ended"), Tone.NEUTRAL, "assistant"),
    "operator_hangup": StatusLook(_("Ended from the portal"), Tone.NEUTRAL, "stop"),
    "transferred": StatusLook(_("Handed on"), Tone.SUCCESS, "phone-outgoing"),
    "max_duration": StatusLook(_("Time limit reached"), Tone.WARNING, "clock"),
    "caller_silent": StatusLook(_("Caller said nothing"), Tone.NEUTRAL, "mic-off"),
    "insufficient_credits": StatusLook(_("Out of credits"), Tone.WARNING, "wallet"),
    "connection_lost": StatusLook(_("Connection lost"), Tone.DANGER, "plug"),
    "never_connected": StatusLook(_("Never connected"), Tone.DANGER, "plug"),
    "carrier_failed": StatusLook(_("Carrier failed"), Tone.DANGER, "error"),
    "vendor_failed": StatusLook(_("Vendor failed"), Tone.DANGER, "error"),
    "tool_server_failed": StatusLook(_("Tools away"), Tone.DANGER, "plug"),
    "voice_process_lost": StatusLook(_("Voice process lost"), Tone.DANGER, "error"),
    "taken_over": StatusLook(_("Taken over"), Tone.SUCCESS, "headphones"),
    "number_inactive": StatusLook(_("Number switched off"), Tone.WARNING, "pause"),
    "no_assistant": StatusLook(_("No assistant"), Tone.WARNING, "assistant"),
    "organization_suspended": StatusLook(_("Suspended"), Tone.WARNING, "pause"),
    "minutes_used_up": StatusLook(_("Minutes used up"), Tone.WARNING, "clock"),
    "spending_limit": StatusLook(_("Spending limit"), Tone.WARNING, "wallet"),
    "too_many_calls": StatusLook(_("Every line in use"), Tone.WARNING, "phone-off"),
    "request_rejected": StatusLook(_("Refused by webhook"), Tone.WARNING, "webhook"),
    "consent_declined": StatusLook(_("Recording declined"), Tone.NEUTRAL, "shield"),
    "consent_unanswered": StatusLook(_("No consent"), Tone.NEUTRAL, "shield"),
    "insufficient-credits": StatusLook(_("Out of credits"), Tone.WARNING, "wallet"),
    "no_capacity": StatusLook(_("No capacity"), Tone.DANGER, "error"),
    "internal_error": StatusLook(_("Internal error"), Tone.DANGER, "error"),
    # direction of a call
    "web": StatusLook(_("Browser"), Tone.NEUTRAL, "globe"),
    "inbound": StatusLook(_("Inbound"), Tone.NEUTRAL, "phone-incoming"),
    "outbound": StatusLook(_("Outbound"), Tone.NEUTRAL, "phone-outgoing"),
    # campaigns and leads
    "draft": StatusLook(_("Draft"), Tone.NEUTRAL, "edit"),
    "scheduled": StatusLook(_("Scheduled"), Tone.INFO, "calendar"),
    "running": StatusLook(_("Running"), Tone.LIVE, "dot"),
    "paused": StatusLook(_("Paused"), Tone.WARNING, "pause"),
    "finished": StatusLook(_("Finished"), Tone.SUCCESS, "check-circle"),
    "pending": StatusLook(_("Waiting"), Tone.NEUTRAL, "clock"),
    "waiting": StatusLook(_("Waiting"), Tone.NEUTRAL, "clock"),
    "claimed": StatusLook(_("Next up"), Tone.INFO, "clock"),
    "calling": StatusLook(_("Calling"), Tone.LIVE, "dot"),
    "reached": StatusLook(_("Reached"), Tone.SUCCESS, "check-circle"),
    "retry": StatusLook(_("Will try again"), Tone.INFO, "rotate"),
    "retrying": StatusLook(_("Will try again"), Tone.INFO, "rotate"),
    "exhausted": StatusLook(_("Not reached"), Tone.WARNING, "minus"),
    "suppressed": StatusLook(_("Do not call"), Tone.DANGER, "shield"),
    # domains and mails
    "pending_dns": StatusLook(_("Waiting for DNS"), Tone.INFO, "clock"),
    "issued": StatusLook(_("Certificate issued"), Tone.INFO, "lock"),
    "expiring": StatusLook(_("Expires soon"), Tone.WARNING, "alert"),
    "broken": StatusLook(_("Broken"), Tone.DANGER, "error"),
    "not_started": StatusLook(_("Not started"), Tone.NEUTRAL, "clock"),
    "sending": StatusLook(_("Sending"), Tone.INFO, "send"),
    "sent": StatusLook(_("Sent"), Tone.SUCCESS, "check-circle"),
    # organizations, people, keys
    "active": StatusLook(_("Active"), Tone.SUCCESS, "check-circle"),
    "enabled": StatusLook(_("On"), Tone.SUCCESS, "check-circle"),
    "disabled": StatusLook(_("Off"), Tone.NEUTRAL, "minus"),
    "suspended": StatusLook(_("Suspended"), Tone.WARNING, "pause"),
    "archived": StatusLook(_("Archived"), Tone.NEUTRAL, "archive"),
    "invited": StatusLook(_("Invited"), Tone.INFO, "mail"),
    "revoked": StatusLook(_("Revoked"), Tone.DANGER, "error"),
    "expired": StatusLook(_("Expired"), Tone.NEUTRAL, "clock"),
    "verified": StatusLook(_("Verified"), Tone.SUCCESS, "check-circle"),
    "published": StatusLook(_("Published"), Tone.SUCCESS, "check-circle"),
    "failing": StatusLook(_("Failing"), Tone.WARNING, "alert"),
    "delivered": StatusLook(_("Delivered"), Tone.SUCCESS, "check-circle"),
    # money
    "held": StatusLook(_("On hold"), Tone.INFO, "clock"),
    "settled": StatusLook(_("Settled"), Tone.SUCCESS, "check-circle"),
    "released": StatusLook(_("Released"), Tone.NEUTRAL, "rotate"),
}


def status_look(status: object) -> StatusLook:
    """Return how to show a status; an unknown one is shown as its own words."""
    word = str(status)
    known = _TABLE.get(word)
    if known is not None:
        return known
    words = word.replace("_", " ").replace("-", " ").strip()
    return StatusLook(words[:1].upper() + words[1:], Tone.NEUTRAL, "dot")


def known_statuses() -> list[str]:
    """Every word of the vocabulary, in its order."""
    return list(_TABLE)
