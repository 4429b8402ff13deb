"""The forms of calling limits and of the switch that stops calls."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.destinations import known_countries
from calls.models import CallGuard
from calls.services.guarding import FIRST_DAY_CALLS
from common.lazy_text import lazy_sentence
from common.money import MICROCREDITS_PER_CREDIT, format_credits
from portal.fields import WordsField


class HaltForm(forms.Form):
    """Why calls are stopped; it stands in the record of changes."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("For the record, such as “stolen API key”."),
    )


class CreditsField(forms.DecimalField):
    """A number of credits above zero, or nothing; clean gives microcredits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_digits=15,
            decimal_places=6,
            min_value=Decimal(1).scaleb(-6),
            required=False,
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return format_credits(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        credits = super().clean(value)
        return None if credits is None else int(credits * MICROCREDITS_PER_CREDIT)


class GuardForm(forms.Form):
    """What a client may call, and how fast it may spend."""

    countries = WordsField(
        label=_("Countries"),
        required=False,
        help_text=_("Two-letter codes, such as NL, BE, DE. Empty: every country."),
    )
    blocked_prefixes = WordsField(
        label=_("Blocked beginnings of numbers"),
        required=False,
        help_text=_("With the country code, such as +3197, +3290."),
    )
    allows_premium = forms.BooleanField(
        label=_("Allow premium and satellite numbers"),
        required=False,
        help_text=_("Fraud calls these, since each minute pays the one who is called."),
    )
    hourly_credits = CreditsField(
        label=_("Credits an hour at most"),
        help_text=_("Empty: no limit. Calls that ended within the last hour count."),
    )
    daily_credits = CreditsField(
        label=_("Credits a day at most"), help_text=_("Empty: no limit.")
    )
    first_day_calls = forms.IntegerField(
        label=_("Calls on the first day at most"),
        required=False,
        min_value=0,
        max_value=1_000_000,
        help_text=lazy_sentence(
            _("In the 24 hours after the client was opened. Empty: %(count)d."),
            {"count": FIRST_DAY_CALLS},
        ),
    )

    @classmethod
    def of(cls, row: CallGuard | None) -> GuardForm:
        """Return the form as it stands now."""
        if row is None:
            return cls()
        return cls(
            initial={
                "countries": row.countries,
                "blocked_prefixes": row.blocked_prefixes,
                "allows_premium": row.allows_premium,
                "hourly_credits": row.hourly_microcredits,
                "daily_credits": row.daily_microcredits,
                "first_day_calls": row.first_day_calls,
            }
        )

    def clean_countries(self) -> list[str]:
        codes = [code.upper() for code in self.cleaned_data["countries"]]
        unknown = sorted(set(codes) - known_countries())
        if unknown:
            raise forms.ValidationError(
                _("There is no country %(codes)s."),
                params={"codes": ", ".join(unknown)},
            )
        return sorted(set(codes))

    def clean_blocked_prefixes(self) -> list[str]:
        prefixes: list[str] = self.cleaned_data["blocked_prefixes"]
        for prefix in prefixes:
            if not re.fullmatch(r"\+\d{1,15}", prefix):
                raise forms.ValidationError(
                    _("Write %(prefix)s with its country code, like +3290."),
                    params={"prefix": prefix},
                )
        return sorted(set(prefixes))

    def choices(self) -> dict[str, Any]:
        """Return what `save_guard` takes."""
        data = dict(self.cleaned_data)
        data["hourly_microcredits"] = data.pop("hourly_credits")
        data["daily_microcredits"] = data.pop("daily_credits")
        return data
