"""The form of one own key: the key itself and what its vendor needs beside it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.key_kinds import KeyKind
from assistants.models import ProviderKey


class ProviderKeyForm(forms.Form):
    """A key is typed anew each time: what is kept is never shown."""

    api_key = forms.CharField(
        label=_("Key"),
        max_length=10_000,
        widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    is_shared = forms.BooleanField(
        label=_("Clients may use it"),
        required=False,
        help_text=_(
            "Calls of your clients run on this key unless they bring their own."
        ),
    )

    def __init__(
        self,
        *args: Any,
        kind: KeyKind,
        own: ProviderKey | None,
        may_share: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        key = self.fields["api_key"]
        if kind.is_service_account:
            key.label = _("Service account")
            key.widget = forms.Textarea({"rows": 8, "spellcheck": "false"})
            key.help_text = _("The whole JSON file of a service account.")
        key.widget.attrs["placeholder"] = kind.placeholder
        if own is not None:
            self.fields["is_shared"].initial = own.is_shared
        if not may_share:
            del self.fields["is_shared"]
        for one in kind.config:
            value = own.config.get(one.name, "") if own else ""
            self.fields[f"config_{one.name}"] = _config_field(one, value)
        self._names = [one.name for one in kind.config]

    @property
    def config(self) -> dict[str, str]:
        """The vendor's settings that were filled in."""
        given = {name: self.cleaned_data[f"config_{name}"] for name in self._names}
        return {name: value.strip() for name, value in given.items() if value.strip()}

    def refuse(self, param: str, message: str) -> None:
        """Put a refusal beside the field it is about."""
        name = param.replace("config.", "config_")
        self.add_error(name if name in self.fields else "api_key", message)


def _config_field(one: Any, value: str) -> forms.Field:
    if one.choices:
        return forms.ChoiceField(
            label=one.label,
            choices=[("", _("Vendor's default")), *((c, c) for c in one.choices)],
            required=one.is_required,
            initial=value,
        )
    return forms.CharField(
        label=one.label, required=one.is_required, max_length=500, initial=value
    )
