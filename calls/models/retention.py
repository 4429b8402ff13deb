"""Proof of what was deleted."""

from __future__ import annotations

from django.db import models

from portal.models import Owned


class RetentionRun(Owned):
    """One deletion for one organization: what went, and what a check found left.

    The check looks again at `checked_count` of the calls, as anybody would: their rows,
    their turns and events, their files. `left_count` above zero is an alert.
    """

    content_days = models.PositiveSmallIntegerField()
    metadata_days = models.PositiveSmallIntegerField()
    content_count = models.PositiveIntegerField(default=0)
    metadata_count = models.PositiveIntegerField(default=0)
    recording_count = models.PositiveIntegerField(default=0)
    turn_count = models.PositiveIntegerField(default=0)
    checked_count = models.PositiveIntegerField(default=0)
    left_count = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [
            models.Index(
                fields=["organization", "-started_at"], name="retention_run_by_owner"
            )
        ]
