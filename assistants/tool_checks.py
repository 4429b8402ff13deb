"""What of an assistant's tools only the installation can judge: addresses and servers.

Kept apart from the shapes, which know neither the network nor the database.
"""

from __future__ import annotations

from django.utils.translation import gettext

from assistants.catalogue import CatalogueError
from assistants.models import McpServer
from assistants.spec import AssistantSpec
from assistants.tool_shapes import FunctionTool, McpTool
from common.http import OutboundError, check_url
from common.http.client import allowed_networks


def tool_faults(spec: AssistantSpec) -> list[CatalogueError]:
    """Return every tool that leads where it may not, or to a server that is not there.

    The MCP servers are those of the scope.
    """
    faults = []
    known: set[object] | None = None
    for index, tool in enumerate(spec.llm_config.tools):
        at = f"llm_config.tools[{index}]"
        if isinstance(tool, FunctionTool) and tool.server.url:
            try:
                check_url(tool.server.url, allowed=allowed_networks())
            except OutboundError as error:
                faults.append(CatalogueError(f"{at}.server.url", str(error)))
        elif isinstance(tool, McpTool):
            if known is None:
                known = set(McpServer.objects.values_list("pk", flat=True))
            if tool.mcp_server_id not in known:
                message = gettext("There is no such MCP server.")
                faults.append(CatalogueError(f"{at}.mcp_server_id", message))
    return faults
