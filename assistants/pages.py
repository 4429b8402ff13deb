"""What every page of one assistant has: its tabs, and the state of its draft."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from assistants.catalogue import thinks_for_free
from assistants.models import Assistant, AssistantVersion
from assistants.services import working_spec


def page_of(request: HttpRequest, assistant: Assistant) -> dict[str, Any]:
    """Return the context of a page about this assistant."""
    spec = working_spec(assistant)
    return {
        "assistant": assistant,
        "tabs": _tabs(request, assistant),
        "is_free": thinks_for_free(spec),
        "only_speaks": spec.is_realtime,
    }


def tell_kept(request: HttpRequest, version: AssistantVersion | None) -> None:
    """Say what became of a change: a version that calls use, or a part of the draft."""
    if version is None:
        messages.success(request, _("Kept in the draft. Calls use it once published."))
    else:
        messages.success(
            request,
            _("Saved as version %(number)s. The next call uses it.")
            % {"number": version.number},
        )


def _tabs(request: HttpRequest, assistant: Assistant) -> list[dict[str, Any]]:
    pages = (
        (_("Overview"), "assistant_detail", None),
        (_("Settings"), "assistant_edit", None),
        (_("Tools"), "assistant_tools", len(working_spec(assistant).llm_config.tools)),
        (_("Analysis"), "assistant_analysis", None),
        (_("Versions"), "assistant_versions", None),
    )
    tabs = []
    for label, name, count in pages:
        url = reverse(name, args=[assistant.pk])
        is_current = (
            request.path == url
            if name == "assistant_detail"
            else request.path.startswith(url)
        )
        tabs.append(
            {"label": label, "url": url, "is_current": is_current, "count": count}
        )
    return tabs
