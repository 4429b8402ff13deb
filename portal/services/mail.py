"""Changing whose name and server an agency's mails have, and trying them."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from portal.mail import send_mail
from portal.models import MailSender, Organization, OutgoingMail, User
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


def send_test(*, agency: Organization, to: str) -> OutgoingMail:
    """Queue a mail to one of the agency's people, through what is set up now."""
    return send_mail(
        organization=agency,
        template="notice",
        to=to,
        context={
            "subject": _("A test of your portal’s mail"),
            "message": _("It arrived: your mails go out as they should."),
            "url": "",
        },
        idempotency_key=f"test:{uuid4()}",
    )


@transaction.atomic
def save_sender(
    *, sender: MailSender, smtp_password: str, resend_key: str, actor: User | None
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
