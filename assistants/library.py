"""The library: what assistants are put together from, page by page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


def library_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the tabs that every page of the library carries."""
    pages = (
        (_("Tools"), "tool_template_list"),
        (_("Analyses"), "analysis_template_list"),
        (_("MCP servers"), "mcp_server_list"),
    )
    return [
        {
            "label": label,
            "url": reverse(name),
            "is_current": request.path == reverse(name),
        }
        for label, name in pages
    ]
