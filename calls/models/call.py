"""A call: one conversation, however it is carried."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.models.owned import ScopedManager
from portal.sealed import SealableTextField


class CallQuerySet(models.QuerySet["Call"]):
    def live(self) -> Self:
        """Calls that hold a slot: not in a final status."""
        return self.filter(status__in=Call.LIVE)


CallManager = ScopedManager.from_queryset(CallQuerySet)


class Call(Owned):
    """One conversation. Its status is moved by `calls.lifecycle` alone."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Inbound")
        OUTBOUND = "outbound", _("Outbound")
        WEB = "web", _("Browser")

    class Status(models.TextChoices):
        CONNECTING = "connecting", _("Connecting")
        RINGING = "ringing", _("Ringing")
        IN_PROGRESS = "in-progress", _("In progress")
        ENDED = "ended", _("Ended")
        ENDED_WITH_ERROR = "ended-with-error", _("Ended with an error")
        TRANSFERRED = "transferred", _("Transferred")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected")
        INSUFFICIENT_CREDITS = "insufficient-credits", _("Not enough credits")

    LIVE: ClassVar[tuple[str, ...]] = (
        Status.CONNECTING,
        Status.RINGING,
        Status.IN_PROGRESS,
    )

    assistant = models.ForeignKey(
        "assistants.Assistant",
        on_delete=models.SET_NULL,
        null=True,
        related_name="calls",
    )
    version = models.ForeignKey(
        "assistants.AssistantVersion",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    number = models.ForeignKey(
        "calls.PhoneNumber", on_delete=models.SET_NULL, null=True, related_name="calls"
    )
    trunk = models.ForeignKey(
        "calls.Trunk", on_delete=models.SET_NULL, null=True, related_name="calls"
    )
    direction = models.CharField(max_length=10, choices=Direction)
    carrier = models.CharField(max_length=20)
    status = models.CharField(max_length=22, choices=Status, default=Status.CONNECTING)
    end_reason = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=300, blank=True)
    # What the carrier answered, as it says it: "486", "busy".
    carrier_code = models.CharField(max_length=24, blank=True)
    fault_owner = models.CharField(max_length=14, blank=True)
    disposition = models.CharField(max_length=40, blank=True)
    is_test = models.BooleanField(default=False)

    caller_number = models.CharField(max_length=16, blank=True)
    callee_number = models.CharField(max_length=16, blank=True)
    variables = models.JSONField(default=dict)
    # What this call says otherwise than its assistant: `first_message`, `instructions`.
    overrides = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)
    started_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )

    widget = models.ForeignKey(
        "calls.Widget",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )

    # Where it runs. The lease is renewed by the voice node; a stale one means the
    # process is gone, and the sweeper ends the call at the last heartbeat.
    node = models.ForeignKey(
        "calls.VoiceNode", on_delete=models.SET_NULL, null=True, related_name="calls"
    )
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    picked_up_at = models.DateTimeField(
        null=True
    )  # when the node took it from the database

    # Set when somebody wants the call over; the node reads it with every heartbeat.
    stop_reason = models.CharField(max_length=40, blank=True)

    # The moment its trunk gave it; none: as soon as a node has it.
    dial_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    started_at = models.DateTimeField(null=True)  # audio connected: billing starts
    ended_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveIntegerField(default=0)
    setup_ms = models.PositiveIntegerField(null=True)

    # The price in force when it started, and what it came to.
    # Stage to whose key pays its vendor: organization, agency or platform.
    key_owners = models.JSONField(default=dict)
    price_microcredits_per_minute = models.BigIntegerField(default=0)
    pool_price_microcredits_per_minute = models.BigIntegerField(default=0)
    billed_seconds = models.PositiveIntegerField(default=0)
    cost_microcredits = models.BigIntegerField(default=0)
    pool_cost_microcredits = models.BigIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)

    # Short-lived credentials of the browser, as SHA-256.
    # Pages whose browser may join; empty: any that has the token.
    allowed_origins = ArrayField(
        models.CharField(max_length=200), default=list, db_default=[]
    )
    token_digest = models.CharField(max_length=64, blank=True)
    token_expires_at = models.DateTimeField(null=True)
    token_used_at = models.DateTimeField(null=True)
    resume_digest = models.CharField(max_length=64, blank=True)

    # False: nothing of it stays once its report is delivered (see calls.services.retention).
    keeps_content = models.BooleanField(default=True)
    content_purged_at = models.DateTimeField(null=True)
    metadata_purged_at = models.DateTimeField(null=True)

    recording = models.CharField(max_length=200, blank=True)
    recording_ms = models.PositiveIntegerField(default=0)
    waveform = models.JSONField(default=dict)
    quality = models.JSONField(default=dict)
    usage = models.JSONField(default=dict)
    summary = SealableTextField(blank=True)

    objects: ClassVar[CallManager[Call]] = CallManager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"],
                name="call_by_organization",
            ),
            models.Index(
                fields=["agency", "-created_at", "-id"], name="call_by_agency"
            ),
            # How often one person was called lately, from whatever source.
            models.Index(
                fields=["organization", "callee_number", "-created_at"],
                condition=models.Q(direction="outbound"),
                name="call_by_callee",
            ),
            models.Index(
                fields=["widget", "-created_at"],
                condition=models.Q(widget__isnull=False),
                name="call_by_widget",
            ),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(status__in=["connecting", "ringing", "in-progress"]),
                name="call_live_by_lease",
            ),
            models.Index(
                fields=["node"],
                condition=models.Q(status__in=["connecting", "ringing", "in-progress"]),
                name="call_live_by_node",
            ),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(settled_at__isnull=True, ended_at__isnull=False),
                name="call_unsettled",
            ),
            models.Index(
                fields=["organization", "ended_at"],
                condition=models.Q(metadata_purged_at__isnull=True),
                name="call_to_purge",
            ),
        ]

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE

    @property
    def other_number(self) -> str:
        """The number at the far end; empty in a browser call."""
        if self.direction == self.Direction.INBOUND:
            return self.caller_number
        return self.callee_number

    @property
    def shown_status(self) -> str:
        """The word a person looks for: why it failed says more than that it failed."""
        if self.status in (
            self.Status.FAILED,
            self.Status.ENDED_WITH_ERROR,
            self.Status.REJECTED,
        ):
            return self.end_reason or self.status
        return self.status
