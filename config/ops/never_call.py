"""The operator's list of numbers that nobody calls: by hand, or a register's file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_POST

from calls.forms import COUNTRIES
from campaigns.models import Register, SuppressionEntry
from campaigns.numbers import UnusableNumber, read_number
from campaigns.registers import Taken, take_register
from campaigns.sheets import BadSheet
from campaigns.suppressing import suppress_numbers, unsuppress
from config.ops.base import CappedPaginator, person

logger = logging.getLogger(__name__)
PAGE_SIZE = 50
MAX_BYTES = 20_000_000


class RegisterForm(forms.Form):
    """Numbers by hand, or a file of a register, and where they come from."""

    numbers = forms.CharField(
        label=gettext_lazy("Numbers, one a line"),
        required=False,
        max_length=500_000,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false"}),
    )
    file = forms.FileField(
        label=gettext_lazy("Or a register’s CSV or XLSX file"),
        required=False,
        widget=forms.FileInput({"accept": ".csv,.txt,.xlsx"}),
    )
    region = forms.ChoiceField(
        label=gettext_lazy("Country of numbers without a country code"), required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Such as the register and the date of its copy."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        region: Any = self.fields["region"]
        named = sorted(COUNTRIES.items(), key=lambda one: str(one[1]))
        region.choices = [("", _("None")), *named]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if file is not None and (file.size or 0) > MAX_BYTES:
            self.add_error("file", _("The file is larger than 20 MB. Split it."))
        if not file and not str(cleaned.get("numbers") or "").strip():
            self.add_error("numbers", _("Write some number, or choose a file."))
        cleaned["found"] = [] if self.errors else list(self._by_hand(cleaned))
        return cleaned

    def _by_hand(self, cleaned: dict[str, Any]) -> Iterator[str]:
        lines = str(cleaned.get("numbers") or "").splitlines()
        for line, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                yield read_number(text, cleaned.get("region") or "").e164
            except UnusableNumber as error:
                self.add_error(
                    "numbers",
                    _("Line %(line)d, %(value)s: %(message)s")
                    % {"line": line, "value": text.strip()[:40], "message": str(error)},
                )
                return


def never_call(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The list, searched and added to."""
    form = RegisterForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and _take(request, form):
        return redirect("admin:never_call")
    rows = SuppressionEntry.objects.filter(organization=None)
    query = request.GET.get("q", "").strip()
    if digits := "".join(filter(str.isdecimal, query)).lstrip("0"):
        rows = rows.filter(phone_number__contains=digits)
    paginator: Paginator[Any] = CappedPaginator(rows, PAGE_SIZE)
    shown = {
        "title": _("Never call"),
        "form": form,
        "registers": [
            (row, reverse("admin:register", args=[row.pk]))
            for row in Register.objects.filter(organization=None)
        ],
        "page": paginator.get_page(request.GET.get("page")),
        "q": query,
    }
    status = 422 if form.errors else 200
    return render(request, "ops/never_call.html", context | shown, status=status)


def _take(request: HttpRequest, form: RegisterForm) -> bool:
    """Store what a valid form holds; a file that cannot be read is said at its field."""
    cleaned, actor = form.cleaned_data, person(request)
    taken = Taken()
    if cleaned["found"]:
        taken.added += suppress_numbers(
            organization=None,
            numbers=cleaned["found"],
            source=SuppressionEntry.Source.PORTAL,
            actor=actor,
            reason=cleaned["reason"],
        )
    if cleaned.get("file"):
        try:
            taken += take_register(
                file=cleaned["file"],
                region=cleaned["region"],
                reason=cleaned["reason"],
                organization=None,
                actor=actor,
            )
        except BadSheet as error:
            form.add_error("file", str(error))
            return False
    messages.success(request, taken.added_text)
    if taken.unusable:
        messages.warning(request, taken.unusable_text)
    return True


@require_POST
def never_call_remove(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Take a number off the operator's list; logged with who did."""
    entry = get_object_or_404(SuppressionEntry, pk=entry_id, organization=None)
    unsuppress(entry=entry, actor=person(request))
    logger.info(
        "taken off the operator's list",
        extra={"entry": str(entry.pk), "staff": str(person(request).pk)},
    )
    messages.success(request, _("Removed. The number may be called again."))
    return redirect("admin:never_call")
