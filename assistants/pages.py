"""What every page of one assistant has: its tabs, and the state of its draft."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from assistants.catalogue import catalogue, label_of, thinks_for_free
from assistants.keys import keys_at_hand
from assistants.models import Assistant, AssistantVersion
from assistants.services import working_spec
from assistants.spec import AssistantSpec
from assistants.writing import written_spec
from portal.services.privacy import policy_in_scope


def page_of(request: HttpRequest, assistant: Assistant) -> dict[str, Any]:
    """Return the context of a page about this assistant."""
    spec = working_spec(assistant)
    return {
        "assistant": assistant,
        "tabs": _tabs(request, assistant),
        "is_free": thinks_for_free(spec),
        **(_in_writing(spec) if spec.is_realtime else {}),
    }


def _in_writing(spec: AssistantSpec) -> dict[str, Any]:
    """Return who answers in writing for a realtime model, and whether anybody does."""
    written = written_spec(spec, keys_at_hand(), policy_in_scope().regions)
    if written is None:
        return {"only_speaks": True}
    mind = catalogue().find_mind(written.llm_config.provider)
    model = mind.model(written.llm_config.model) if mind else None
    return {
        "writes_with": model.label if model else written.llm_config.model,
        "writes_at": label_of(mind) if mind else "",
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
        (_("Widget"), "assistant_widget", None),
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
