"""The steps of setting a campaign up, each a form over a draft."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant
from assistants.queries import visible_assistants
from calls.models import PhoneNumber
from campaigns.models import Campaign
from campaigns.outcomes import Outcome
from campaigns.retries import BadRule, Rule, rules_json
from common.money import MICROCREDITS_PER_CREDIT
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
RULED: Final = (
    (Outcome.BUSY, _("Busy")),
    (Outcome.NO_ANSWER, _("No answer")),
    (Outcome.VOICEMAIL, _("Voicemail")),
    (Outcome.REJECTED, _("Rejected")),
    (Outcome.DROPPED, _("Hung up at once")),
    (Outcome.FAILED, _("Failed")),
)


class StepForm(forms.Form):
    """A form whose `changes` are fields of the campaign."""

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        self.campaign = campaign
        kwargs["initial"] = self.values_of(campaign)
        super().__init__(*args, **kwargs)

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        return {name: getattr(campaign, name) for name in self.base_fields}

    @property
    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.base_fields}

    @property
    def numbers(self) -> list[PhoneNumber] | None:
        """The further numbers of the pool, where the step asks for them."""
        return None


class WordsForm(StepForm):
    """Who talks, and what they are told for these calls."""

    assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Assistant"), queryset=None, empty_label=None
    )
    system_message_template = forms.CharField(
        label=_("Instructions for these calls"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea({"rows": 10}),
        help_text=_(
            "Empty: the assistant's own instructions. {{name}} and every column of the "
            "list are replaced for each person."
        ),
    )
    variant_assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Compare with another assistant"),
        queryset=None,
        required=False,
        empty_label=_("No comparison"),
    )
    variant_percent = forms.IntegerField(
        label=_("Share of people who get the other one"),
        min_value=0,
        max_value=90,
        initial=0,
        help_text=_("Chosen by chance for each person when they are added."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("assistant", "variant_assistant"):
            field: Any = self.fields[name]
            field.queryset = visible_assistants().filter(is_active=True)


class NumbersForm(StepForm):
    """Which numbers people see."""

    number: forms.ModelChoiceField[PhoneNumber] = forms.ModelChoiceField(
        label=_("Calls come from"), queryset=None, empty_label=None
    )
    further: forms.ModelMultipleChoiceField[PhoneNumber] = (
        forms.ModelMultipleChoiceField(
            label=_("Further numbers that take turns"),
            queryset=None,
            required=False,
            help_text=_("The number that has called least today is next."),
        )
    )
    has_local_presence = forms.BooleanField(
        label=_("Prefer the number nearest to the person's own"), required=False
    )
    number_daily_cap = forms.IntegerField(
        label=_("Calls from one number within 24 hours"),
        min_value=1,
        max_value=100_000,
        required=False,
        help_text=_("Empty: as many as needed. Fresh numbers are best used sparingly."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("number", "further"):
            field: Any = self.fields[name]
            field.queryset = PhoneNumber.objects.filter(is_active=True)

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        further = campaign.further_numbers.values_list("number", flat=True)
        return {
            "number": campaign.number_id,
            "further": list(further),
            "has_local_presence": campaign.has_local_presence,
            "number_daily_cap": campaign.number_daily_cap,
        }

    @property
    def changes(self) -> dict[str, Any]:
        names = ("number", "has_local_presence", "number_daily_cap")
        return {name: self.cleaned_data[name] for name in names}

    @property
    def numbers(self) -> list[PhoneNumber] | None:
        return list(self.cleaned_data["further"])


class WhenForm(StepForm):
    """Hours by weekday at the person's own place, and days without calls."""

    starts_on = forms.DateField(
        label=_("First day"), required=False, widget=forms.DateInput({"type": "date"})
    )
    ends_on = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput({"type": "date"})
    )
    is_closed_on_holidays = forms.BooleanField(
        label=_("Not on public holidays of the person's country"), required=False
    )
    days_off = forms.CharField(
        label=_("Other days off"),
        required=False,
        max_length=4_000,
        help_text=_("Such as 2026-12-24, 2026-12-31."),
    )
    unknown_zone = forms.ChoiceField(
        label=_("Where the time zone is not known"),
        choices=Campaign.UnknownZone.choices,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in zip(WEEKDAYS, DAY_LABELS, strict=True):
            self.fields[name] = forms.CharField(
                label=label,
                required=False,
                max_length=120,
                widget=forms.TextInput({"placeholder": _("Closed")}),
            )
        self.order_fields([*WEEKDAYS, *self.fields])

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        days = {
            name: ", ".join(map(str, spans))
            for name, spans in zip(WEEKDAYS, campaign.week.days, strict=True)
        }
        return {
            **days,
            "starts_on": campaign.starts_on,
            "ends_on": campaign.ends_on,
            "is_closed_on_holidays": campaign.is_closed_on_holidays,
            "days_off": ", ".join(campaign.days_off),
            "unknown_zone": campaign.unknown_zone,
        }

    @property
    def day_fields(self) -> list[Any]:
        return [self[name] for name in WEEKDAYS]

    def clean_days_off(self) -> list[str]:
        words = str(self.cleaned_data["days_off"]).replace(";", ",").split(",")
        days = forms.DateField(input_formats=["%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y"])
        found = {days.clean(word.strip()) for word in words if word.strip()}
        return sorted(day.isoformat() for day in found)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        spans: dict[str, list[str]] = {}
        for name in WEEKDAYS:
            words = str(cleaned.get(name, "")).replace("–", "-").replace(";", ",")
            spans[name] = [w.strip() for w in words.split(",") if w.strip()]
            try:
                Week.parse({name: [s.replace(" ", "") for s in spans[name]]})
            except BadWindow:
                self.add_error(name, _("Write spans such as 09:00-12:00, 13:00-17:00."))
        start, end = cleaned.get("starts_on"), cleaned.get("ends_on")
        if start and end and end < start:
            self.add_error("ends_on", _("It ends before it starts."))
        if not self.errors:
            week = Week.parse(
                {d: [s.replace(" ", "") for s in found] for d, found in spans.items()}
            )
            if not week.minutes:
                self.add_error("mon", _("Name some hour in which to call."))
            cleaned["week"] = week
        return cleaned

    @property
    def changes(self) -> dict[str, Any]:
        names = ("starts_on", "ends_on", "is_closed_on_holidays", "days_off")
        return {
            "hours": self.cleaned_data["week"].as_json(),
            "unknown_zone": self.cleaned_data["unknown_zone"],
            **{name: self.cleaned_data[name] for name in names},
        }


class RetriesForm(StepForm):
    """What follows each outcome, within one budget of attempts."""

    max_attempts = forms.IntegerField(
        label=_("Attempts for each person, over all rules"), min_value=1, max_value=10
    )
    retry_delay_minutes = forms.IntegerField(
        label=_("Usual wait before another try"), min_value=1, max_value=10_080
    )
    dropped_below_s = forms.IntegerField(
        label=_("A call this short counts as hung up at once"),
        min_value=0,
        max_value=600,
        help_text=_("0: whoever answered was reached."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for outcome, _label in RULED:
            self.fields[f"{outcome}_delays"] = forms.CharField(
                label=_("Minutes to wait"),
                required=False,
                max_length=100,
                widget=forms.TextInput({"placeholder": _("As usual")}),
            )
            self.fields[f"{outcome}_times"] = forms.IntegerField(
                label=_("At most"), required=False, min_value=0, max_value=100
            )
            self.fields[f"{outcome}_shift"] = forms.IntegerField(
                label=_("Hours apart in the day"),
                required=False,
                min_value=0,
                max_value=12,
            )

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        values: dict[str, Any] = {
            "max_attempts": campaign.max_attempts,
            "retry_delay_minutes": max(1, campaign.retry_delay_s // 60),
            "dropped_below_s": campaign.dropped_below_s,
        }
        for outcome, rule in campaign.retry_policy.rules.items():
            waits = ", ".join(f"{delay_s / 60:g}" for delay_s in rule.delays_s)
            values[f"{outcome}_delays"] = waits
            values[f"{outcome}_times"] = rule.max_times
            values[f"{outcome}_shift"] = rule.shift_min // 60 or None
        return values

    @property
    def rule_rows(self) -> list[tuple[Any, list[Any]]]:
        return [
            (
                label,
                [self[f"{outcome}_{part}"] for part in ("delays", "times", "shift")],
            )
            for outcome, label in RULED
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kept = self.campaign.retry_policy.rules
        # Rules of dispositions are set over the API and stay as they are.
        rules = {k: rule for k, rule in kept.items() if k.startswith("disposition:")}
        for outcome, _label in RULED:
            waits = str(cleaned.get(f"{outcome}_delays") or "").strip()
            times, shift = (
                cleaned.get(f"{outcome}_times"),
                cleaned.get(f"{outcome}_shift"),
            )
            if not waits and times is None and not shift:
                continue
            usual = cleaned.get("retry_delay_minutes") or 60
            try:
                minutes = [float(word) for word in (waits or str(usual)).split(",")]
                rules[outcome] = Rule(
                    tuple(round(m * 60) for m in minutes), times, (shift or 0) * 60
                )
            except (BadRule, ValueError, OverflowError):
                self.add_error(
                    f"{outcome}_delays", _("Write minutes such as 5, 30, 120.")
                )
        cleaned["rules"] = rules
        return cleaned

    @property
    def changes(self) -> dict[str, Any]:
        return {
            "max_attempts": self.cleaned_data["max_attempts"],
            "retry_delay_s": self.cleaned_data["retry_delay_minutes"] * 60,
            "dropped_below_s": self.cleaned_data["dropped_below_s"],
            "retry_rules": rules_json(self.cleaned_data["rules"]),
        }


class LimitsForm(StepForm):
    """How fast, for how much, and on what ground."""

    max_concurrent_calls = forms.IntegerField(label=_("Calls at once"), min_value=1)
    weight = forms.IntegerField(
        label=_("Weight against other campaigns"),
        min_value=1,
        max_value=100,
        help_text=_(
            "With twice the weight it gets twice the lines when they are scarce."
        ),
    )
    budget_credits = forms.DecimalField(
        label=_("Budget in credits"),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=15,
        decimal_places=2,
        help_text=_("It pauses when they are spent. Empty: no limit."),
    )
    consent_rule = forms.ChoiceField(
        label=_("Consent to be called by an automatic voice"),
        choices=Campaign.ConsentRule.choices,
        widget=forms.RadioSelect,
    )
    consent_note = forms.CharField(
        label=_("How and when they agreed"),
        required=False,
        max_length=300,
        help_text=_("Kept with the record of every call."),
    )
    opt_out_digit = forms.CharField(
        label=_("Key that ends all calls to a person"),
        required=False,
        max_length=1,
        help_text=_("Have your assistant tell of it. Saying so always works."),
    )

    money: ClassVar[str] = "budget_credits"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = self.campaign.organization.max_concurrent_calls
        field: Any = self.fields["max_concurrent_calls"]
        field.widget.attrs["max"] = limit
        self._limit = limit

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        names = [name for name in self.base_fields if name != self.money]
        budget = campaign.budget_microcredits
        values = {name: getattr(campaign, name) for name in names}
        values[self.money] = (
            None if budget is None else Decimal(budget) / MICROCREDITS_PER_CREDIT
        )
        return values

    def clean_max_concurrent_calls(self) -> int:
        wanted: int = self.cleaned_data["max_concurrent_calls"]
        if wanted > self._limit:
            raise forms.ValidationError(
                _("Your organization may have %(limit)d calls at once.")
                % {"limit": self._limit}
            )
        return wanted

    def clean_opt_out_digit(self) -> str:
        digit: str = self.cleaned_data["opt_out_digit"]
        if digit and digit not in "0123456789*#":
            raise forms.ValidationError(_("A key is 0 to 9, * or #."))
        return digit

    @property
    def changes(self) -> dict[str, Any]:
        budget = self.cleaned_data[self.money]
        names = [name for name in self.base_fields if name != self.money]
        changes = {name: self.cleaned_data[name] for name in names}
        changes["budget_microcredits"] = (
            None if budget is None else int(budget * MICROCREDITS_PER_CREDIT)
        )
        return changes


STEP_FORMS: Final[dict[str, type[StepForm]]] = {
    "words": WordsForm,
    "numbers": NumbersForm,
    "when": WhenForm,
    "retries": RetriesForm,
    "limits": LimitsForm,
}
