"""Pages of a portal about people and the portal itself."""

from django.urls import path, re_path

from portal.views import (
    api_keys,
    audit,
    brand,
    domains,
    joining,
    people,
    preferences,
    privacy,
    visits,
    webhooks,
)

urlpatterns = [
    path("language/", preferences.set_language, name="set_language"),
    path("theme/", preferences.set_theme, name="set_theme"),
    path(
        "organizations/<uuid:organization_id>/",
        preferences.switch_organization,
        name="switch_organization",
    ),
    path("brand.css", brand.brand_css, name="brand_css"),
    re_path(r"^brand/logo-(light|dark)$", brand.brand_logo, name="brand_logo"),
    re_path(
        r"^brand/picture/(?P<kind>icon-(?:180|192|512|maskable)|sign-in|social)$",
        brand.brand_picture,
        name="brand_picture",
    ),
    path("brand/manifest.webmanifest", brand.brand_manifest, name="brand_manifest"),
    path("brand/favicon", brand.brand_favicon, name="brand_favicon"),
    path("brand/preview.css", brand.brand_preview_css, name="brand_preview_css"),
    path("brand/contrast/", brand.brand_contrast, name="brand_contrast"),
    path(
        "settings/brand/pictures/<slug:kind>/",
        brand.brand_picture_set,
        name="brand_picture_set",
    ),
    path("pages/<str:key>/", brand.menu_page, name="menu_page"),
    path("settings/brand/", brand.brand_edit, name="brand_edit"),
    path(".well-known/portal", domains.domain_proof, name="domain_proof"),
    path("settings/domains/", domains.domain_list, name="domain_list"),
    path("settings/domains/claim/", domains.domain_claim, name="domain_claim"),
    path(
        "settings/domains/<uuid:domain_id>/check/",
        domains.domain_check,
        name="domain_check",
    ),
    path(
        "settings/domains/<uuid:domain_id>/release/",
        domains.domain_release,
        name="domain_release",
    ),
    path("settings/team/", people.member_list, name="member_list"),
    path("settings/team/add/", people.member_add, name="member_add"),
    path("settings/team/leave/", people.member_leave, name="member_leave"),
    path("settings/team/<uuid:member_id>/", people.member_edit, name="member_edit"),
    path(
        "settings/team/<uuid:member_id>/remove/",
        people.member_remove,
        name="member_remove",
    ),
    path(
        "settings/team/<uuid:member_id>/owner/",
        people.ownership_hand_over,
        name="ownership_hand_over",
    ),
    path(
        "settings/invitations/<uuid:invitation_id>/resend/",
        people.invitation_resend,
        name="invitation_resend",
    ),
    path(
        "settings/invitations/<uuid:invitation_id>/revoke/",
        people.invitation_revoke,
        name="invitation_revoke",
    ),
    path("join/<str:token>/", joining.join, name="join"),
    path("clients/<uuid:client_id>/visit/", visits.visit_start, name="visit_start"),
    path("visit/end/", visits.visit_end, name="visit_end"),
    path("visit/<str:ticket>/", visits.visit_enter, name="visit_enter"),
    path("settings/visits/", visits.visit_list, name="visit_list"),
    path("settings/audit/", audit.audit_list, name="audit_list"),
    path("settings/audit.csv", audit.audit_csv, name="audit_csv"),
    path("settings/privacy/", privacy.privacy_edit, name="privacy_edit"),
    path("settings/keys/", api_keys.api_key_list, name="api_key_list"),
    path("settings/keys/prefix/", api_keys.api_key_prefix, name="api_key_prefix"),
    path(
        "settings/keys/<uuid:key_id>/rotate/",
        api_keys.api_key_rotate,
        name="api_key_rotate",
    ),
    path(
        "settings/keys/<uuid:key_id>/revoke/",
        api_keys.api_key_revoke,
        name="api_key_revoke",
    ),
    path("settings/webhooks/", webhooks.webhook_list, name="webhook_list"),
    path("settings/webhooks/new/", webhooks.webhook_new, name="webhook_new"),
    path(
        "settings/webhooks/<uuid:endpoint_id>/",
        webhooks.webhook_detail,
        name="webhook_detail",
    ),
    path(
        "settings/webhooks/<uuid:endpoint_id>/edit/",
        webhooks.webhook_edit,
        name="webhook_edit",
    ),
    path(
        "settings/webhooks/<uuid:endpoint_id>/rotate/",
        webhooks.webhook_rotate,
        name="webhook_rotate",
    ),
    path(
        "settings/webhooks/<uuid:endpoint_id>/enable/",
        webhooks.webhook_enable,
        name="webhook_enable",
    ),
    path(
        "settings/webhooks/<uuid:endpoint_id>/disable/",
        webhooks.webhook_disable,
        name="webhook_disable",
    ),
    path(
        "settings/webhooks/<uuid:endpoint_id>/delete/",
        webhooks.webhook_delete,
        name="webhook_delete",
    ),
    path(
        "settings/webhooks/<uuid:endpoint_id>/test/",
        webhooks.webhook_test,
        name="webhook_test",
    ),
    path(
        "settings/webhooks/<uuid:endpoint_id>/replay/",
        webhooks.webhook_replay,
        name="webhook_replay",
    ),
    path(
        "settings/webhooks/deliveries/<uuid:delivery_id>/",
        webhooks.webhook_delivery,
        name="webhook_delivery",
    ),
    path(
        "settings/webhooks/deliveries/<uuid:delivery_id>/replay/",
        webhooks.webhook_delivery_replay,
        name="webhook_delivery_replay",
    ),
]
