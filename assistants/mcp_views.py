"""Pages about MCP servers."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import mcp_servers
from assistants.library import library_tabs
from assistants.mcp_forms import McpServerForm
from assistants.mcp_servers import McpInUse, McpRefused, NameTaken, get_server
from assistants.models import McpServer
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.sudo import sudo


@require_GET
@requires(Permission.ASSISTANTS_READ)
def mcp_server_list(request: MemberRequest) -> HttpResponse:
    """Every MCP server and what its last test found."""
    context = {"servers": McpServer.objects.all(), "tabs": library_tabs(request)}
    return render(request, "assistants/mcp_server_list.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
@sudo
def mcp_server_new(request: MemberRequest) -> HttpResponse:
    """Add a server."""
    return _edited(request, None)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
@sudo
def mcp_server_edit(request: MemberRequest, server_id: UUID) -> HttpResponse:
    """Change a server."""
    return _edited(request, get_server(server_id))


def _edited(request: MemberRequest, server: McpServer | None) -> HttpResponse:
    is_post = request.method == "POST"
    form = McpServerForm(request.POST if is_post else None, server=server)
    if is_post and form.is_valid():
        saved = _saved(request, server, form)
        if saved is not None:
            return redirect("mcp_server_detail", saved.pk)
    return render(
        request,
        "assistants/mcp_server_form.html",
        {"form": form, "server": server},
        status=422 if form.errors else 200,
    )


def _saved(
    request: MemberRequest, server: McpServer | None, form: McpServerForm
) -> McpServer | None:
    try:
        if server is None:
            return mcp_servers.create_server(
                organization=request.organization,
                values=form.values,
                actor=request.user,
            )
        return mcp_servers.change_server(
            server=server, values=form.values, actor=request.user
        )
    except McpRefused as refusal:
        form.refuse(refusal.param, str(refusal))
    except NameTaken as taken:
        form.refuse("name", str(taken))
    return None


@require_GET
@requires(Permission.ASSISTANTS_READ)
def mcp_server_detail(request: MemberRequest, server_id: UUID) -> HttpResponse:
    """One server, its tools as of the last test, and who uses it."""
    server = get_server(server_id)
    context = {"server": server, "using": mcp_servers.assistants_using(server.pk)}
    return render(request, "assistants/mcp_server_detail.html", context)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def mcp_server_test(request: MemberRequest, server_id: UUID) -> HttpResponse:
    """Connect now and list the tools."""
    server = get_server(server_id)
    found = mcp_servers.test_server(server=server)
    if found["ok"]:
        said = _("Connected in %(ms)s ms: %(count)s tools.")
        count = len(found["tools"])
        messages.success(request, said % {"ms": found["duration_ms"], "count": count})
    else:
        messages.error(request, found["error"])
    return redirect("mcp_server_detail", server.pk)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def mcp_server_delete(request: MemberRequest, server_id: UUID) -> HttpResponse:
    """Delete a server that no assistant uses."""
    server = get_server(server_id)
    try:
        mcp_servers.delete_server(server=server, actor=request.user)
    except McpInUse as used:
        messages.error(request, str(used))
        return redirect("mcp_server_detail", server_id)
    messages.success(request, _("%(name)s was deleted.") % {"name": server.name})
    return redirect("mcp_server_list")
