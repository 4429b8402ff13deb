"""Voice processes that are alive, with their lease and capacity."""

from __future__ import annotations

from django.db import models

from common.ids import uuid7


class VoiceNode(models.Model):
    """One voice process. It may take calls while its heartbeat is fresh and it is not draining.

    Infrastructure, owned by no organization.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    capacity = models.PositiveIntegerField()
    is_draining = models.BooleanField(default=False)
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()

    class Meta:
        ordering = ["started_at"]
        indexes = [models.Index(fields=["heartbeat_at"], name="node_by_heartbeat")]
