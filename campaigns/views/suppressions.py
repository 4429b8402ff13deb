"""The list of numbers that are not called: seen, added to, and taken from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from calls.models import PhoneNumber
from campaigns.importing import read_leads
from campaigns.models import Register, SuppressionEntry
from campaigns.numbers import region_of
from campaigns.registers import Taken, take_register
from campaigns.sheets import BadSheet
from campaigns.suppressing import (
    count_conversations,
    own_entries,
    suppress_numbers,
    unsuppress,
)
from portal.http import MemberRequest
from portal.permissions import Permission, requires

PAGE_SIZE = 50


MAX_BYTES = 20_000_000


class SuppressForm(forms.Form):
    """Numbers, one a line, a pasted table or a register's file, and why."""

    numbers = forms.CharField(
        label=gettext_lazy("Numbers"),
        max_length=500_000,
        required=False,
        widget=forms.Textarea({"rows": 5, "spellcheck": "false"}),
        help_text=gettext_lazy("One a line, or paste a table with a heading row."),
    )
    file = forms.FileField(
        label=gettext_lazy("Or a register’s CSV or XLSX file"),
        required=False,
        widget=forms.FileInput({"accept": ".csv,.txt,.xlsx"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=300
    )

    def __init__(self, *args: Any, region: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region = region
        self.found: list[str] = []

    def clean_numbers(self) -> str:
        text: str = self.cleaned_data["numbers"]
        read = read_leads(text, region=self.region)
        if read.errors:
            first = read.errors[0]
            raise forms.ValidationError(
                _("Line %(line)d, %(value)s: %(message)s")
                % {"line": first.line, "value": first.value, "message": first.message}
            )
        self.found = [row.phone_number for row in read.rows]
        if text.strip() and not self.found:
            raise forms.ValidationError(_("There is no number in this list."))
        return text

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 20 MB. Split it."))
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not self.found and not cleaned.get("file"):
            self.add_error("numbers", _("Write some number, or choose a file."))
        return cleaned


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def suppression_list(request: MemberRequest) -> HttpResponse:
    """Every number of the organization's own list, newest first."""
    query = request.GET.get("q", "").strip()
    rows = own_entries()
    if query:
        rows = rows.filter(phone_number__contains=query.replace(" ", "").lstrip("0"))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return _page(request, page, SuppressForm(), query)


def _page(
    request: MemberRequest, page: Any, form: SuppressForm, query: str
) -> HttpResponse:
    context = {
        "page": page,
        "form": form,
        "q": query,
        "is_agency": request.organization.is_agency,
        "registers": [
            (row, reverse("register_detail", args=[row.pk]))
            for row in Register.objects.all()
        ],
    }
    return render(
        request,
        "campaigns/suppression_list.html",
        context,
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def suppression_add(request: MemberRequest) -> HttpResponse:
    """Put numbers on the list, at once."""
    number = PhoneNumber.objects.first()
    form = SuppressForm(request.POST, region=region_of(number.number) if number else "")
    if not form.is_valid() or not _take(request, form):
        page = Paginator(own_entries(), PAGE_SIZE).get_page(1)
        return _page(request, page, form, "")
    return redirect("suppression_list")


def _take(request: MemberRequest, form: SuppressForm) -> bool:
    """Store what a valid form holds; a file that cannot be read is said at its field."""
    reason = form.cleaned_data["reason"]
    taken = Taken()
    if form.cleaned_data.get("file"):
        try:
            taken += take_register(
                file=form.cleaned_data["file"],
                region=form.region,
                reason=reason,
                organization=request.organization,
                actor=request.user,
            )
        except BadSheet as error:
            form.add_error("file", str(error))
            return False
    taken.added += suppress_numbers(
        organization=request.organization,
        numbers=form.found,
        source=SuppressionEntry.Source.PORTAL,
        actor=request.user,
        reason=reason,
    )
    messages.success(request, taken.added_text)
    if talking := count_conversations(request.organization, form.found):
        messages.warning(request, _talking_text(talking))
    if taken.unusable:
        messages.warning(request, taken.unusable_text)
    return True


def _talking_text(count: int) -> str:
    return ngettext(
        "%(count)d person is in a conversation right now, which is not cut off. To stop "
        "it, end the call on its page.",
        "%(count)d people are in conversations right now, which are not cut off. To stop "
        "them, end the calls on their pages.",
        count,
    ) % {"count": count}


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
