"""The kinds of mail there are, each with a sample that its preview is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.lazy_text import lazy_sentence


@dataclass(frozen=True)
class MailKind:
    """One pair of templates.

    `is_secret`: holds a link or code that opens an account, so the body is not kept
    after sending. `sample` is a context as its sender would give it.
    """

    name: str
    label: str | Promise
    sample: Mapping[str, Any]
    is_secret: bool = False


_URL: Final = "https://portal.example/…"

KINDS: Final[dict[str, MailKind]] = {
    kind.name: kind
    for kind in (
        MailKind(
            "invite",
            _("Invitation"),
            {
                "inviter": "Dora Dekker",
                "organization_name": "Harbour Dental",
                "role": _("Operator"),
                "url": _URL,
                "expires_at": datetime(2026, 3, 9, 12, tzinfo=UTC),
            },
            is_secret=True,
        ),
        MailKind(
            "verify",
            _("Confirm an address"),
            {"url": _URL, "code": ""},
            is_secret=True,
        ),
        MailKind("reset", _("New password"), {"url": _URL}, is_secret=True),
        MailKind("sign_in_code", _("Sign-in code"), {"code": "4F9K2C"}, is_secret=True),
        MailKind(
            "credits_low",
            _("Credits run low"),
            {
                "organization_name": "Harbour Dental",
                "credits_left": "42",
                "threshold": "50",
                "url": _URL,
            },
        ),
        MailKind(
            "receipt",
            _("Receipt"),
            {
                "organization_name": "Harbour Dental",
                "number": "2026-0042",
                "credits": "500",
                "amount": "€ 200,00",
                "paid_at": datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
                "url": _URL,
            },
        ),
        MailKind(
            "call_report",
            _("Report of a call"),
            {
                "assistant_name": "Front desk",
                "other_party": "+31 20 •••• 567",
                "started_at": datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
                "duration": "2:14",
                "outcome": _("Ended by the caller"),
                "summary": "The caller asked for the opening hours and made an "
                "appointment for Monday at ten.",
                "url": _URL,
            },
        ),
        MailKind(
            "campaign_finished",
            _("Campaign finished"),
            {
                "campaign_name": "Reminders for March",
                "lead_count": 240,
                "reached_count": 181,
                "unreached_count": 59,
                "url": _URL,
            },
        ),
        MailKind(
            "domain_trouble",
            _("Trouble with a domain"),
            {
                "domain": "calls.acme.example",
                "problem": _("Its DNS no longer points here."),
                "url": _URL,
            },
        ),
        MailKind(
            "webhook_trouble",
            _("Trouble with a webhook"),
            {
                "address": "https://crm.example/hook",
                "organization_name": "Harbour Dental",
                "problem": lazy_sentence(
                    _("It answered with status %(status)s."), {"status": "503"}
                ),
                "failing_since": datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
                "failures": 5,
                "is_disabled": False,
                "url": _URL,
            },
        ),
        MailKind(
            "suspicious_calls",
            _("Calls that look like fraud"),
            {
                "organization_name": "Harbour Dental",
                "sentence": _(
                    "24 calls within an hour to LV, a country that was not called in "
                    "the month before."
                ),
                "url": _URL,
            },
        ),
        MailKind(
            "notice",
            _("Notice about an account"),
            {
                "subject": _("Your password was changed"),
                "message": _("If it was not you, ask for a new one at once."),
                "url": "",
            },
        ),
    )
}


class UnknownMail(LookupError):
    """No such kind of mail."""


def kind_of(name: str) -> MailKind:
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownMail(f"{name} is no kind of mail; see portal.mail.kinds") from None
