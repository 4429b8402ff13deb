"""A server of tools that speaks the Model Context Protocol."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.sealed import SealedTextField


class McpServer(Owned):
    """Where assistants of an organization find tools. Its headers are never shown again."""

    class Transport(models.TextChoices):
        STREAMABLE_HTTP = "streamable_http", _("Streamable HTTP")
        SSE = "sse", _("Server-sent events (older)")

    name = models.CharField(_("name"), max_length=80)
    url = models.CharField(max_length=2_000)
    transport = models.CharField(
        max_length=16, choices=Transport, default=Transport.STREAMABLE_HTTP
    )
    headers = SealedTextField(blank=True)  # JSON: header to value
    header_names = models.JSONField(default=list)
    timeout_seconds = models.PositiveIntegerField(default=20)
    tested_at = models.DateTimeField(null=True)
    # What the last test found: {ok, duration_ms, error, tools: [{name, description}]}
    last_test = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="mcp_server_name_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
