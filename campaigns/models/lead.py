"""Whom a campaign calls, and each try."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign
from common.ids import uuid7
from portal.models import Owned
from portal.models.owned import ScopedManager


class LeadQuerySet(models.QuerySet["Lead"]):
    def due(self, now: datetime) -> Self:
        """Leads that may be called at `now`."""
        return self.filter(status=Lead.Status.PENDING, due_at__lte=now)

    def unfinished(self) -> Self:
        return self.filter(status__in=(Lead.Status.PENDING, Lead.Status.CALLING))


LeadManager = ScopedManager.from_queryset(LeadQuerySet)


class Lead(Owned):
    """A person to call; one attempt budget over all rules.

    `status` is moved by `campaigns.lifecycle` alone. `calling` means that one attempt
    is open; the two change in the same transaction.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        CALLING = "calling", _("Calling")
        COMPLETED = "completed", _("Reached")
        FAILED = "failed", _("Not reached")
        SKIPPED = "skipped", _("Skipped")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="leads"
    )
    phone_number = models.CharField(_("number"), max_length=16)
    name = models.CharField(_("name"), max_length=120, blank=True)
    variables = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempt_count = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    last_outcome = models.CharField(max_length=40, blank=True)
    last_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[LeadManager[Lead]] = LeadManager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "phone_number"], name="lead_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["campaign", "due_at"],
                condition=models.Q(status="pending"),
                name="lead_due",
            )
        ]

    @property
    def state(self) -> str:
        """The status as people see it: a lead that waits for another try says so."""
        if self.status == self.Status.PENDING and self.attempt_count:
            return "retry"
        return {"completed": "reached", "failed": "exhausted"}.get(
            self.status, self.status
        )


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def open(self) -> Self:
        return self.filter(status__in=Attempt.OPEN)


AttemptManager = ScopedManager.from_queryset(AttemptQuerySet)


class Attempt(Owned):
    """One try to reach a lead. Its call id is the idempotency key down to the carrier.

    `claimed` means that no call exists yet, `placed` that one does: the call's row is
    made in the transaction that moves the attempt.
    """

    class Status(models.TextChoices):
        CLAIMED = "claimed", _("Claimed")
        PLACED = "placed", _("Placed")
        FINISHED = "finished", _("Finished")

    OPEN: ClassVar[tuple[str, ...]] = (Status.CLAIMED, Status.PLACED)

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.CLAIMED)
    call_id = models.UUIDField(default=uuid7, unique=True)
    outcome = models.CharField(max_length=40, blank=True)
    # Until when one worker is trusted to place it, and how many were.
    lease_until = models.DateTimeField(null=True)
    worker_count = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[AttemptManager[Attempt]] = AttemptManager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "number"], name="attempt_number_once"
            ),
            # At most one open attempt a lead, whatever the workers do.
            models.UniqueConstraint(
                fields=["lead"],
                condition=models.Q(status__in=["claimed", "placed"]),
                name="attempt_open_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "lease_until"],
                condition=models.Q(status__in=["claimed", "placed"]),
                name="attempt_open_by_lease",
            )
        ]
