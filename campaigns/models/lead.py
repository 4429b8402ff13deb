"""Whom a campaign calls, and each try."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign
from common.ids import uuid7
from portal.models import Owned
from portal.models.owned import ScopedManager


class LeadQuerySet(models.QuerySet["Lead"]):
    """Questions that are asked at every tick, of campaigns with a million leads.

    Whether a campaign has one such lead is asked as the first one in the order of an
    index, not as `Exists`: PostgreSQL may answer that by reading leads one by one until
    it meets the first, which comes late once those at the front have been called.
    """

    def due(self, now: datetime) -> Self:
        """Leads that may be called at `now`."""
        return self.filter(status=Lead.Status.PENDING, due_at__lte=now)

    def first_due(self, campaign: Any, now: datetime) -> models.QuerySet[Lead, Any]:
        """The id of one lead of a campaign that may be called at `now`, if there is one."""
        due = self.due(now).filter(campaign=campaign)
        return due.order_by("locality", "-is_priority", "due_at").values("pk")[:1]

    def first_unfinished(self, campaign: Any) -> models.QuerySet[Lead, Any]:
        """The id of one lead of a campaign that is still to be reached, if there is one."""
        open_ones = (Lead.Status.PENDING, Lead.Status.CALLING)
        waiting = self.filter(campaign=campaign, status__in=open_ones)
        return waiting.order_by("status").values("pk")[:1]


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

    class SkipReason(models.TextChoices):
        """Why somebody is not called."""

        SUPPRESSED = "suppressed", _("Asked not to be called")
        REGISTERED = "registered", _("On an external register")
        NO_CONSENT = "no_consent", _("No consent is on record")
        NO_TIME_ZONE = "no_time_zone", _("The time zone is not known")
        NO_COMMON_HOURS = "no_common_hours", _("No hour is allowed at this place")
        DESTINATION = "destination", _("This number may not be called")
        CAMPAIGN_OVER = "campaign_over", _("The campaign's last day is over")
        CANCELLED = "cancelled", _("The campaign was cancelled")
        BY_HAND = "by_hand", _("Skipped by hand")

    class ConsentBasis(models.TextChoices):
        """On what ground a person may be called by an automatic voice."""

        WRITTEN = "written", _("Written consent")
        EXPRESS = "express", _("Consent given otherwise")
        CUSTOMER = "customer", _("A customer")
        LEGAL = "legal", _("Another legal ground")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="leads", db_index=False
    )
    phone_number = models.CharField(_("number"), max_length=16)
    name = models.CharField(_("name"), max_length=120, blank=True)
    variables = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempt_count = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    # Where the person is. Not checked by the database: rows are never removed there.
    locality = models.ForeignKey(
        "campaigns.LocalityRow",
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    is_priority = models.BooleanField(default=False)
    skip_reason = models.CharField(max_length=20, choices=SkipReason, blank=True)
    callback_at = models.DateTimeField(null=True)
    consent_basis = models.CharField(max_length=10, choices=ConsentBasis, blank=True)
    consent_proof = models.CharField(max_length=300, blank=True)
    is_variant = models.BooleanField(default=False)
    # The upload that brought them. No foreign key: each of a million would be checked.
    import_id = models.UUIDField(null=True)
    disposition = models.CharField(max_length=40, blank=True)
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
            # One branch for each place, so that those where it is night cost nothing.
            models.Index(
                fields=["campaign", "locality", "-is_priority", "due_at"],
                condition=models.Q(status="pending"),
                name="lead_due_by_place",
            ),
            # Nothing that a call's start changes stands in an index, so that PostgreSQL
            # writes to none of them (a "heap only" update) while people are dialled.
            models.Index(fields=["campaign", "status"], name="lead_by_state"),
            models.Index(
                fields=["organization", "phone_number"], name="lead_by_number"
            ),
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

    lead = models.ForeignKey(
        Lead, on_delete=models.CASCADE, related_name="attempts", db_index=False
    )
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.CLAIMED)
    call_id = models.UUIDField(default=uuid7, unique=True)
    outcome = models.CharField(max_length=40, blank=True)
    phone_number = models.CharField(max_length=16, blank=True)
    caller = models.ForeignKey(
        "calls.PhoneNumber", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # The moment a trunk gave it, and when it was used.
    trunk = models.CharField(max_length=64, blank=True)
    start_at = models.DateTimeField(null=True)
    dialed_at = models.DateTimeField(null=True)
    # What the claim decided on; goes into the decision record when the call is made.
    decided = models.JSONField(default=dict)
    disposition = models.CharField(max_length=40, blank=True)
    cost_microcredits = models.BigIntegerField(default=0)
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
            ),
            models.Index(fields=["caller", "dialed_at"], name="attempt_by_caller"),
            # Who started how many calls on a trunk within the last minute.
            models.Index(fields=["trunk", "created_at"], name="attempt_by_trunk"),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(status="finished"),
                name="attempt_finished",
            ),
        ]
