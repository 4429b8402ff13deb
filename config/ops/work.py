"""What organizations set up: assistants with their versions, campaigns with their leads."""

from __future__ import annotations

import json
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant, AssistantVersion
from calls.models import Call
from campaigns.models import Attempt, Campaign, Lead
from common.phone import mask
from config.ops.base import (
    AgencyFilter,
    OrganizationFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    Shown,
    link,
    list_link,
    without_secrets,
)


class AssistantAdmin(ReadOnlyAdmin):
    label = _("Assistants")
    icon = "assistant"
    list_display = ("name", "organization", "is_active", "updated_at", "deleted_at")
    list_select_related = ("organization",)
    list_filter = (
        "is_active",
        ("deleted_at", admin.EmptyFieldListFilter),
        AgencyFilter,
        OrganizationFilter,
    )
    search_fields = ("name",)
    fields = (
        "name",
        "organization",
        "is_active",
        "now",
        "versions",
        "created_at",
        "updated_at",
        "deleted_at",
    )

    @admin.display(description=_("version in force"))
    def now(self, row: Assistant) -> SafeString | str:
        version = row.current_version
        return link(version, version.number if version else "–")

    @admin.display(description=_("versions"))
    def versions(self, row: Assistant) -> SafeString:
        return list_link(AssistantVersion, _("All versions"), assistant__id=row.pk)


class AssistantVersionAdmin(ReadOnlyAdmin):
    label = _("Versions")
    icon = "archive"
    list_display = ("assistant", "number", "organization", "created_by", "created_at")
    list_select_related = ("assistant", "organization", "created_by")
    list_filter = (AgencyFilter, OrganizationFilter)
    search_fields = ("assistant__name",)
    ordering = ("-pk",)
    fields = (
        "assistant",
        "number",
        "organization",
        "created_by",
        "created_at",
        "specification",
    )

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        return lookup == "assistant__id" or super().lookup_allowed(
            lookup, value, request
        )

    @admin.display(description=_("specification"))
    def specification(self, row: AssistantVersion) -> SafeString:
        spec = without_secrets(row.spec_json)
        text = json.dumps(spec, indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)


class CampaignAdmin(ReadOnlyAdmin):
    label = _("Campaigns")
    icon = "campaign"
    list_display = (
        "name",
        "organization",
        "status",
        "halt_reason",
        "assistant",
        "created_at",
    )
    list_select_related = ("organization", "assistant")
    list_filter = ("status", "halt_reason", AgencyFilter, OrganizationFilter)
    ordering = ("-pk",)
    search_fields = ("name",)
    fields = (
        "name",
        "organization",
        "status",
        "halt_reason",
        "halt_detail",
        "assistant",
        "number",
        "max_concurrent_calls",
        "max_attempts",
        "retry_delay_s",
        "created_by",
        "created_at",
        "started_at",
        "finished_at",
        "leads",
    )

    @admin.display(description=_("leads"))
    def leads(self, row: Campaign) -> SafeString:
        return list_link(Lead, _("All leads"), campaign__id=row.pk)


class AttemptsInline(ReadOnlyInline):
    model = Attempt
    verbose_name_plural = _("Attempts")
    fields = ("number", "status", "outcome", "call", "created_at", "finished_at")

    @admin.display(description=_("call"))
    def call(self, row: Attempt) -> SafeString:
        return list_link(Call, row.call_id, q=row.call_id)


class LeadAdmin(ReadOnlyAdmin):
    """A person to be called: the number masked, name and variables left out."""

    label = _("Leads")
    icon = "user-plus"
    list_display = (
        "masked",
        "campaign",
        "organization",
        "status",
        "attempt_count",
        "last_outcome",
        "due_at",
    )
    list_select_related = ("campaign", "organization")
    list_filter = ("status", AgencyFilter, OrganizationFilter)
    ordering = ("-pk",)
    fields = (*list_display, "last_attempt_at", "created_at")
    inlines = (AttemptsInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("name", "variables")

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        return lookup == "campaign__id" or super().lookup_allowed(
            lookup, value, request
        )

    @admin.display(description=_("number"))
    def masked(self, row: Lead) -> str:
        return mask(row.phone_number)


class AttemptAdmin(ReadOnlyAdmin):
    label = _("Attempts")
    icon = "rotate"
    searched_id = "call_id"
    list_display = (
        "created_at",
        "organization",
        "campaign",
        "number",
        "status",
        "outcome",
        "call",
    )
    list_select_related = ("organization", "lead__campaign")
    list_filter = ("status", AgencyFilter, OrganizationFilter)
    search_fields = ("call_id",)
    search_help_text = _("The id of a call, whole.")
    ordering = ("-pk",)
    fields = (
        "organization",
        "campaign",
        "of_lead",
        "number",
        "status",
        "outcome",
        "call",
        "lease_until",
        "worker_count",
        "created_at",
        "finished_at",
    )

    @admin.display(description=_("campaign"))
    def campaign(self, row: Attempt) -> SafeString | str:
        return link(row.lead.campaign)

    @admin.display(description=_("lead"))
    def of_lead(self, row: Attempt) -> SafeString | str:
        return link(row.lead, mask(row.lead.phone_number))

    @admin.display(description=_("call"))
    def call(self, row: Attempt) -> SafeString:
        return list_link(Call, row.call_id, q=row.call_id)


WORK: Final[Shown] = {
    Assistant: AssistantAdmin,
    AssistantVersion: AssistantVersionAdmin,
    Campaign: CampaignAdmin,
    Lead: LeadAdmin,
    Attempt: AttemptAdmin,
}
