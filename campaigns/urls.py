"""Pages about campaigns."""

from django.urls import path

from campaigns.views import detail, making, running

urlpatterns = [
    path("campaigns/", detail.campaign_list, name="campaign_list"),
    path("campaigns/new/", making.campaign_new, name="campaign_new"),
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
