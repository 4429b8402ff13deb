"""Agencies and clients, their portals, people and keys, and what was changed."""

from __future__ import annotations

import json
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from billing.models import Account, LedgerEntry
from calls.models import Call
from calls.services.halting import halt_calls, lift_halt
from common.money import format_credits
from config.ops.base import (
    AgencyFilter,
    OrganizationFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    Shown,
    list_link,
    person,
)
from portal.features import Feature
from portal.models import (
    APIKey,
    AuditRecord,
    Membership,
    Organization,
    OutgoingMail,
    Portal,
    PortalDomain,
    User,
    Visit,
)
from portal.services.api_keys import revoke_key
from portal.services.organizations import set_status


class KindFilter(admin.SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("agency", _("Agencies")), ("client", _("Clients"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() not in ("agency", "client"):
            return None
        return queryset.filter(parent__isnull=self.value() == "agency")


class ParentFilter(AgencyFilter):
    path = "parent"


class MembersInline(ReadOnlyInline):
    model = Membership
    verbose_name_plural = _("Team")
    fields = ("user", "role", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user")


class OrganizationAdmin(ReadOnlyAdmin):
    label = _("Agencies and clients")
    icon = "building"
    list_display = ("name", "kind", "parent", "portal_slug", "status", "balance")
    list_display_links = ("name",)
    list_filter = ("status", KindFilter, ParentFilter)
    list_select_related = ("parent",)
    search_fields = ("name",)
    ordering = ("name", "pk")
    actions = ("suspend", "reopen", "stop_calls", "let_calls_start")
    list_tools = ((_("Open an agency"), "admin:agency_open", "plus"),)
    fields = (
        "name",
        "kind",
        "parent",
        "portal_slug",
        "status",
        "balance",
        "max_concurrent_calls",
        "max_minutes_per_month",
        "switched_off",
        "time_zone",
        "created_at",
        "more",
    )
    inlines = (MembersInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        wallet = Account.objects.filter(
            organization=OuterRef("pk"), kind=Account.Kind.WALLET
        )
        # By the slug alone: a portal's row carries its pictures.
        portal = Portal.objects.filter(agency=OuterRef("top"))
        rows = super().get_queryset(request)
        shown: QuerySet[Any] = rows.annotate(
            top=Coalesce(F("parent_id"), F("pk"))
        ).annotate(
            wallet=Subquery(wallet.values("balance_microcredits")[:1]),
            slug=Subquery(portal.values("slug")[:1]),
        )
        return shown

    @admin.display(description=_("kind"))
    def kind(self, row: Organization) -> Any:
        return _("Agency") if row.is_agency else _("Client")

    @admin.display(description=_("portal"), ordering="slug")
    def portal_slug(self, row: Any) -> str:
        return row.slug or "–"

    @admin.display(description=_("credits"), ordering="wallet")
    def balance(self, row: Any) -> str:
        return "–" if row.wallet is None else format_credits(row.wallet)

    @admin.display(description=_("more"))
    def more(self, row: Organization) -> SafeString:
        found: dict[str, object] = {"agency": row.agency_id, "organization": row.pk}
        return format_html(
            "{} · {} · {}",
            list_link(Call, _("Calls"), **found),
            list_link(LedgerEntry, _("Entries"), **found),
            list_link(AuditRecord, _("Audit records"), **found),
        )

    @admin.display(description=_("switched off"))
    def switched_off(self, row: Organization) -> str:
        labels = [str(one.label) for one in Feature if one in row.features_off]
        return ", ".join(labels) or "–"

    def tools_of(self, row: Organization) -> list[dict[str, Any]]:
        pages: list[tuple[Any, str, str]] = [
            (_("Limits and features"), "admin:limit_organization", "sliders"),
            (_("Work in it"), "admin:visit_organization", "eye"),
        ]
        if row.is_agency:
            pages.insert(1, (_("Give credits"), "admin:grant", "coins"))
        return [
            {"label": label, "url": reverse(name, args=[row.pk]), "icon": icon}
            for label, name, icon in pages
        ]

    @admin.action(description=_("Suspend: refuse new calls"))
    def suspend(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        self._move(request, queryset, Organization.Status.SUSPENDED)

    @admin.action(description=_("Reopen"))
    def reopen(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        self._move(request, queryset, Organization.Status.ACTIVE)

    @admin.action(description=_("Stop calls at once, those going on too"))
    def stop_calls(
        self, request: HttpRequest, queryset: QuerySet[Organization]
    ) -> None:
        stopped = sum(
            halt_calls(
                organization=row,
                reason=gettext("Stopped by the operator"),
                actor=person(request),
            )
            for row in queryset
        )
        text = ngettext(
            "No call starts any more; %(count)d that was going on ends.",
            "No call starts any more; %(count)d that were going on end.",
            stopped,
        )
        messages.success(request, text % {"count": stopped})

    @admin.action(description=_("Let calls start again"))
    def let_calls_start(
        self, request: HttpRequest, queryset: QuerySet[Organization]
    ) -> None:
        lifted = sum(
            lift_halt(organization=row, actor=person(request)) for row in queryset
        )
        text = ngettext(
            "%(count)d organization may call again.",
            "%(count)d organizations may call again.",
            lifted,
        )
        messages.success(request, text % {"count": lifted})

    def _move(
        self,
        request: HttpRequest,
        queryset: QuerySet[Organization],
        status: Organization.Status,
    ) -> None:
        """An archived organization is not moved: that is not a matter of one click."""
        rows = queryset.exclude(status=Organization.Status.ARCHIVED)
        moved = sum(
            set_status(organization=row, status=status, actor=person(request))
            for row in rows
        )
        text = ngettext(
            "%(count)d organization is now %(status)s.",
            "%(count)d organizations are now %(status)s.",
            moved,
        )
        shown = {"count": moved, "status": str(status.label).lower()}
        messages.success(request, text % shown)


class PortalAdmin(ReadOnlyAdmin):
    label = _("Portals")
    icon = "globe"
    list_display = ("slug", "name", "agency", "is_enabled", "created_at")
    list_select_related = ("agency",)
    list_filter = ("is_enabled",)
    search_fields = ("slug", "name")
    fields = (
        "slug",
        "name",
        "agency",
        "is_enabled",
        "accent_color",
        "neutral_hue_deg",
        "radius",
        "font",
        "density",
        "welcome_text",
        "support_email",
        "credits_word",
        "created_at",
    )


class PlacesInline(ReadOnlyInline):
    model = Membership
    verbose_name_plural = _("Teams of this person")
    fields = ("organization", "role", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("organization")


class UserAdmin(ReadOnlyAdmin):
    label = _("People")
    icon = "users"
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = (
        "email",
        "name",
        "language",
        "is_active",
        "is_staff",
        "last_login",
        "created_at",
    )
    inlines = (PlacesInline,)


class MembershipAdmin(ReadOnlyAdmin):
    label = _("Memberships")
    icon = "user"
    list_display = ("user", "organization", "role", "created_at")
    list_select_related = ("user", "organization")
    list_filter = ("role",)
    search_fields = ("user__email", "organization__name")
    ordering = ("-created_at",)
    fields = ("user", "organization", "role", "created_at")


class APIKeyAdmin(ReadOnlyAdmin):
    """Known by its first characters; the digest is nobody's business."""

    label = _("API keys")
    icon = "key"
    list_display = (
        "name",
        "prefix",
        "organization",
        "created_at",
        "last_used_at",
        "revoked_at",
    )
    list_select_related = ("organization",)
    list_filter = (
        ("revoked_at", admin.EmptyFieldListFilter),
        AgencyFilter,
        OrganizationFilter,
    )
    search_fields = ("prefix__startswith", "name")
    actions = ("revoke",)
    fields = (
        "name",
        "prefix",
        "organization",
        "created_by",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )

    @admin.action(description=_("Revoke: refuse the key from now on"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        keys = list(queryset.filter(revoked_at=None).select_related("organization"))
        for key in keys:
            revoke_key(key=key, actor=person(request))
        text = ngettext(
            "%(count)d key is revoked.", "%(count)d keys are revoked.", len(keys)
        )
        messages.success(request, text % {"count": len(keys)})


class AuditRecordAdmin(ReadOnlyAdmin):
    label = _("Audit records")
    icon = "shield"
    list_display = ("created_at", "action", "organization", "actor", "target")
    list_select_related = ("organization", "actor")
    list_filter = (AgencyFilter, OrganizationFilter)
    search_fields = ("action__startswith", "actor__email")
    ordering = ("-pk",)
    fields = (
        "created_at",
        "action",
        "organization",
        "actor",
        "target",
        "target_id",
        "changed",
    )

    @admin.display(description=_("changes"))
    def changed(self, row: AuditRecord) -> SafeString:
        text = json.dumps(row.changes, indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)


class VisitAdmin(ReadOnlyAdmin):
    label = _("Visits")
    icon = "eye"
    list_display = (
        "started_at",
        "organization",
        "visitor_name",
        "kind",
        "reason",
        "may_write",
        "ends_at",
        "ended_at",
    )
    list_select_related = ("organization",)
    list_filter = ("kind", AgencyFilter, OrganizationFilter)
    search_fields = ("visitor_name__startswith",)
    ordering = ("-pk",)
    fields = list_display


class PortalDomainAdmin(ReadOnlyAdmin):
    label = _("Domains")
    icon = "globe"
    list_display = (
        "name",
        "portal",
        "status",
        "problem",
        "certificate_ends_at",
        "checked_at",
    )
    list_select_related = ("portal",)
    list_filter = ("status",)
    search_fields = ("name__startswith",)
    ordering = ("-pk",)
    fields = (*list_display, "verified_at", "released_at", "created_at")


class OutgoingMailAdmin(ReadOnlyAdmin):
    label = _("Mails")
    icon = "mail"
    list_display = (
        "created_at",
        "organization",
        "template",
        "recipient",
        "status",
        "attempts",
        "last_error",
    )
    list_select_related = ("organization",)
    list_filter = ("status", AgencyFilter, OrganizationFilter)
    search_fields = ("recipient__startswith",)
    ordering = ("-pk",)
    fields = (*list_display, "subject", "due_at", "sent_at")


ORGANIZATIONS: Final[Shown] = {
    Organization: OrganizationAdmin,
    Portal: PortalAdmin,
    User: UserAdmin,
    Membership: MembershipAdmin,
    APIKey: APIKeyAdmin,
    AuditRecord: AuditRecordAdmin,
    Visit: VisitAdmin,
    PortalDomain: PortalDomainAdmin,
    OutgoingMail: OutgoingMailAdmin,
}
