"""Pages about assistants."""

from django.urls import path

from assistants import (
    analysis_views,
    porting_views,
    tool_insert_views,
    tool_views,
    version_views,
    views,
)

_ONE = "assistants/<uuid:assistant_id>/"

urlpatterns = [
    path("assistants/", views.assistant_list, name="assistant_list"),
    path("assistants/fields/", views.assistant_fields, name="assistant_fields"),
    path("assistants/new/", views.assistant_new, name="assistant_new"),
    path("assistants/import/", porting_views.assistant_import, name="assistant_import"),
    path(
        "assistants/import/create/",
        porting_views.assistant_import_create,
        name="assistant_import_create",
    ),
    path(f"{_ONE}export.json", porting_views.assistant_export, name="assistant_export"),
    path(
        f"{_ONE}duplicate/",
        porting_views.assistant_duplicate,
        name="assistant_duplicate",
    ),
    path(
        "assistants/<uuid:assistant_id>/",
        views.assistant_detail,
        name="assistant_detail",
    ),
    path(
        "assistants/<uuid:assistant_id>/edit/",
        views.assistant_edit,
        name="assistant_edit",
    ),
    path(
        "assistants/<uuid:assistant_id>/activate/",
        views.assistant_activate,
        name="assistant_activate",
    ),
    path(
        "assistants/<uuid:assistant_id>/deactivate/",
        views.assistant_deactivate,
        name="assistant_deactivate",
    ),
    path(
        "assistants/<uuid:assistant_id>/delete/",
        views.assistant_delete,
        name="assistant_delete",
    ),
    path(f"{_ONE}edit/draft/", views.assistant_edit_draft, name="assistant_edit_draft"),
    path(
        f"{_ONE}edit/publish/",
        views.assistant_edit_publish,
        name="assistant_edit_publish",
    ),
    # tools
    path(f"{_ONE}tools/", tool_views.assistant_tools, name="assistant_tools"),
    path(
        f"{_ONE}tools/new/<slug:tool_kind>/",
        tool_views.assistant_tool_new,
        name="assistant_tool_new",
    ),
    path(
        f"{_ONE}tools/end-call/",
        tool_views.assistant_tool_end_call,
        name="assistant_tool_end_call",
    ),
    path(
        f"{_ONE}tools/servers/",
        tool_views.assistant_tool_servers,
        name="assistant_tool_servers",
    ),
    path(
        f"{_ONE}tools/servers/<uuid:server_id>/",
        tool_views.assistant_tool_mcp,
        name="assistant_tool_mcp",
    ),
    path(
        f"{_ONE}tools/servers/<uuid:server_id>/test/",
        tool_views.assistant_tool_mcp_test,
        name="assistant_tool_mcp_test",
    ),
    path(
        f"{_ONE}tools/library/",
        tool_insert_views.assistant_tool_library,
        name="assistant_tool_library",
    ),
    path(
        f"{_ONE}tools/library/<uuid:tool_template_id>/",
        tool_insert_views.assistant_tool_insert,
        name="assistant_tool_insert",
    ),
    path(
        f"{_ONE}tools/library/ours/<slug:tool_slug>/",
        tool_insert_views.assistant_tool_insert_starter,
        name="assistant_tool_insert_starter",
    ),
    path(
        f"{_ONE}tools/of/<slug:tool_key>/",
        tool_views.assistant_tool_edit,
        name="assistant_tool_edit",
    ),
    path(
        f"{_ONE}tools/of/<slug:tool_key>/remove/",
        tool_views.assistant_tool_remove,
        name="assistant_tool_remove",
    ),
    path(
        f"{_ONE}tools/of/<slug:tool_key>/n8n.json",
        tool_views.assistant_tool_workflow,
        name="assistant_tool_workflow",
    ),
    # analysis
    path(
        f"{_ONE}analysis/",
        analysis_views.assistant_analysis,
        name="assistant_analysis",
    ),
    path(
        f"{_ONE}analysis/library/",
        analysis_views.assistant_analysis_library,
        name="assistant_analysis_library",
    ),
    path(
        f"{_ONE}analysis/library/<uuid:analysis_template_id>/",
        analysis_views.assistant_analysis_insert,
        name="assistant_analysis_insert",
    ),
    path(
        f"{_ONE}analysis/library/ours/<slug:analysis_slug>/",
        analysis_views.assistant_analysis_insert_starter,
        name="assistant_analysis_insert_starter",
    ),
    # versions
    path(
        f"{_ONE}versions/",
        version_views.assistant_versions,
        name="assistant_versions",
    ),
    path(
        f"{_ONE}versions/compare/",
        version_views.assistant_compare,
        name="assistant_compare",
    ),
    path(
        f"{_ONE}versions/publish/",
        version_views.assistant_publish,
        name="assistant_publish",
    ),
    path(
        f"{_ONE}versions/discard/",
        version_views.assistant_discard,
        name="assistant_discard",
    ),
    path(
        f"{_ONE}versions/<int:number>/restore/",
        version_views.assistant_restore,
        name="assistant_restore",
    ),
]
