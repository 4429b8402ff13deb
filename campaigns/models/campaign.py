"""A campaign: whom to call with which assistant, from which number, how fast."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.models.owned import ScopedManager


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def running(self) -> Self:
        return self.filter(status=Campaign.Status.SCHEDULED)

    def with_due_leads(self, now: datetime) -> Self:
        """Campaigns with somebody to call at `now`."""
        from campaigns.models.lead import Lead

        due = Lead.objects.due(now).filter(campaign=models.OuterRef("pk"))
        return self.filter(models.Exists(due))

    def with_open_leads(self) -> Self:
        """Campaigns with somebody still to be reached, now or later."""
        from campaigns.models.lead import Lead

        undone = Lead.objects.unfinished().filter(campaign=models.OuterRef("pk"))
        return self.filter(models.Exists(undone))


CampaignManager = ScopedManager.from_queryset(CampaignQuerySet)


class Campaign(Owned):
    """A set of leads to be dialled. Moved by `campaigns.lifecycle` alone."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Running")
        PAUSED = "paused", _("Paused")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    class HaltReason(models.TextChoices):
        """Why the dialer paused a campaign by itself."""

        NOT_ENOUGH_CREDITS = "not_enough_credits", _("There are not enough credits.")
        AGENCY_CREDITS = (
            "agency_credits",
            _("Calls are not available right now. Contact support."),
        )
        CALL_REFUSED = "call_refused", _("Calls cannot be started.")

    FINAL: ClassVar[tuple[str, ...]] = (Status.COMPLETED, Status.CANCELLED)

    name = models.CharField(_("name"), max_length=120)
    assistant = models.ForeignKey(
        "assistants.Assistant", on_delete=models.PROTECT, related_name="campaigns"
    )
    number = models.ForeignKey(
        "calls.PhoneNumber", on_delete=models.PROTECT, related_name="campaigns"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    halt_reason = models.CharField(max_length=20, choices=HaltReason, blank=True)
    halt_detail = models.CharField(max_length=300, blank=True)
    system_message_template = models.TextField(
        _("instructions for each call"), blank=True
    )
    max_concurrent_calls = models.PositiveIntegerField(_("calls at once"), default=3)
    max_attempts = models.PositiveIntegerField(_("attempts for each lead"), default=3)
    retry_delay_s = models.PositiveIntegerField(
        _("seconds before another try"), default=3600
    )
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[CampaignManager[Campaign]] = CampaignManager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["organization", "-created_at"], name="campaign_by_organization"
            ),
            models.Index(
                fields=["status"],
                condition=models.Q(status="scheduled"),
                name="campaign_running",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(max_concurrent_calls__gte=1, max_attempts__gte=1),
                name="campaign_can_call",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL

    @property
    def shown_status(self) -> str:
        """The status as people say it: the public API's "scheduled" is running."""
        return "running" if self.status == self.Status.SCHEDULED else self.status

    @property
    def halt_text(self) -> str:
        """Why the dialer paused by itself, for people; empty when it did not."""
        if not self.halt_reason:
            return ""
        if self.halt_reason == self.HaltReason.CALL_REFUSED and self.halt_detail:
            return self.halt_detail
        return str(self.HaltReason(self.halt_reason).label)
