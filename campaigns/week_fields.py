"""A week of hours in a form: a field for each weekday, read together."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from common.windows import WEEKDAYS, BadWindow, Week

DAY_LABELS: Final = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


def add_day_fields(form: forms.Form) -> None:
    """Give a form a field for each weekday, before its others."""
    for name, label in zip(WEEKDAYS, DAY_LABELS, strict=True):
        form.fields[name] = forms.CharField(
            label=label,
            required=False,
            max_length=120,
            widget=forms.TextInput({"placeholder": _("Closed")}),
        )
    form.order_fields([*WEEKDAYS, *form.fields])


def day_values(week: Week) -> dict[str, str]:
    """Return what the fields show of a week."""
    return {
        name: ", ".join(map(str, spans))
        for name, spans in zip(WEEKDAYS, week.days, strict=True)
    }


def read_week(form: forms.Form, cleaned: dict[str, Any]) -> Week | None:
    """Return the week that the fields of a form come to; what is wrong is said at a day.

    `None` when it cannot be read, or holds no hour at all.
    """
    found: dict[str, list[str]] = {}
    is_readable = True
    for name in WEEKDAYS:
        words = str(cleaned.get(name, "")).replace("–", "-").replace(";", ",")
        spans = [_whole_times(word) for word in words.split(",") if word.strip()]
        try:
            Week.parse({name: spans})
        except BadWindow:
            is_readable = False
            form.add_error(name, _("Write spans such as 09:00-12:00, 13:00-17:00."))
        else:
            found[name] = spans
    if not is_readable:
        return None
    week = Week.parse(found)
    if not week.minutes:
        form.add_error("mon", _("Name some hour in which to call."))
        return None
    return week


def _whole_times(span: str) -> str:
    """Return 9-12 and 9.00-12.30 as 9:00-12:00 and 9:00-12:30."""
    plain = span.replace(" ", "").replace(".", ":")
    return re.sub(r"(?<![\d:])(\d{1,2})(?![\d:])", r"\1:00", plain)
