"""Assistants, their immutable versions, and what they are made of and run on."""

from assistants.models.assistant import Assistant, AssistantVersion
from assistants.models.mcp_server import McpServer
from assistants.models.provider_key import ProviderKey
from assistants.models.template import AnalysisTemplate, ToolTemplate

__all__ = [
    "AnalysisTemplate",
    "Assistant",
    "AssistantVersion",
    "McpServer",
    "ProviderKey",
    "ToolTemplate",
]
