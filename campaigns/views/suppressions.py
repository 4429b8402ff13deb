"""The list of numbers that are not called: seen, added to, and taken from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from calls.models import PhoneNumber
from campaigns.importing import read_leads
from campaigns.models import SuppressionEntry
from campaigns.numbers import region_of
from campaigns.suppressing import own_entries, suppress_numbers, unsuppress
from portal.http import MemberRequest
from portal.permissions import Permission, requires

PAGE_SIZE = 50


class SuppressForm(forms.Form):
    """Numbers, one a line or a pasted table, and why."""

    numbers = forms.CharField(
        label=gettext_lazy("Numbers"),
        max_length=500_000,
        widget=forms.Textarea({"rows": 5, "spellcheck": "false"}),
        help_text=gettext_lazy("One a line, or paste a table with a heading row."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=300
    )

    def __init__(self, *args: Any, region: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._region = region
        self.found: list[str] = []

    def clean_numbers(self) -> str:
        text: str = self.cleaned_data["numbers"]
        read = read_leads(text, region=self._region)
        if read.errors:
            first = read.errors[0]
            raise forms.ValidationError(
                _("Line %(line)d, %(value)s: %(message)s")
                % {"line": first.line, "value": first.value, "message": first.message}
            )
        self.found = [row.phone_number for row in read.rows]
        if not self.found:
            raise forms.ValidationError(_("There is no number in this list."))
        return text


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def suppression_list(request: MemberRequest) -> HttpResponse:
    """Every number of the organization's own list, newest first."""
    query = request.GET.get("q", "").strip()
    rows = own_entries()
    if query:
        rows = rows.filter(phone_number__contains=query.replace(" ", "").lstrip("0"))
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "form": SuppressForm(),
        "q": query,
    }
    return render(request, "campaigns/suppression_list.html", context)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def suppression_add(request: MemberRequest) -> HttpResponse:
    """Put numbers on the list, at once."""
    number = PhoneNumber.objects.first()
    form = SuppressForm(request.POST, region=region_of(number.number) if number else "")
    if not form.is_valid():
        page = Paginator(own_entries(), PAGE_SIZE).get_page(1)
        context = {"page": page, "form": form, "q": ""}
        return render(request, "campaigns/suppression_list.html", context, status=422)
    added = suppress_numbers(
        organization=request.organization,
        numbers=form.found,
        source=SuppressionEntry.Source.PORTAL,
        actor=request.user,
        reason=form.cleaned_data["reason"],
    )
    messages.success(
        request,
        ngettext(
            "%(count)d number is not called any more.",
            "%(count)d numbers are not called any more.",
            added,
        )
        % {"count": added},
    )
    return redirect("suppression_list")


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def suppression_remove(request: MemberRequest, suppression_id: UUID) -> HttpResponse:
    """Take a number off the list; recorded with who did."""
    entry = own_entries().filter(pk=suppression_id).first()
    if entry is None:
        raise Http404("No such entry.")
    unsuppress(entry=entry, actor=request.user)
    messages.success(request, _("Removed. The number may be called again."))
    return redirect("suppression_list")
