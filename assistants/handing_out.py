"""Copies of what an agency built, for one of its clients.

A copy lives on by itself: what the agency changes later does not reach it. Secrets come
along, sealed anew for the client, which uses them and cannot read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import transaction

from assistants.analysis_templates import save_analysis_template
from assistants.models import AnalysisTemplate, Assistant, McpServer, ToolTemplate
from assistants.services import create_assistant
from assistants.spec import AssistantSpec
from assistants.spec_secrets import opened
from assistants.templates import Kept
from assistants.tool_shapes import McpTool, Tool
from assistants.tool_templates import save_tool_template
from portal.models import Organization, User
from portal.scope import organization_scope
from portal.services import audit

_OF_SERVERS = ("url", "transport", "headers", "header_names", "timeout_seconds")
_OF_ANALYSES = (
    *("name", "description", "system_prompt", "user_prompt"),
    *("schema", "min_messages_threshold"),
)


@transaction.atomic
def copy_assistants(
    *,
    agency: Organization,
    client: Organization,
    ids: Iterable[UUID],
    actor: User | None,
) -> dict[UUID, Assistant]:
    """Give a client copies of these assistants, in this order; the id of each is its key.

    Servers of tools that they use come along. What was deleted meanwhile is left out.
    Raises `PlanLimit` or `OutsideRegion`, and leaves nothing.
    """
    wanted = list(ids)
    with organization_scope(agency):
        found = {
            row.pk: opened(row.current_version.spec, agency.pk)
            for row in Assistant.objects.filter(
                pk__in=wanted, deleted_at__isnull=True
            ).select_related("current_version")
            if row.current_version is not None
        }
    made = {}
    servers: dict[UUID, UUID] = {}
    for assistant_id in wanted:
        if assistant_id not in found:
            continue
        spec = _with_servers_of(client, agency, found[assistant_id], servers, actor)
        with organization_scope(client):
            made[assistant_id] = create_assistant(
                organization=client, spec=spec, actor=actor
            )
    return made


@transaction.atomic
def copy_tools(
    *,
    agency: Organization,
    client: Organization,
    ids: Iterable[UUID],
    actor: User | None,
) -> int:
    """Put these tools of the agency into the client's library; return how many."""

    def keep(row: ToolTemplate) -> None:
        save_tool_template(
            organization=client,
            template=None,
            name=row.name,
            description=row.description,
            kind=row.tool_type,
            config=row.tool_config,
            secret=row.server_secret,
            actor=actor,
        )

    return _copied(ToolTemplate, keep, agency=agency, client=client, ids=ids)


def copy_analyses(
    *,
    agency: Organization,
    client: Organization,
    ids: Iterable[UUID],
    actor: User | None,
) -> int:
    """Put these analyses of the agency into the client's library; return how many."""

    def keep(row: AnalysisTemplate) -> None:
        save_analysis_template(
            organization=client,
            template=None,
            values={name: getattr(row, name) for name in _OF_ANALYSES},
            actor=actor,
        )

    return _copied(AnalysisTemplate, keep, agency=agency, client=client, ids=ids)


@transaction.atomic
def _copied(
    kind: type[Kept],
    keep: Callable[[Kept], None],
    *,
    agency: Organization,
    client: Organization,
    ids: Iterable[UUID],
) -> int:
    """Keep each of the agency's that is still there in the client's scope, or none."""
    with organization_scope(agency):
        rows = list(kind.objects.filter(pk__in=list(ids)))
    with organization_scope(client):
        for row in rows:
            keep(row)
    return len(rows)


def _with_servers_of(
    client: Organization,
    agency: Organization,
    spec: AssistantSpec,
    servers: dict[UUID, UUID],
    actor: User | None,
) -> AssistantSpec:
    """Let a spec's tools find their servers at the client, made there where missing."""
    tools: list[Tool] = []
    for tool in spec.llm_config.tools:
        if not isinstance(tool, McpTool):
            tools.append(tool)
            continue
        there = servers.get(tool.mcp_server_id) or _server_at(
            client, agency, tool.mcp_server_id, actor
        )
        if there is None:
            continue  # the agency's own assistant has no such server any more
        servers[tool.mcp_server_id] = there
        tools.append(tool.model_copy(update={"mcp_server_id": there}))
    llm = spec.llm_config.model_copy(update={"tools": tuple(tools)})
    return spec.model_copy(update={"llm_config": llm})


def _server_at(
    client: Organization, agency: Organization, server_id: UUID, actor: User | None
) -> UUID | None:
    with organization_scope(agency):
        server = McpServer.objects.filter(pk=server_id).first()
    if server is None:
        return None
    with organization_scope(client):
        there = McpServer.objects.filter(url=server.url, name=server.name).first()
        if there is not None:
            return there.pk
        taken = set(McpServer.objects.values_list("name", flat=True))
        made = McpServer(organization=client, name=_free_name(server.name, taken))
        for name in _OF_SERVERS:
            setattr(made, name, getattr(server, name))
        made.save()
        audit.record(
            organization=client,
            actor=actor,
            action="mcp_server.created",
            target=made,
            changes={"name": made.name, "url": made.url},
        )
    return made.pk


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name[:74]} {number}"
        number += 1
    return free
