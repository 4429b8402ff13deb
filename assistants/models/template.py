"""Tools and analyses kept to be copied into assistants. A copy knows nothing of its origin."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.sealed import SealedTextField


class ToolTemplate(Owned):
    """A tool ready to be copied into an assistant."""

    class Kind(models.TextChoices):
        FUNCTION = "function", _("Webhook function")
        END_CALL = "end_call", _("End the call")
        TRANSFER_CALL = "transfer_call", _("Transfer the call")

    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(blank=True, max_length=2_000)
    tool_type = models.CharField(max_length=16, choices=Kind)
    # A function's name, description, parameters, url, async and message; a transfer's
    # destinations.
    tool_config = models.JSONField(default=dict)
    server_secret = SealedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def tool(self) -> dict[str, Any]:
        """The tool as an assistant takes it; the secret is for the service that copies."""
        return {"type": self.tool_type, **self.tool_config}


class AnalysisTemplate(Owned):
    """What to find out after a call, ready to be copied into an assistant."""

    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(blank=True, max_length=2_000)
    system_prompt = models.TextField(blank=True)
    user_prompt = models.TextField(blank=True)
    schema = models.JSONField(default=dict)
    min_messages_threshold = models.PositiveSmallIntegerField(default=2)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
