"""Mails on their way, and whose name and server they go out with."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from portal.models.owned import Owned, ScopedManager
from portal.scope import require_scope
from portal.sealed import SealedTextField


class OutgoingMail(models.Model):
    """One mail to one person, kept until it was handed to a mail server, and after.

    `organization` is the one the mail is about; empty for the operator's own people.
    The body is sealed: it may hold a link that signs somebody in. It is emptied once
    the mail was sent when `is_secret`, else after a while, and with the content of the
    call it tells of.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "portal.Organization", on_delete=models.CASCADE, null=True, related_name="+"
    )
    agency = models.ForeignKey(
        "portal.Organization",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        editable=False,
    )
    template = models.CharField(max_length=60)
    # The call whose content it tells; its row belongs to an app above this one.
    call_id = models.UUIDField(null=True)
    recipient = models.EmailField(max_length=254)
    language = models.CharField(max_length=8)
    subject = models.CharField(max_length=300)
    text = SealedTextField(blank=True, owner="pk")
    html = SealedTextField(blank=True, owner="pk")
    is_secret = models.BooleanField(default=False)
    idempotency_key = models.CharField(max_length=200)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    objects: ScopedManager[OutgoingMail] = ScopedManager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                nulls_distinct=False,
                name="mail_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["queued", "sending"]),
                name="mail_due",
            ),
            models.Index(fields=["agency", "-created_at"], name="mail_by_agency"),
            models.Index(
                fields=["call_id"],
                condition=Q(call_id__isnull=False),
                name="mail_of_call",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.status}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Fill in the agency; the operator's own mails need the widest scope."""
        if self.organization is not None:
            self.agency_id = self.organization.agency_id
        elif not require_scope().is_everything:
            raise RuntimeError("A mail without organization belongs to the operator.")
        super().save(*args, **kwargs)


class MailSender(Owned):
    """How an agency's portal sends: name and address, and through whose server."""

    class Transport(models.TextChoices):
        PLATFORM = "platform", _("The platform’s server")
        SMTP = "smtp", _("Your own SMTP server")
        RESEND = "resend", _("Your own Resend account")

    class Security(models.TextChoices):
        STARTTLS = "starttls", _("STARTTLS")
        TLS = "tls", _("TLS from the start")
        NONE = "none", _("None")

    from_name = models.CharField(_("sender’s name"), max_length=80, blank=True)
    from_address = models.EmailField(_("sender’s address"), blank=True)
    reply_to = models.EmailField(_("answers go to"), blank=True)
    transport = models.CharField(
        _("send through"), max_length=8, choices=Transport, default=Transport.PLATFORM
    )
    smtp_host = models.CharField(_("server"), max_length=253, blank=True)
    smtp_port = models.PositiveIntegerField(_("port"), default=587)
    smtp_security = models.CharField(
        _("encryption"), max_length=8, choices=Security, default=Security.STARTTLS
    )
    smtp_user = models.CharField(_("user"), max_length=200, blank=True)
    smtp_password = SealedTextField(blank=True)
    resend_key = SealedTextField(blank=True)
    secret_hint = models.CharField(max_length=8, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True)
    last_sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="mail_sender_once")
        ]

    def __str__(self) -> str:
        return self.from_address or str(self.get_transport_display())


class SendingDomain(Owned):
    """A domain whose mails are signed; one for each organization.

    `records` is what has to stand in DNS, each with its own state:
    `{record, name, type, ttl, status, value, priority}`.
    """

    class Status(models.TextChoices):
        NOT_STARTED = "not_started", _("Not started")
        PENDING = "pending", _("Waiting for DNS")
        VERIFIED = "verified", _("Verified")
        FAILED = "failed", _("Failed")

    domain_name = models.CharField(max_length=253)
    status = models.CharField(max_length=12, choices=Status, default=Status.NOT_STARTED)
    region = models.CharField(max_length=20, default="eu-west-1")
    records = models.JSONField(default=list)
    resend_domain_id = models.CharField(max_length=64, blank=True)
    dkim_selector = models.CharField(max_length=40, blank=True)
    dkim_key = SealedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="sending_domain_once")
        ]

    def __str__(self) -> str:
        return self.domain_name
