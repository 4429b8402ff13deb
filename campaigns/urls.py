"""Pages about campaigns."""

from django.urls import path

from campaigns.views import (
    audience,
    comparing,
    detail,
    limits,
    lists,
    making,
    people,
    registers,
    reports,
    running,
    setup,
    suppressions,
)

_CAMPAIGN = "campaigns/<uuid:campaign_id>"
_LEAD = f"{_CAMPAIGN}/leads/<uuid:lead_id>"
_REGISTER = "do-not-call/registers/<uuid:register_id>"
_LIST = "saved-lists/<uuid:list_id>"

urlpatterns = [
    path("do-not-call/", suppressions.suppression_list, name="suppression_list"),
    path("do-not-call/add/", suppressions.suppression_add, name="suppression_add"),
    path(
        "do-not-call/<uuid:suppression_id>/remove/",
        suppressions.suppression_remove,
        name="suppression_remove",
    ),
    path("do-not-call/registers/new/", registers.register_new, name="register_new"),
    path(f"{_REGISTER}/", registers.register_detail, name="register_detail"),
    path(f"{_REGISTER}/try/", registers.register_try, name="register_try"),
    path(f"{_REGISTER}/remove/", registers.register_remove, name="register_remove"),
    path("saved-lists/", lists.saved_list_list, name="saved_list_list"),
    path("saved-lists/new/", lists.saved_list_new, name="saved_list_new"),
    path(f"{_LIST}/", lists.saved_list_detail, name="saved_list_detail"),
    path(f"{_LIST}/people/", lists.saved_list_add, name="saved_list_add"),
    path(f"{_LIST}/use/", lists.saved_list_use, name="saved_list_use"),
    path(f"{_LIST}/delete/", lists.saved_list_delete, name="saved_list_delete"),
    path("calling-limits/", limits.calling_limits, name="calling_limits"),
    path(
        "calling-limits/save/", limits.calling_limits_save, name="calling_limits_save"
    ),
    path("campaigns/compare/", comparing.campaign_compare, name="campaign_compare"),
    path(f"{_CAMPAIGN}/saved-list/", lists.campaign_use_list, name="campaign_use_list"),
    path(
        f"{_CAMPAIGN}/save-as-list/",
        reports.campaign_save_list,
        name="campaign_save_list",
    ),
    path(
        f"{_CAMPAIGN}/setup/<slug:step>/", setup.campaign_setup, name="campaign_setup"
    ),
    path(f"{_CAMPAIGN}/preview/", setup.campaign_preview, name="campaign_preview"),
    path(
        f"{_CAMPAIGN}/test-call/", setup.campaign_test_call, name="campaign_test_call"
    ),
    path(f"{_CAMPAIGN}/imports/", setup.campaign_imports, name="campaign_imports"),
    path(f"{_CAMPAIGN}/upload/", audience.campaign_upload, name="campaign_upload"),
    path(
        f"{_CAMPAIGN}/imports/<uuid:import_id>/columns/",
        audience.campaign_mapping,
        name="campaign_mapping",
    ),
    path(
        f"{_CAMPAIGN}/imports/<uuid:import_id>/cancel/",
        audience.campaign_import_cancel,
        name="campaign_import_cancel",
    ),
    path(
        f"{_CAMPAIGN}/imports/<uuid:import_id>/resume/",
        audience.campaign_import_resume,
        name="campaign_import_resume",
    ),
    path(
        f"{_CAMPAIGN}/imports/<uuid:import_id>/discard/",
        audience.campaign_import_discard,
        name="campaign_import_discard",
    ),
    path(
        f"{_CAMPAIGN}/imports/<uuid:import_id>/faults/",
        audience.campaign_import_faults,
        name="campaign_import_faults",
    ),
    path(f"{_LEAD}/", people.lead_why, name="lead_why"),
    path(f"{_LEAD}/edit/", people.lead_edit, name="lead_edit"),
    path(f"{_LEAD}/skip/", people.lead_skip, name="lead_skip"),
    path(f"{_LEAD}/requeue/", people.lead_requeue, name="lead_requeue"),
    path(f"{_CAMPAIGN}/copy/", reports.campaign_copy, name="campaign_copy"),
    path(
        f"{_CAMPAIGN}/report.csv",
        reports.campaign_report,
        {"kind": "csv"},
        name="campaign_report_csv",
    ),
    path(
        f"{_CAMPAIGN}/report.xlsx",
        reports.campaign_report,
        {"kind": "xlsx"},
        name="campaign_report_xlsx",
    ),
    path("campaigns/", detail.campaign_list, name="campaign_list"),
    path("campaigns/new/", making.campaign_new, name="campaign_new"),
    path(
        "campaigns/templates/<uuid:campaign_template_id>/delete/",
        making.campaign_template_delete,
        name="campaign_template_delete",
    ),
    path("campaigns/leads/check/", making.leads_check, name="campaign_leads_check"),
    path(
        "campaigns/<uuid:campaign_id>/", detail.campaign_detail, name="campaign_detail"
    ),
    path(
        "campaigns/<uuid:campaign_id>/live/", detail.campaign_live, name="campaign_live"
    ),
    path(
        "campaigns/<uuid:campaign_id>/leads/",
        making.campaign_leads_add,
        name="campaign_leads_add",
    ),
    path(
        "campaigns/<uuid:campaign_id>/launch/",
        running.campaign_launch,
        name="campaign_launch",
    ),
    path(
        "campaigns/<uuid:campaign_id>/pause/",
        running.campaign_pause,
        name="campaign_pause",
    ),
    path(
        "campaigns/<uuid:campaign_id>/resume/",
        running.campaign_resume,
        name="campaign_resume",
    ),
    path(
        "campaigns/<uuid:campaign_id>/cancel/",
        running.campaign_cancel,
        name="campaign_cancel",
    ),
]
