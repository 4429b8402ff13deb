"""Who changed what, append-only."""

from __future__ import annotations

from django.db import models

from portal.models.owned import Owned


class AuditRecord(Owned):
    """One change: actor, action, object, old and new values with secrets masked."""

    actor = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # Whose place the actor took: set while the agency or staff visits a client.
    visit = models.ForeignKey(
        "portal.Visit", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # Where it came from: the key's name for the API, the address for both.
    api_key = models.CharField(max_length=80, blank=True)
    address = models.GenericIPAddressField(null=True)
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
            ),
            models.Index(fields=["agency", "-created_at"], name="audit_by_agency"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
