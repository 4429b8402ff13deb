"""Pages about assistants."""

from django.urls import path

from assistants import data_views, views

urlpatterns = [
    path("assistants/", views.assistant_list, name="assistant_list"),
    path("assistants/fields/", views.assistant_fields, name="assistant_fields"),
    path("assistants/new/", views.assistant_new, name="assistant_new"),
    path(
        "assistants/<uuid:assistant_id>/",
        views.assistant_detail,
        name="assistant_detail",
    ),
    path(
        "assistants/<uuid:assistant_id>/data/",
        data_views.assistant_data,
        name="assistant_data",
    ),
    path(
        "assistants/<uuid:assistant_id>/data/record.txt",
        data_views.assistant_data_record,
        name="assistant_data_record",
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
]
