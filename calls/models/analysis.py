"""What was found out after a call, and how far the finding out has come."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.sealed import SealableTextField


class CallAnalysis(Owned):
    """One for each call that connected. It is `done` once, together with its report."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        SKIPPED = "skipped", _("Too short")
        FAILED = "failed", _("Failed")

    call = models.OneToOneField(
        "calls.Call", on_delete=models.CASCADE, related_name="analysis"
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    summary = SealableTextField(blank=True)
    data_json = SealableTextField(blank=True)
    is_success = models.BooleanField(null=True)
    success_reason = SealableTextField(blank=True)
    note = SealableTextField(blank=True)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=100, blank=True)
    key_owner = models.CharField(max_length=14, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    # At the vendor's list price, in millionths of a euro.
    cost_microeuros = models.BigIntegerField(default=0)
    # Who wrote the caller's words down from the recording; before anything is found out.
    transcribed_at = models.DateTimeField(null=True)
    transcript_provider = models.CharField(max_length=40, blank=True)
    transcript_model = models.CharField(max_length=100, blank=True)
    transcript_key_owner = models.CharField(max_length=14, blank=True)
    transcript_cost_microeuros = models.BigIntegerField(default=0)
    transcript_note = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-due_at", "-pk"]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(status__in=["pending", "running"]),
                name="analysis_due",
            )
        ]

    @property
    def data(self) -> dict[str, Any] | None:
        """The facts that were found; None when none were looked for."""
        return json.loads(self.data_json) if self.data_json else None
