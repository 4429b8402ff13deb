"""Writing an assistant as a file that holds no secret."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone

from assistants.models import Assistant, McpServer
from assistants.spec import AssistantSpec
from assistants.tool_shapes import McpTool

FORMAT: Final = "voice.assistant"  # a portal tells nobody whose software it is
VERSION: Final = 1


def exported(assistant: Assistant) -> dict[str, Any]:
    """Return the current version as JSON. What was left out stands in `omitted`.

    Servers of tools go along by name and address, so that another organization can find
    or add its own; their headers do not.
    """
    assert assistant.current_version is not None
    spec = assistant.current_version.spec
    values = spec.model_dump(mode="json", by_alias=True)
    omitted = []
    for index, tool in enumerate(values["llm_config"]["tools"]):
        if tool["type"] == "function" and tool["server"].pop("secret", None):
            omitted.append(f"llm_config.tools[{index}].server.secret")
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": timezone.now().isoformat(timespec="seconds"),
        "assistant": values,
        "mcp_servers": _servers(spec),
        "omitted": omitted,
    }


def _servers(spec: AssistantSpec) -> dict[str, dict[str, str]]:
    ids = [t.mcp_server_id for t in spec.llm_config.tools if isinstance(t, McpTool)]
    return {
        str(server.pk): {
            "name": server.name,
            "url": server.url,
            "transport": server.transport,
        }
        for server in McpServer.objects.filter(pk__in=ids)
    }
