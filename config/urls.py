"""Pages of a portal."""

from django.urls import include, path

from config.api import api_urls
from config.clients import pages as clients
from config.cockpit import cockpit as cockpit_pages, guard, views as cockpit
from config.cockpit.usage import usage
from config.openapi import openapi_document
from config.reference import api_reference
from config.subjects import views as subjects
from portal.views.health import healthz, readyz
from portal.views.security import security_txt

urlpatterns = [
    path("", cockpit.dashboard, name="dashboard"),
    path("clients/", cockpit.client_list, name="client_list"),
    path("cockpit/", cockpit_pages.cockpit, name="cockpit"),
    path("cockpit.csv", cockpit_pages.cockpit_csv, name="cockpit_csv"),
    path("clients/set-up/", clients.client_set_up, name="client_set_up"),
    path(
        "clients/<uuid:client_id>/limits/", clients.client_limits, name="client_limits"
    ),
    path("clients/<uuid:client_id>/copy/", clients.client_copy, name="client_copy"),
    path("clients/<uuid:client_id>/notes/", clients.client_note, name="client_note"),
    path(
        "clients/<uuid:client_id>/move/<slug:move>/",
        clients.client_move,
        name="client_move",
    ),
    path(
        "sign-ups/<uuid:request_id>/<slug:decision>/",
        clients.sign_up_decide,
        name="sign_up_decide",
    ),
    path("sign-up/", clients.sign_up, name="sign_up"),
    path("welcome/<str:token>/", clients.welcome, name="welcome"),
    path("clients/new/", cockpit.client_new, name="client_new"),
    path("clients/<uuid:client_id>/", cockpit.client_detail, name="client_detail"),
    path("clients/<uuid:client_id>/calling/", guard.client_guard, name="client_guard"),
    path(
        "clients/<uuid:client_id>/alerts/<uuid:alert_id>/dismiss/",
        guard.client_alert_dismiss,
        name="client_alert_dismiss",
    ),
    path("clients/<uuid:client_id>/halt/", guard.client_halt, name="client_halt"),
    path(
        "clients/<uuid:client_id>/halt/lift/",
        guard.client_halt_lift,
        name="client_halt_lift",
    ),
    path("settings/privacy/requests/", subjects.subject_find, name="subject_find"),
    path(
        "settings/privacy/requests/export/",
        subjects.subject_export,
        name="subject_export",
    ),
    path(
        "settings/privacy/requests/erase/",
        subjects.subject_erase,
        name="subject_erase",
    ),
    path(
        "settings/privacy/requests/<uuid:erasure_id>/",
        subjects.subject_certificate,
        name="subject_certificate",
    ),
    path("billing/usage/", usage, name="usage"),
    path("", include("portal.urls")),
    path("", include("assistants.urls")),
    path("", include("assistants.library_urls")),
    path("", include("calls.urls")),
    path("", include("campaigns.urls")),
    path("", include("billing.urls")),
    path("accounts/", include("allauth.urls")),
    path("developers/", api_reference, name="api_reference"),
    path("api/openapi.json", openapi_document, name="openapi"),
    path("api/v1/", api_urls),
    path(".well-known/security.txt", security_txt, name="security_txt"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]

handler403 = "portal.views.errors.forbidden"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.server_error"
