"""What arrived in the demo's own mailbox, beside the log of what was sent."""

from __future__ import annotations

import email
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from django.conf import settings

from portal.models import OutgoingMail


@dataclass(frozen=True)
class Arrived:
    """A mail as the mailbox took it in."""

    sender: str
    text: str
    html: str
    headers: str


def arrived(mail: OutgoingMail) -> Arrived | None:
    """Return what arrived of a mail; `None` outside the demo, or while it is on its way.

    Only there a link that opens an account can be read after it was sent: the demo's
    people have no other mailbox.
    """
    if not settings.DEMO_MAILBOX:
        return None
    path = Path(settings.DEMO_MAILBOX) / f"{mail.pk}.eml"
    try:
        content = path.read_bytes()
    except OSError:
        return None
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return Arrived(
        sender=str(message["From"]),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        headers="\n".join(f"{name}: {value}" for name, value in message.items()),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return part.get_content() if part is not None else ""
