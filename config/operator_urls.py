"""Pages of the operator's own host: no portal, no brand."""

from django.urls import include, path
from django.views.generic import RedirectView

from billing.views.webhook import stripe_webhook
from config.api import api_urls
from config.cockpit.views import styleguide
from config.openapi import openapi_document
from config.ops.console import console
from config.ops.pages import brand_preview_css
from config.reference import api_reference
from portal.permissions import public
from portal.views.domains import tls_ask
from portal.views.health import healthz, readyz
from portal.views.preferences import set_language, set_theme
from portal.views.security import security_txt

urlpatterns = [
    path(
        "", public(RedirectView.as_view(pattern_name="admin:index")), name="dashboard"
    ),
    path("language/", set_language, name="set_language"),
    path("theme/", set_theme, name="set_theme"),
    path("ops/styleguide/", console.admin_view(styleguide), name="styleguide"),
    path(
        "ops/styleguide/brand.css",
        console.admin_view(brand_preview_css),
        name="brand_preview_css",
    ),
    path("ops/", console.urls),
    path("accounts/", include("allauth.urls")),
    path("developers/", api_reference, name="api_reference"),
    path("api/openapi.json", openapi_document, name="openapi"),
    path("api/v1/", api_urls),
    path("tls/ask", tls_ask, name="tls_ask"),
    path(".well-known/security.txt", security_txt, name="security_txt"),
    path("webhooks/stripe/", stripe_webhook, name="stripe_webhook"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]

handler403 = "portal.views.errors.forbidden"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.server_error"
