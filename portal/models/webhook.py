"""Webhooks out: where they go, what happened, and each try to say so."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models.owned import Logged, Owned
from portal.sealed import SealableTextField, SealedTextField, is_sealed


class WebhookEndpoint(Owned):
    """An address that is told of events: an organization's, or one assistant's.

    `paused_until` is the circuit breaker: while it lies ahead nothing is sent, and the
    first delivery after it is a probe.
    """

    class Status(models.TextChoices):
        ENABLED = "enabled", _("Enabled")
        DISABLED = "disabled", _("Disabled")

    class Reason(models.TextChoices):
        BY_HAND = "by-hand", _("Switched off")
        GONE = "gone", _("The receiver answered 410 Gone")
        FAILING = "failing", _("It failed for days")

    # Which assistant's; its row belongs to an app above this one.
    assistant_id = models.UUIDField(null=True)
    url = models.CharField(_("address"), max_length=2_000)
    description = models.CharField(_("description"), max_length=120, blank=True)
    events = ArrayField(models.CharField(max_length=60))
    secret = SealedTextField(blank=True)
    # Signs beside the new one until then.
    previous_secret = SealedTextField(blank=True)
    previous_until = models.DateTimeField(null=True)
    secret_hint = models.CharField(max_length=8, blank=True)

    status = models.CharField(max_length=8, choices=Status, default=Status.ENABLED)
    disabled_reason = models.CharField(max_length=8, choices=Reason, blank=True)
    failures_in_row = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assistant_id"], name="webhook_endpoint_once_an_assistant"
            )
        ]
        indexes = [
            models.Index(fields=["organization"], name="webhook_endpoint_by_owner")
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def is_enabled(self) -> bool:
        return self.status == self.Status.ENABLED

    @property
    def secrets(self) -> tuple[str, ...]:
        """What signs now, newest first; opened here."""
        secrets = (self.secret,) if self.secret else ()
        if self.previous_until and self.previous_until > timezone.now():
            return (*secrets, self.previous_secret)
        return secrets


class WebhookEvent(Logged):
    """Something that happened, with the very bytes that tell of it."""

    kind = models.CharField(max_length=60)
    call_id = models.UUIDField(null=True)
    body = SealableTextField()
    is_test = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["created_at"], name="webhook_event_by_age"),
            # What a call told goes with its content.
            models.Index(
                fields=["call_id"],
                condition=Q(call_id__isnull=False),
                name="webhook_event_of_call",
            ),
        ]

    def __str__(self) -> str:
        return self.kind

    @property
    def is_sealed(self) -> bool:
        """Whether the table holds its body sealed; what comes of it is sealed as well."""
        return is_sealed(self, "body")


class WebhookDelivery(Logged):
    """One event on its way to one endpoint: the outbox. Its id orders nothing.

    A pending delivery that is being sent has `next_at` in the future, as one that waits
    for its next try: whoever sends it may die.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    event = models.ForeignKey(
        WebhookEvent,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
    )
    kind = models.CharField(max_length=60)
    call_id = models.UUIDField(null=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    is_replay = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    elapsed_ms = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["endpoint", "next_at"],
                condition=Q(status="pending"),
                name="webhook_delivery_due",
            ),
            models.Index(
                fields=["endpoint", "call_id", "created_at"],
                condition=Q(status="pending"),
                name="webhook_delivery_of_call",
            ),
            models.Index(
                fields=["organization", "-created_at", "-id"],
                name="webhook_delivery_by_owner",
            ),
            models.Index(fields=["event"], name="webhook_delivery_of_event"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class WebhookAttempt(Logged):
    """One request and what came back, as the delivery log shows it."""

    delivery = models.ForeignKey(
        WebhookDelivery,
        on_delete=models.CASCADE,
        related_name="tries",
        db_index=False,
    )
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    elapsed_ms = models.PositiveIntegerField(default=0)
    request_headers = models.JSONField(default=dict)
    status_code = models.PositiveSmallIntegerField(null=True)
    response_headers = models.JSONField(default=dict)
    response_body = SealableTextField(blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["number", "at"]
        indexes = [models.Index(fields=["delivery"], name="webhook_attempt_of")]
