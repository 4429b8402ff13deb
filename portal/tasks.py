"""The portal's doors for the worker; each calls one service."""

from __future__ import annotations

from celery import shared_task

from portal.domains import claims
from portal.mail import delivery


@shared_task
def send_due_mails() -> None:
    """Send the mails that are due; a lost tick costs an interval."""
    delivery.send_due_mails()


@shared_task
def forget_old_mail_bodies() -> None:
    """Empty the bodies of mails that are done with."""
    delivery.forget_old_bodies()


@shared_task
def check_due_domains() -> None:
    """Look at the domains that are due."""
    claims.check_due_domains()
