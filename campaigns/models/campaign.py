"""A campaign: whom to call with which assistant, from which number, how fast."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned


class Campaign(Owned):
    """A set of leads to be dialled. Its status is moved by `campaigns.lifecycle` alone."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Running")
        PAUSED = "paused", _("Paused")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    name = models.CharField(_("name"), max_length=120)
    assistant = models.ForeignKey(
        "assistants.Assistant", on_delete=models.PROTECT, related_name="campaigns"
    )
    number = models.ForeignKey(
        "calls.PhoneNumber", on_delete=models.PROTECT, related_name="campaigns"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
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

    def __str__(self) -> str:
        return self.name
