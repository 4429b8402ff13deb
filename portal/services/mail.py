"""Changing whose name and server an agency's mails have."""

from __future__ import annotations

from django.db import transaction

from portal.models import MailSender, Organization, User
from portal.services import audit

_FIELDS = (
    "from_name",
    "from_address",
    "reply_to",
    "transport",
    "smtp_host",
    "smtp_port",
    "smtp_security",
    "smtp_user",
)


def sender_of(agency: Organization) -> MailSender:
    """Return the agency's sender; a new one, not stored, sends as the platform."""
    return MailSender.objects.filter(organization=agency).first() or MailSender(
        organization=agency
    )


@transaction.atomic
def save_sender(
    *, sender: MailSender, smtp_password: str, resend_key: str, actor: User
) -> None:
    """Store a validated sender; an empty secret keeps the one that is there."""
    before = MailSender.objects.filter(pk=sender.pk).first()
    changes = {
        name: [getattr(before, name, None), getattr(sender, name)]
        for name in _FIELDS
        if getattr(before, name, None) != getattr(sender, name)
    }
    for name, secret in (("smtp_password", smtp_password), ("resend_key", resend_key)):
        if secret:
            setattr(sender, name, secret)
            sender.secret_hint = secret[-4:] if len(secret) >= 12 else "•"
            changes[name] = ["", "set"]
    sender.last_error, sender.failing_since = "", None
    sender.save()
    if changes:
        audit.record(
            organization=sender.organization,
            actor=actor,
            action="mail_sender.saved",
            target=sender,
            changes=changes,
        )
