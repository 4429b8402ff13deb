"""Forms of an agency that sells: prices, packages, plans, coupons, Stripe."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.forms import credits_in
from billing.models import Direction, Mode, StripeAccount
from billing.pricing import Terms
from common.cash import parse_cents
from portal.models import Organization

_MOST_CENTS: Final = 100_000_000


def _number(**attrs: str) -> forms.TextInput:
    return forms.TextInput({"inputmode": "decimal", "autocomplete": "off", **attrs})


class CreditsField(forms.CharField):
    """An amount of credits; cleans to microcredits."""

    def __init__(self, *, may_be_nothing: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=20, widget=_number(), **kwargs)
        self.may_be_nothing = may_be_nothing

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return 0
        return credits_in(text, may_be_nothing=self.may_be_nothing)


class MoneyField(forms.CharField):
    """An amount of the currency; cleans to cents."""

    def __init__(self, *, may_be_nothing: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=20, widget=_number(), **kwargs)
        self.may_be_nothing = may_be_nothing

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return 0
        try:
            cents = parse_cents(text)
        except ValueError as error:
            raise forms.ValidationError(
                _("Enter an amount such as 49 or 49.50.")
            ) from error
        # Stripe takes no payment below half a unit of the currency.
        if not (0 if self.may_be_nothing else 50) <= cents <= _MOST_CENTS:
            raise forms.ValidationError(_("Enter an amount from 0.50 to a million."))
        return cents


class TermsForm(forms.Form):
    """One version of a price: for which calls, from when, and what."""

    direction = forms.ChoiceField(
        label=_("Calls"), choices=Direction.choices, required=False
    )
    mode = forms.ChoiceField(label=_("Models"), choices=Mode.choices, required=False)
    per_minute = CreditsField(
        label=_("Credits a minute"), may_be_nothing=True, required=False
    )
    setup = CreditsField(
        label=_("Set-up fee of a call"), may_be_nothing=True, required=False
    )
    minimum_seconds = forms.IntegerField(
        label=_("Seconds billed at least"),
        min_value=0,
        max_value=3600,
        required=False,
        help_text=_("Beyond them, each call is billed by the second."),
    )
    model_cost_percent = forms.IntegerField(
        label=_("Models’ cost, in percent"),
        min_value=0,
        max_value=1000,
        initial=100,
        help_text=_("100 passes it on at cost; 0 means the minute includes it."),
    )
    effective_on = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("Left empty, it applies to calls that start from now on."),
    )
    is_withdrawn = forms.BooleanField(
        label=_("Withdraw the price for these calls"),
        required=False,
        help_text=_("From then on the next less exact price counts again."),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        is_empty = not self.data.get(self.add_prefix("per_minute"), "").strip()
        if is_empty and not data.get("is_withdrawn"):
            self.add_error(
                "per_minute", _("Enter what a minute costs, or withdraw the price.")
            )
        return data

    def terms(self) -> Terms:
        data = self.cleaned_data
        if data["is_withdrawn"]:
            return Terms(
                0, direction=data["direction"], mode=data["mode"], is_withdrawn=True
            )
        return Terms(
            data["per_minute"],
            direction=data["direction"],
            mode=data["mode"],
            setup_microcredits=data["setup"] or 0,
            minimum_seconds=data["minimum_seconds"] or 0,
            free_minutes=data.get("free_minutes") or 0,
            model_cost_percent=data["model_cost_percent"],
        )

    def effective_at(self, time_zone: str) -> datetime:
        day = self.cleaned_data["effective_on"]
        now = timezone.now()
        if day is None:
            return now
        # A price never changes what was called before it was set.
        return max(now, datetime.combine(day, time.min, ZoneInfo(time_zone)))


class PriceForm(TermsForm):
    """What an agency's clients pay it."""

    client = forms.ChoiceField(label=_("For"), required=False)
    free_minutes = forms.IntegerField(
        label=_("Free minutes a month"),
        min_value=0,
        max_value=1_000_000,
        required=False,
        help_text=_("Given as credits that end with the month. For every call only."),
    )
    field_order = (
        *("client", "direction", "mode", "per_minute", "setup", "minimum_seconds"),
        *("free_minutes", "model_cost_percent", "effective_on", "is_withdrawn"),
    )

    def __init__(self, *args: Any, clients: list[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clients = {str(client.pk): client for client in clients}
        choice: Any = self.fields["client"]
        choice.choices = [
            ("", _("Every client")),
            *((str(client.pk), client.name) for client in clients),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("free_minutes") and (data.get("direction") or data.get("mode")):
            self.add_error(
                "free_minutes", _("Free minutes belong to a price for every call.")
            )
        return data

    def client_chosen(self) -> Organization | None:
        return self.clients.get(self.cleaned_data["client"])


class PlatformPriceForm(TermsForm):
    """What agencies pay the platform."""

    agency = forms.ChoiceField(label=_("For"), required=False)
    field_order = ("agency",)

    def __init__(self, *args: Any, agencies: list[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agencies = {str(agency.pk): agency for agency in agencies}
        choice: Any = self.fields["agency"]
        choice.choices = [
            ("", _("Every agency")),
            *((str(agency.pk), agency.name) for agency in agencies),
        ]

    def agency_chosen(self) -> Organization | None:
        return self.agencies.get(self.cleaned_data["agency"])


class PackageForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    credits = CreditsField(label=_("Credits"))
    bonus = CreditsField(label=_("Bonus credits"), may_be_nothing=True, required=False)
    price = MoneyField(label=_("Price without tax"))
    expires_days = forms.IntegerField(
        label=_("Good for days"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Left empty, the credits do not expire."),
    )


class PlanForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    price = MoneyField(label=_("Price a month, without tax"))
    included_minutes = forms.IntegerField(
        label=_("Included minutes"), min_value=0, max_value=1_000_000
    )
    per_minute = CreditsField(
        label=_("Credits a minute"),
        help_text=_("The one price of a minute while the plan lasts, models included."),
    )
    overage_limit = CreditsField(
        label=_("Credits beyond the wallet"),
        may_be_nothing=True,
        required=False,
        help_text=_("How far a client may go on when its credits are used up."),
    )
    overage_price = MoneyField(
        label=_("Price of such a credit"), may_be_nothing=True, required=False
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("overage_limit") and not data.get("overage_price"):
            self.add_error(
                "overage_price", _("Say what a credit beyond the wallet costs.")
            )
        return data


class CouponForm(forms.Form):
    code = forms.RegexField(
        label=_("Code"),
        regex=r"^[A-Za-z0-9_-]{3,40}$",
        error_messages={"invalid": _("Use 3 to 40 letters, digits, - and _.")},
    )
    credits = CreditsField(label=_("Credits"))
    expires_days = forms.IntegerField(
        label=_("Credits good for days"), min_value=1, max_value=3650, required=False
    )
    valid_until = forms.DateField(
        label=_("Code valid until"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
    )
    max_uses = forms.IntegerField(
        label=_("Clients at most"), min_value=1, max_value=1_000_000, required=False
    )


class TrialForm(forms.Form):
    credits = CreditsField(label=_("Credits for a new client"), may_be_nothing=True)
    expires_days = forms.IntegerField(
        label=_("Good for days"), min_value=1, max_value=3650, required=False
    )


class StripeKeyForm(forms.Form):
    """A restricted key; never shown again."""

    secret_key = forms.CharField(
        label=_("Secret or restricted key"),
        max_length=300,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=_("Starts with rk_live_ or sk_live_; in test mode rk_test_."),
    )
    webhook_secret = forms.CharField(
        label=_("Signing secret of the webhook"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=_("Only if the key may not make the webhook itself."),
    )


class TaxForm(forms.Form):
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=[(c, c.upper()) for c in ("eur", "usd", "gbp", "chf")],
    )
    tax = forms.ChoiceField(
        label=_("Tax"), choices=StripeAccount.Tax.choices, widget=forms.RadioSelect
    )
    tax_percent = forms.DecimalField(
        label=_("Rate in percent"),
        min_value=0,
        max_value=100,
        decimal_places=2,
        required=False,
    )
    tax_label = forms.CharField(label=_("Name of the tax"), max_length=20)
    seller_name = forms.CharField(
        label=_("Company on receipts"), max_length=120, required=False
    )
    seller_address = forms.CharField(
        label=_("Address"), max_length=300, required=False, widget=forms.Textarea
    )
    seller_tax_id = forms.CharField(label=_("VAT id"), max_length=40, required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("tax") == StripeAccount.Tax.FIXED and not data.get("tax_percent"):
            self.add_error("tax_percent", _("Enter the rate, such as 21."))
        percent = data.get("tax_percent") or 0
        data["tax_basis_points"] = (
            int(percent * 100) if data.get("tax") == StripeAccount.Tax.FIXED else 0
        )
        return data


class RechargeForm(forms.Form):
    """When to buy, what, and how much at most."""

    is_enabled = forms.BooleanField(label=_("Top up automatically"), required=False)
    threshold = CreditsField(
        label=_("When fewer credits are left than"), may_be_nothing=True, required=False
    )
    package = forms.ChoiceField(label=_("Buy"), required=False)
    monthly_cap = MoneyField(
        label=_("At most in a month"),
        may_be_nothing=True,
        required=False,
        help_text=_("Left empty, there is no limit."),
    )

    def __init__(
        self, *args: Any, packages: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["package"]
        choice.choices = packages

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("is_enabled"):
            if not data.get("threshold"):
                self.add_error("threshold", _("Say below how many credits to buy."))
            if not data.get("package"):
                self.add_error("package", _("Choose what to buy."))
        return data

    @property
    def package_id(self) -> UUID | None:
        try:
            return UUID(self.cleaned_data["package"])
        except ValueError:
            return None


class WatchForm(forms.Form):
    """Who is told, and when."""

    level = CreditsField(
        label=_("Tell us below credits"), may_be_nothing=True, required=False
    )
    days_left = forms.IntegerField(
        label=_("Or when they last for fewer days than"), min_value=0, max_value=90
    )
    mail_to = forms.CharField(
        label=_("Mail to"),
        max_length=400,
        required=False,
        help_text=_("Addresses, with commas between. Empty: owners and admins."),
    )
    unpaid_message = forms.CharField(
        label=_("What a caller hears when no credits are left"),
        max_length=300,
        required=False,
        help_text=_("Empty: that you cannot take the call at the moment."),
        widget=forms.Textarea({"rows": 2}),
    )

    def clean_mail_to(self) -> str:
        text: str = self.cleaned_data["mail_to"]
        addresses = [part.strip() for part in text.split(",") if part.strip()]
        for address in addresses:
            forms.EmailField().clean(address)
        return ", ".join(addresses)
