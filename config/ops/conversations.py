"""Calls, what carries them, and the one door to what was said in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls.models import Call, CallAlert, CallEvent, PhoneNumber, Turn, VoiceNode
from calls.services.nodes import NODE_FRESH
from calls.session.events import EndReason
from common.money import format_credits
from common.phone import mask
from config.ops.base import (
    AgencyFilter,
    OrganizationFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    Shown,
    person,
)
from portal.models import User
from portal.services import audit
from portal.statuses import status_look

# What a call's page and list leave in the database: content, credentials, long JSON.
UNREAD: Final = (
    "variables",
    "overrides",
    "metadata",
    "summary",
    "waveform",
    "quality",
    "usage",
    "token_digest",
    "resume_digest",
)


class ReasonForm(forms.Form):
    """Why a transcript is read; kept, and shown to the organization it belongs to."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=8,
        max_length=300,
        help_text=_("The organization can read this, with your name."),
    )


@transaction.atomic
def open_transcript(*, call: Call, reason: str, actor: User) -> list[Turn]:
    """Return what was said, and write down who read it and why; each time anew."""
    audit.record(
        organization=call.organization,
        actor=actor,
        action="call.read_by_operator",
        target=call,
        changes={"reason": reason},
    )
    return list(Turn.objects.filter(call=call))


class EndReasonFilter(admin.SimpleListFilter):
    title = _("end reason")
    parameter_name = "end_reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(reason.value, status_look(reason.value).label) for reason in EndReason]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        return queryset.filter(end_reason=self.value()) if self.value() else None


class EventsInline(ReadOnlyInline):
    """What happened and when; a tool's arguments are content, so they stay closed."""

    model = CallEvent
    verbose_name_plural = _("What happened")
    fields = ("kind", "at", "at_ms")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("data")


class CallAdmin(ReadOnlyAdmin):
    """A call without what was said; numbers are masked."""

    label = _("Calls")
    icon = "phone"
    searched_id = "pk"
    list_display = (
        "created_at",
        "organization",
        "direction",
        "status",
        "why_it_ended",
        "assistant",
        "number_at_the_far_end",
        "duration_s",
        "cost",
    )
    list_filter = (
        "status",
        "direction",
        AgencyFilter,
        OrganizationFilter,
        EndReasonFilter,
    )
    list_select_related = ("organization", "assistant")
    search_fields = ("pk",)
    search_help_text = _("The id of a call, whole.")
    ordering = ("-pk",)  # the order of their making, and the only index over everyone's
    change_form_template = "ops/call.html"
    fields = (
        "id",
        "organization",
        "assistant",
        "direction",
        "carrier",
        "number_at_the_far_end",
        "status",
        "why_it_ended",
        "fault_owner",
        "error",
        "is_test",
        "started_by",
        "node",
        "created_at",
        "started_at",
        "ended_at",
        "duration_s",
        "setup_ms",
        "billed_seconds",
        "cost",
        "pool_cost",
        "settled_at",
    )
    inlines = (EventsInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*UNREAD)

    def get_urls(self) -> list[Any]:
        reading = path(
            "<uuid:call_id>/transcript/",
            self.admin_site.admin_view(self.transcript),
            name="calls_call_transcript",
        )
        return [reading, *super().get_urls()]

    def transcript(self, request: HttpRequest, call_id: Any) -> HttpResponse:
        """Ask for a reason; with one, show what was said and keep a record of it."""
        calls = Call.objects.select_related("organization", "assistant")
        call = get_object_or_404(calls, pk=call_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        turns = None
        if request.method == "POST" and form.is_valid():
            turns = open_transcript(
                call=call, reason=form.cleaned_data["reason"], actor=person(request)
            )
        context = self.admin_site.each_context(request) | {
            "title": _("Transcript"),
            "call": call,
            "form": form,
            "turns": turns,
        }
        status = 422 if form.errors else 200
        return render(request, "ops/transcript.html", context, status=status)

    @admin.display(description=_("end reason"), ordering="end_reason")
    def why_it_ended(self, row: Call) -> Any:
        return status_look(row.end_reason).label if row.end_reason else "–"

    @admin.display(description=_("number"))
    def number_at_the_far_end(self, row: Call) -> str:
        return mask(row.other_number) or "–"

    @admin.display(description=_("seconds"), ordering="duration_ms")
    def duration_s(self, row: Call) -> str:
        return f"{row.duration_ms / 1000:.1f}"

    @admin.display(description=_("credits"), ordering="cost_microcredits")
    def cost(self, row: Call) -> str:
        return format_credits(row.cost_microcredits)

    @admin.display(description=_("credits from the pool"))
    def pool_cost(self, row: Call) -> str:
        return format_credits(row.pool_cost_microcredits)


class CallAlertAdmin(ReadOnlyAdmin):
    label = _("Suspicious calls")
    icon = "alert"
    list_display = (
        "kind",
        "organization",
        "subject_shown",
        "count",
        "last_seen_at",
        "dismissed_at",
    )
    list_select_related = ("organization",)
    list_filter = (
        ("dismissed_at", admin.EmptyFieldListFilter),
        "kind",
        AgencyFilter,
        OrganizationFilter,
    )
    fields = (
        "kind",
        "organization",
        "subject_shown",
        "count",
        "first_seen_at",
        "last_seen_at",
        "dismissed_at",
        "dismissed_by",
    )

    @admin.display(description=_("subject"))
    def subject_shown(self, row: CallAlert) -> str:
        is_caller = row.kind == CallAlert.Kind.ONE_CALLER
        return mask(row.subject) if is_caller else row.subject


class VoiceNodeAdmin(ReadOnlyAdmin):
    label = _("Voice nodes")
    icon = "activity"
    list_display = ("process", "is_fresh", "load", "is_draining", "silent_s")
    ordering = ("-heartbeat_at",)
    fields = (
        "host",
        "pid",
        "is_fresh",
        "load",
        "is_draining",
        "started_at",
        "heartbeat_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        live = Call.objects.live().filter(node=OuterRef("pk")).order_by()
        counted = live.values("node").annotate(count=Count("pk")).values("count")
        rows = super().get_queryset(request)
        shown: QuerySet[Any] = rows.annotate(live=Coalesce(Subquery(counted), 0))
        return shown

    @admin.display(description=_("process"), ordering="host")
    def process(self, row: VoiceNode) -> str:
        return f"{row.host}:{row.pid}"

    @admin.display(description=_("alive"), boolean=True)
    def is_fresh(self, row: VoiceNode) -> bool:
        return row.heartbeat_at > timezone.now() - NODE_FRESH

    @admin.display(description=_("calls"), ordering="live")
    def load(self, row: Any) -> str:
        return f"{row.live} / {row.capacity}"

    @admin.display(description=_("silent for"), ordering="-heartbeat_at")
    def silent_s(self, row: VoiceNode) -> str:
        return f"{_seconds_since(row.heartbeat_at)} s"


class PhoneNumberAdmin(ReadOnlyAdmin):
    label = _("Numbers")
    icon = "hash"
    list_display = (
        "number",
        "name",
        "organization",
        "carrier",
        "assistant",
        "is_active",
    )
    list_select_related = ("organization", "assistant")
    list_filter = ("carrier", "is_active", AgencyFilter, OrganizationFilter)
    search_fields = ("number__startswith",)
    fields = (*list_display, "created_at")


def _seconds_since(moment: datetime) -> int:
    return max(0, round((timezone.now() - moment).total_seconds()))


CALLS: Final[Shown] = {
    Call: CallAdmin,
    CallAlert: CallAlertAdmin,
    VoiceNode: VoiceNodeAdmin,
    PhoneNumber: PhoneNumberAdmin,
}
