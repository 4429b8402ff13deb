"""Proof of what was deleted."""

from __future__ import annotations

from django.db import models

from portal.models import Attested, Owned


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


class Erasure(Attested):
    """A certificate: what was erased of one person, when and by whom; never changed.

    The person is there as a keyed hash only.
    """

    attested = (
        "organization_id",
        "number_hash",
        "call_count",
        "recording_count",
        "lead_count",
        "left_count",
        "is_still_suppressed",
        "erased_by",
        "erased_at",
    )

    number_hash = models.CharField(max_length=16)
    call_count = models.PositiveIntegerField()
    recording_count = models.PositiveIntegerField()
    lead_count = models.PositiveIntegerField()
    left_count = models.PositiveIntegerField()
    # A number that must not be called stays on the list for that very purpose.
    is_still_suppressed = models.BooleanField()
    erased_by = models.CharField(max_length=254)
    erased_at = models.DateTimeField()

    class Meta:
        ordering = ["-erased_at", "-pk"]
