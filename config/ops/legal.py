"""The operator's legal hours: what holds where, changed here, every version readable."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop
from django.views.decorators.http import require_POST

from campaigns.legal import ANYWHERE, LegalRule, LegalTable, shipped_rules
from campaigns.models import LegalHours, LegalVersion
from campaigns.places import legal_table
from campaigns.services.legal import drop_legal_hours, save_legal_hours
from campaigns.week_fields import add_day_fields, day_values, read_week
from common.windows import WEEKDAYS, Week
from config.ops.base import person

SHOWN_VERSIONS = 20
# What the shipped table says behind the name of a law; the name is not translated.
REMARKS = (
    gettext_noop("A cautious default; no law was read."),
    gettext_noop("an AI voice is an artificial voice."),
    gettext_noop("consent. The hours are custom."),
    gettext_noop("consent. Hours after the Code Telemarketing."),
    gettext_noop("The hours are custom."),  # behind the longer ones that end so
)
CHANGES: dict[str, Any] = {
    "new": gettext_lazy("New rule for %(place)s"),
    "changed": gettext_lazy("Changed rule for %(place)s"),
    "dropped": gettext_lazy("Rule for %(place)s taken back"),
}


class LegalRuleForm(forms.Form):
    """What holds for calls to one country or state."""

    country = forms.RegexField(
        r"^(?:[A-Za-z]{2}|\*)$",
        label=gettext_lazy("Country"),
        help_text=gettext_lazy("Such as NL; * is everywhere else."),
        error_messages={"invalid": gettext_lazy("Write two letters, or *.")},
    )
    state = forms.RegexField(
        r"^[A-Za-z0-9]{1,3}$",
        label=gettext_lazy("State"),
        required=False,
        help_text=gettext_lazy("Empty: the whole country."),
        error_messages={"invalid": gettext_lazy("Write up to three letters.")},
    )
    is_closed_on_holidays = forms.BooleanField(
        label=gettext_lazy("Closed on public holidays there"), required=False
    )
    max_a_day = forms.IntegerField(
        label=gettext_lazy("Calls to one person within 24 hours"),
        min_value=0,
        max_value=100,
        required=False,
        help_text=gettext_lazy("Empty: the law sets no cap."),
    )
    needs_consent = forms.BooleanField(
        label=gettext_lazy("An automatic voice needs consent"), required=False
    )
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=300,
        help_text=gettext_lazy("The law, or who said so. Kept with every version."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        add_day_fields(self)
        self.order_fields(["country", "state", *WEEKDAYS, *self.fields])

    @classmethod
    def of(cls, rule: LegalRule) -> LegalRuleForm:
        """Return the form as a rule is now."""
        return cls(
            initial={
                **day_values(rule.week),
                "country": rule.country,
                "state": rule.state,
                "is_closed_on_holidays": rule.closed_on_holidays,
                "max_a_day": rule.max_a_day,
                "needs_consent": rule.needs_consent,
                "source": rule.source,
            }
        )

    @property
    def day_fields(self) -> list[Any]:
        return [self[name] for name in WEEKDAYS]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned["week"] = read_week(self, cleaned)
        if cleaned.get("country") == ANYWHERE and cleaned.get("state"):
            self.add_error("state", _("Everywhere else has no states."))
        return cleaned

    @property
    def rule(self) -> dict[str, Any]:
        """What a valid form asks for."""
        cleaned = self.cleaned_data
        return {
            "country": cleaned["country"].upper(),
            "state": cleaned["state"].upper(),
            **{
                name: cleaned[name]
                for name in (
                    *("week", "is_closed_on_holidays", "max_a_day"),
                    *("needs_consent", "source"),
                )
            },
        }


def legal_hours(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Every rule in force, and the versions of the table."""
    table, own = legal_table(), {str(row): row for row in LegalHours.objects.all()}
    shown = {
        "title": _("Legal hours"),
        "rows": rows_of(table, own),
        "version": table.version,
        "versions": [
            (row, changed_text(row))
            for row in LegalVersion.objects.select_related("created_by")[
                :SHOWN_VERSIONS
            ]
        ],
    }
    return render(request, "ops/legal_hours.html", context | shown)


def changed_text(row: LegalVersion) -> str:
    """Return in words what made a version; empty for the first that was kept."""
    kind, _space, place = row.changed.partition(" ")
    return str(CHANGES[kind]) % {"place": place} if kind in CHANGES else ""


def rows_of(table: LegalTable, own: dict[str, LegalHours]) -> list[dict[str, Any]]:
    """Return the rules as a page shows them, in order."""
    return [
        {
            "rule": rule,
            "name": rule.region,
            "hours": week_text(rule.week),
            "source": source_text(rule.source),
            "own": own.get(rule.region),
        }
        for _key, rule in sorted(table.rules.items())
    ]


def source_text(source: str) -> str:
    """Return a rule's source, with a remark of the shipped table in the reader's words."""
    for remark in REMARKS:
        if source.endswith(remark):
            return source.removesuffix(remark) + _(remark)
    return source


def week_text(week: Week) -> list[str]:
    """Return the hours of a week as people read them, equal days together."""
    lines: list[tuple[list[str], str]] = []
    for day, spans in enumerate(week.days):
        name = str(WEEKDAYS_ABBR[day])
        text = ", ".join(map(str, spans)) or "–"
        if lines and lines[-1][1] == text:
            lines[-1][0].append(name)
        else:
            lines.append(([name], text))
    return [
        f"{names[0]}{'–' + names[-1] if len(names) > 1 else ''} {text}"
        for names, text in lines
    ]


def legal_rule(
    request: HttpRequest, context: dict[str, Any], region: str = ""
) -> HttpResponse:
    """One rule, to be changed or made."""
    form = LegalRuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = save_legal_hours(**form.rule, actor=person(request))
        messages.success(request, _("Saved. It holds for the next call."))
        return redirect("admin:legal_rule", str(row))
    own = LegalHours.objects.filter(**_key(region)).first() if region else None
    if request.method != "POST" and region:
        form = LegalRuleForm.of(_rule(region))
    shipped = {rule.region: rule for rule in shipped_rules()}
    shown = {
        "title": region or _("New rule"),
        "form": form,
        "own": own,
        "shipped": shipped.get(region),
        "shipped_hours": week_text(shipped[region].week) if region in shipped else [],
    }
    status = 422 if form.errors else 200
    return render(request, "ops/legal_rule.html", context | shown, status=status)


@require_POST
def legal_rule_drop(request: HttpRequest, region: str) -> HttpResponse:
    """Take the operator's own rule back."""
    row = get_object_or_404(LegalHours, **_key(region))
    drop_legal_hours(row=row, actor=person(request))
    messages.success(request, _("Taken back. The shipped rule counts again."))
    return redirect("admin:legal_hours")


def legal_version(
    request: HttpRequest, context: dict[str, Any], version: str
) -> HttpResponse:
    """The rules as they were in one version."""
    row = get_object_or_404(LegalVersion, pk=version)
    shown = {
        "title": _("Rules %(version)s") % {"version": row.version},
        "row": row,
        "changed": changed_text(row),
        "rows": rows_of(LegalTable.from_json(row.rules), {}),
    }
    return render(request, "ops/legal_version.html", context | shown)


def _key(region: str) -> dict[str, str]:
    country, _dash, state = region.partition("-")
    return {"country": country, "state": state}


def _rule(region: str) -> LegalRule:
    key = _key(region)
    rule = legal_table().rules.get((key["country"], key["state"]))
    if rule is None:
        raise Http404("There is no rule for this place.")
    return rule
