"""Whom a campaign calls, and each try."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign
from common.ids import uuid7
from portal.models import Owned


class Lead(Owned):
    """A person to call. Claimed by a conditional update; one attempt budget over all rules."""

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


class Attempt(Owned):
    """One try to reach a lead. Its id is the idempotency key down to the carrier."""

    class Status(models.TextChoices):
        CLAIMED = "claimed", _("Claimed")
        PLACED = "placed", _("Placed")
        FINISHED = "finished", _("Finished")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.CLAIMED)
    call_id = models.UUIDField(default=uuid7, unique=True)
    outcome = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

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
                fields=["lease_until"],
                condition=models.Q(status__in=["claimed", "placed"]),
                name="attempt_open_by_lease",
            )
        ]
