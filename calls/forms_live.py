"""The small forms of a call that goes on."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class WordsForm(forms.Form):
    """Something to say, or to tell the assistant."""

    words = forms.CharField(label=_("Words"), max_length=2_000)


class TransferForm(forms.Form):
    """Whom to hand the caller to, and what is said before."""

    destination = forms.CharField(label=_("Number"), max_length=260)
    message = forms.CharField(label=_("Said before"), max_length=300, required=False)


class KeysForm(forms.Form):
    """Keys of a telephone."""

    digits = forms.RegexField(
        label=_("Keys"), regex=r"^[0-9*#A-Dw]{1,64}$", max_length=64
    )
