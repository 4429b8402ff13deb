"""Pages about tools, analyses, MCP servers and keys."""

from django.urls import path

from assistants import key_views, library_views, mcp_views, tool_template_views

urlpatterns = [
    path("library/", tool_template_views.tool_template_list, name="tool_template_list"),
    path(
        "library/tools/new/",
        tool_template_views.tool_template_new,
        name="tool_template_new",
    ),
    path(
        "library/tools/new/<slug:tool_kind>/",
        tool_template_views.tool_template_new_kind,
        name="tool_template_new_kind",
    ),
    path(
        "library/tools/copy/<slug:tool_slug>/",
        tool_template_views.tool_template_copy,
        name="tool_template_copy",
    ),
    path(
        "library/tools/<uuid:tool_template_id>/",
        tool_template_views.tool_template_edit,
        name="tool_template_edit",
    ),
    path(
        "library/tools/<uuid:tool_template_id>/delete/",
        tool_template_views.tool_template_delete,
        name="tool_template_delete",
    ),
    path(
        "library/analyses/",
        library_views.analysis_template_list,
        name="analysis_template_list",
    ),
    path(
        "library/analyses/new/",
        library_views.analysis_template_new,
        name="analysis_template_new",
    ),
    path(
        "library/analyses/copy/<slug:analysis_slug>/",
        library_views.analysis_template_copy,
        name="analysis_template_copy",
    ),
    path(
        "library/analyses/<uuid:analysis_template_id>/",
        library_views.analysis_template_edit,
        name="analysis_template_edit",
    ),
    path(
        "library/analyses/<uuid:analysis_template_id>/delete/",
        library_views.analysis_template_delete,
        name="analysis_template_delete",
    ),
    path("library/mcp-servers/", mcp_views.mcp_server_list, name="mcp_server_list"),
    path("library/mcp-servers/new/", mcp_views.mcp_server_new, name="mcp_server_new"),
    path(
        "library/mcp-servers/<uuid:server_id>/",
        mcp_views.mcp_server_detail,
        name="mcp_server_detail",
    ),
    path(
        "library/mcp-servers/<uuid:server_id>/edit/",
        mcp_views.mcp_server_edit,
        name="mcp_server_edit",
    ),
    path(
        "library/mcp-servers/<uuid:server_id>/test/",
        mcp_views.mcp_server_test,
        name="mcp_server_test",
    ),
    path(
        "library/mcp-servers/<uuid:server_id>/delete/",
        mcp_views.mcp_server_delete,
        name="mcp_server_delete",
    ),
    path("provider-keys/", key_views.provider_key_list, name="provider_key_list"),
    path(
        "provider-keys/<slug:provider>/",
        key_views.provider_key_edit,
        name="provider_key_edit",
    ),
    path(
        "provider-keys/<slug:provider>/share/",
        key_views.provider_key_share,
        name="provider_key_share",
    ),
    path(
        "provider-keys/<slug:provider>/unshare/",
        key_views.provider_key_unshare,
        name="provider_key_unshare",
    ),
    path(
        "provider-keys/<slug:provider>/remove/",
        key_views.provider_key_remove,
        name="provider_key_remove",
    ),
]
