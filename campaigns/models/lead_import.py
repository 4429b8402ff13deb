"""A list of people on its way into a campaign."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign
from portal.models import Owned
from portal.models.owned import ScopedManager


class LeadImport(Owned):
    """One uploaded list. What it has done so far is committed with each batch.

    `rows_done` counts rows of the file that are settled: a worker that takes over
    begins behind them, so no row is lost or added twice.
    """

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Not started")
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Importing")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")
        DISCARDING = "discarding", _("Being taken back")
        DISCARDED = "discarded", _("Taken back")

    OPEN: ClassVar[tuple[str, ...]] = (Status.WAITING, Status.RUNNING)
    # Until then a worker has something to do.
    BUSY: ClassVar[tuple[str, ...]] = (*OPEN, Status.DISCARDING)
    OVER: ClassVar[tuple[str, ...]] = (
        Status.FINISHED,
        Status.CANCELLED,
        Status.FAILED,
    )

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="imports"
    )
    file = models.CharField(max_length=200)
    file_name = models.CharField(max_length=200)
    columns = models.JSONField(default=dict)
    region = models.CharField(max_length=2, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    total_bytes = models.BigIntegerField(default=0)
    done_bytes = models.BigIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    # Of those added: who was taken out again, because nobody had called them yet.
    removed = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)
    # Of whoever uploaded it: a worker tells its faults in that.
    language = models.CharField(max_length=10, default="en")
    lease_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[ScopedManager[LeadImport]] = ScopedManager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=models.Q(status__in=["waiting", "running", "discarding"]),
                name="import_open",
            )
        ]

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_busy(self) -> bool:
        return self.status in self.BUSY

    @property
    def is_over(self) -> bool:
        return self.status in self.OVER

    @property
    def can_go_on(self) -> bool:
        """Whether it was stopped and its file is still there."""
        return self.status == self.Status.CANCELLED and bool(self.file)

    @property
    def kept(self) -> int:
        """How many of its people are in the campaign, as far as it has counted."""
        return self.added - self.removed

    @property
    def percent(self) -> int:
        if self.status in (self.Status.FINISHED, self.Status.DISCARDED):
            return 100
        if self.status == self.Status.DISCARDING:
            return min(99, self.removed * 100 // max(1, self.added))
        return (
            min(99, self.done_bytes * 100 // self.total_bytes)
            if self.total_bytes
            else 0
        )


class ImportFault(Owned):
    """A row of a list that cannot be used, and why."""

    lead_import = models.ForeignKey(
        LeadImport, on_delete=models.CASCADE, related_name="errors"
    )
    line = models.PositiveIntegerField()
    value = models.CharField(max_length=60, blank=True)
    message = models.CharField(max_length=200)

    objects: ClassVar[ScopedManager[ImportFault]] = ScopedManager()

    class Meta:
        ordering = ["line"]
