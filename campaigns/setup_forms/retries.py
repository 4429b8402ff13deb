"""The step about what follows each outcome, and each result of a conversation."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.dispositions import known_dispositions
from campaigns.models import Campaign
from campaigns.outcomes import Outcome
from campaigns.retries import DISPOSITION, BadRule, Rule, rules_json
from campaigns.setup_forms.step import StepForm

RULED: Final = (
    (Outcome.BUSY, _("Busy")),
    (Outcome.NO_ANSWER, _("No answer")),
    (Outcome.VOICEMAIL, _("Voicemail")),
    (Outcome.REJECTED, _("Rejected")),
    (Outcome.DROPPED, _("Hung up at once")),
    (Outcome.FAILED, _("Failed")),
)
_PARTS: Final = ("delays", "times", "shift")


class RetriesForm(StepForm):
    """Rules by outcome and by disposition, within one budget of attempts."""

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

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        # A disposition may be any text, so that its fields go by its place.
        self._named = known_dispositions(campaign)
        self._rules: dict[str, str] = {
            **{str(outcome): str(outcome) for outcome, _label in RULED},
            **{f"result{n}": DISPOSITION + name for n, name in enumerate(self._named)},
        }
        super().__init__(*args, campaign=campaign, **kwargs)
        for prefix, rule in self._rules.items():
            is_result = rule.startswith(DISPOSITION)
            unset = _("Not called again") if is_result else _("As usual")
            self.fields[f"{prefix}_delays"] = forms.CharField(
                label=_("Minutes to wait"),
                required=False,
                max_length=100,
                widget=forms.TextInput({"placeholder": unset}),
            )
            self.fields[f"{prefix}_times"] = forms.IntegerField(
                label=_("At most so many times"),
                required=False,
                min_value=0,
                max_value=100,
            )
            self.fields[f"{prefix}_shift"] = forms.IntegerField(
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
        rules = campaign.retry_policy.rules
        for prefix, name in self._rules.items():
            if (rule := rules.get(name)) is None:
                continue
            waits = ", ".join(f"{delay_s / 60:g}" for delay_s in rule.delays_s)
            values[f"{prefix}_delays"] = waits
            values[f"{prefix}_times"] = rule.max_times
            values[f"{prefix}_shift"] = rule.shift_min // 60 or None
        return values

    @property
    def rule_rows(self) -> list[tuple[Any, list[Any]]]:
        return [(label, self._parts(str(outcome))) for outcome, label in RULED]

    @property
    def result_rows(self) -> list[tuple[Any, list[Any]]]:
        return [(name, self._parts(f"result{n}")) for n, name in enumerate(self._named)]

    def _parts(self, prefix: str) -> list[Any]:
        return [self[f"{prefix}_{part}"] for part in _PARTS]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kept = self.campaign.retry_policy.rules
        shown = set(self._rules.values())
        # What has no row here, such as a rule for "answered", stays as it is.
        rules = {name: rule for name, rule in kept.items() if name not in shown}
        for prefix, name in self._rules.items():
            try:
                rule = self._rule(prefix)
            except (BadRule, ValueError, OverflowError):
                self.add_error(
                    f"{prefix}_delays", _("Write minutes such as 5, 30, 120.")
                )
            else:
                rules |= {name: rule} if rule else {}
        cleaned["rules"] = rules
        return cleaned

    def _rule(self, prefix: str) -> Rule | None:
        """Return what a row says; raises `BadRule` or `ValueError`."""
        found = {part: self.cleaned_data.get(f"{prefix}_{part}") for part in _PARTS}
        waits = str(found["delays"] or "").strip()
        times, shift = found["times"], found["shift"]
        if not waits and times is None and not shift:
            return None
        usual = self.cleaned_data.get("retry_delay_minutes") or 60
        minutes = [float(word) for word in (waits or str(usual)).split(",")]
        delays_s = tuple(round(minute * 60) for minute in minutes)
        return Rule(delays_s, times, (shift or 0) * 60)

    @property
    def changes(self) -> dict[str, Any]:
        return {
            "max_attempts": self.cleaned_data["max_attempts"],
            "retry_delay_s": self.cleaned_data["retry_delay_minutes"] * 60,
            "dropped_below_s": self.cleaned_data["dropped_below_s"],
            "retry_rules": rules_json(self.cleaned_data["rules"]),
        }
