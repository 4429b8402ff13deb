"""What a call takes along from the database beside its spec: keys, tool servers, secrets.

Read once, when a node picks the call up; opened only there, in that process's memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from assistants.catalogue import PIPELINE, Stage, catalogue
from assistants.keys import OwnKey, Payer, own_keys
from assistants.mcp_client import Endpoint
from assistants.mcp_servers import endpoint_of
from assistants.models import McpServer
from assistants.spec import AssistantSpec
from assistants.tool_shapes import FunctionTool, McpTool
from calls.models import Call
from calls.webhook_messages import call_envelope
from portal.models import Organization
from portal.webhooks import kinds
from portal.webhooks.asking import Listener, listener_for


@dataclass(frozen=True)
class McpSource:
    """A tool server of one call. No endpoint: somebody deleted it meanwhile."""

    endpoint: Endpoint | None
    allowed_tools: tuple[str, ...]
    is_required: bool


@dataclass(frozen=True)
class Equipment:
    """Everything of a call that is secret, or lives in a row of its own."""

    keys: Mapping[str, OwnKey] = field(default_factory=dict, repr=False)
    mcp_sources: tuple[McpSource, ...] = ()
    # Who runs each function, by its name, and what every request to them begins with.
    listeners: Mapping[str, Listener] = field(default_factory=dict, repr=False)
    envelope: Mapping[str, Any] = field(default_factory=dict, repr=False)
    organization: Organization | None = None


def equip(call: Call, spec: AssistantSpec) -> Equipment:
    """Return what a call needs, its secrets opened; the caller's scope shows its rows."""
    agency_id, organization_id = call.agency_id, call.organization_id
    tools = [tool for tool in spec.llm_config.tools if isinstance(tool, McpTool)]
    rows = {
        row.pk: row
        for row in McpServer.objects.filter(
            organization_id=organization_id,
            pk__in=[tool.mcp_server_id for tool in tools],
        )
    }
    functions = [one for one in spec.llm_config.tools if isinstance(one, FunctionTool)]
    return Equipment(
        listeners=_listeners(call, functions),
        envelope=call_envelope(call) if functions else {},
        organization=call.organization,
        keys=own_keys(agency_id, organization_id),
        mcp_sources=tuple(
            McpSource(
                endpoint_of(rows[tool.mcp_server_id])
                if tool.mcp_server_id in rows
                else None,
                tool.allowed_tools,
                tool.required,
            )
            for tool in tools
        ),
    )


def credentials_of(agency_id: UUID, organization_id: UUID) -> dict[str, Any]:
    """Return every key that an organization's vendors could use outside of a call."""
    # Loads the voice library.
    from calls.node.credentials import installation_credentials, with_own_keys

    return with_own_keys(
        installation_credentials(), own_keys(agency_id, organization_id)
    )


def _listeners(call: Call, tools: list[FunctionTool]) -> dict[str, Listener]:
    """The tool's own address, else the assistant's, else the organization's."""
    assistant_id = call.overrides.get("webhook_id") or call.assistant_id
    found = {
        tool.name: listener_for(
            organization=call.organization,
            kind=kinds.TOOL_CALLS,
            assistant_id=assistant_id,
            url=tool.server.url or "",
            secret=tool.server.secret or "",
        )
        for tool in tools
    }
    return {name: one for name, one in found.items() if one is not None}


def key_owners(spec: AssistantSpec, usable: Mapping[str, str]) -> dict[str, str]:
    """Return whose key pays for each stage of a call that starts now.

    `usable` tells whose key each vendor gets. A stage whose provider needs no key is
    left out: nobody pays for it.
    """
    found = {}
    for stage in PIPELINE:
        config = getattr(spec, f"{stage}_config", None)
        if config is None:
            continue
        provider = catalogue().find(stage, config.provider)
        if provider is None and stage == Stage.LLM:
            provider = catalogue().find(Stage.REALTIME, config.provider)
        key = (
            provider.key_for(config.model or provider.default_model)
            if provider
            else None
        )
        if key is not None:
            found[str(stage)] = str(usable.get(key, Payer.PLATFORM))
    return found
