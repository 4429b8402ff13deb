"""An organization's own key at a vendor: sealed at rest, told by its last four characters."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.sealed import SealedTextField


class ProviderKey(Owned):
    """One key for one vendor. An agency may let its clients' calls use its own."""

    class State(models.TextChoices):
        VALID = "valid", _("Works")
        LIMITED = "limited", _("Accepted, with a limit")

    provider = models.CharField(max_length=30)
    secret = SealedTextField()
    last_four = models.CharField(max_length=4, blank=True)
    # What the vendor needs beside the key: `base_url`, `region`, `location` …
    config = models.JSONField(default=dict)
    is_shared = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.VALID)
    note = models.CharField(max_length=200, blank=True)
    checked_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["provider"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "provider"], name="provider_key_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} (…{self.last_four})"
