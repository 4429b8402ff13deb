"""Why a person was called, or was not: what was checked, and the answer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign
from campaigns.models.lead import Lead
from portal.models import Owned
from portal.models.owned import ScopedManager


class Decision(Owned):
    """One answer to "may this person be called now?"; written once, never changed.

    Only an answer that stays the same is counted in `times`, so that a lead that waits
    for a free line does not fill the table.
    """

    class Answer(models.TextChoices):
        DIALED = "dialed", _("Called")
        HELD = "held", _("Not now")
        REFUSED = "refused", _("Not at all")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="decisions", db_index=False
    )
    lead = models.ForeignKey(
        Lead, on_delete=models.CASCADE, related_name="decisions", db_index=False
    )
    call_id = models.UUIDField(null=True)
    answer = models.CharField(max_length=8, choices=Answer)
    reason = models.CharField(max_length=30, blank=True)
    held_until = models.DateTimeField(null=True)
    rules_version = models.CharField(max_length=40)
    zone = models.CharField(max_length=64, blank=True)
    zone_source = models.CharField(max_length=8, blank=True)
    local_time = models.CharField(max_length=20, blank=True)
    # Each is {"check", "ok", "found"}, in the order they were made; `campaigns.checks`
    # has the words.
    checks = models.JSONField(default=list)
    times = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects: ClassVar[ScopedManager[Decision]] = ScopedManager()

    class Meta:
        ordering = ["-last_at", "-pk"]
        indexes = [
            models.Index(fields=["lead", "-last_at"], name="decision_by_lead"),
            models.Index(
                fields=["campaign", "answer", "reason"], name="decision_by_reason"
            ),
        ]
