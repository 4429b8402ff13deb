"""Who changed what, append-only."""

from __future__ import annotations

from django.db import models

from portal.models.owned import Owned


class AuditRecord(Owned):
    """One change: actor, action, object, old and new values with secrets masked."""

    actor = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=60, blank=True)
    target_id = models.UUIDField(null=True)
    changes = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["organization", "-created_at"], name="audit_by_organization"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
