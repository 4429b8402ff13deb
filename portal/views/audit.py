"""The audit log: who changed what, from where; searchable, and to take along."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from common.cells import safe_cell
from portal.audit_words import words_of_action, words_of_field
from portal.http import MemberRequest
from portal.models import AuditRecord
from portal.permissions import Permission, requires
from portal.scope import agency_scope, organization_scope, require_scope, scoped

_EXPORT_LIMIT = 100_000


class AuditFilter(forms.Form):
    q = forms.CharField(label=_("Search"), max_length=100, required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput({"type": "date"})
    )
    with_clients = forms.BooleanField(label=_("Clients as well"), required=False)


@require_GET
@requires(Permission.AUDIT_READ)
def audit_list(request: MemberRequest) -> HttpResponse:
    """Changes of the organization, newest first."""
    form = AuditFilter(request.GET)
    with _scope(request, form):
        page = Paginator(_found(request, form), 50).get_page(request.GET.get("page"))
        rows = [_shown(record) for record in page]
    query = request.GET.copy()
    query.pop("page", None)
    context = {"form": form, "page": page, "rows": rows, "query": query.urlencode()}
    return render(request, "portal/audit_list.html", context)


@require_GET
@requires(Permission.AUDIT_READ)
def audit_csv(request: MemberRequest) -> HttpResponseBase:
    """The same changes as a table for a spreadsheet."""
    form = AuditFilter(request.GET)
    # The answer is sent when this request's scope is left again.
    with _scope(request, form):
        scope = require_scope()
        found = _found(request, form)[:_EXPORT_LIMIT]

    def lines() -> Iterator[str]:
        with scoped(scope):
            yield _line(
                [
                    "time",
                    "organization",
                    "actor",
                    "as",
                    "action",
                    "object",
                    "object_id",
                    "changes",
                    "address",
                    "api_key",
                ]
            )
            for record in found.iterator(chunk_size=500):
                yield _line(
                    [
                        record.created_at.isoformat(),
                        record.organization.name,
                        record.actor.email if record.actor else "",
                        record.visit.get_kind_display() if record.visit else "",
                        record.action,
                        record.target,
                        str(record.target_id or ""),
                        json.dumps(record.changes, ensure_ascii=False),
                        record.address or "",
                        record.api_key,
                    ]
                )

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _scope(request: MemberRequest, form: AuditFilter):  # type: ignore[no-untyped-def]
    """Enter the agency's scope when its clients were asked for and it may have them."""
    wants = form.is_valid() and form.cleaned_data["with_clients"]
    if wants and request.organization.is_agency:
        return agency_scope(request.organization.pk)
    return organization_scope(request.organization)


def _found(request: MemberRequest, form: AuditFilter) -> QuerySet[AuditRecord]:
    rows = AuditRecord.objects.select_related("actor", "visit", "organization")
    if not form.is_valid():
        return rows
    zone = ZoneInfo(request.organization.time_zone)
    for word in form.cleaned_data["q"].split():
        rows = rows.filter(
            Q(action__icontains=word)
            | Q(target__icontains=word)
            | Q(actor__email__icontains=word)
            | Q(actor__name__icontains=word)
            | Q(changes__icontains=word)
        )
    if since := form.cleaned_data["since"]:
        rows = rows.filter(created_at__gte=datetime.combine(since, time(), zone))
    if until := form.cleaned_data["until"]:
        after = datetime.combine(until + timedelta(days=1), time(), zone)
        rows = rows.filter(created_at__lt=after)
    return rows


def _shown(record: AuditRecord) -> dict[str, object]:
    changes = []
    for name, value in record.changes.items():
        if value in ("", None):
            continue  # what a new thing was given none of
        if isinstance(value, list) and len(value) == 2:
            changes.append((words_of_field(name), _word(value[0]), _word(value[1])))
        else:
            changes.append((words_of_field(name), "", _word(value)))
    return {
        "record": record,
        "changes": changes,
        "what": words_of_action(record.action),
    }


def _word(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(safe_cell(cell) for cell in cells)
    return out.getvalue()
