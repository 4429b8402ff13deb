"""The form of an organization's privacy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _, ngettext

from common.redaction import Category
from portal.fields import WordsField
from portal.models import PrivacySettings
from portal.policy import CONTENT_DAYS, METADATA_DAYS

CATEGORY_LABELS = {
    Category.EMAIL: _("Email addresses"),
    Category.PHONE_NUMBER: _("Telephone numbers"),
    Category.PAYMENT_CARD: _("Payment card numbers"),
    Category.BANK_ACCOUNT: _("Bank account numbers"),
    Category.NATIONAL_ID: _("Citizen and social security numbers"),
    Category.DATE_OF_BIRTH: _("Dates of birth"),
    Category.IP_ADDRESS: _("IP addresses"),
    Category.NAME: _("Names the call was told of"),
}


def _length(days: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


_lazy_length = lazy(_length, str)


def _days(choices: tuple[int, ...]) -> list[tuple[int, Any]]:
    return [(days, _lazy_length(days)) for days in choices]


class PrivacyForm(forms.Form):
    """Where data may go, how long it stays, and what is never kept."""

    regions = forms.ChoiceField(
        label=_("Where the data of calls may go"),
        choices=PrivacySettings.Regions.choices,
        help_text=_(
            "Assistants that use a vendor outside are refused when they are saved and "
            "when a call starts."
        ),
    )
    trusted_hosts = WordsField(
        label=_("Own addresses inside this region"),
        required=False,
        help_text=_(
            "Hosts of your webhooks, tools, own models, trunks and SIP addresses that "
            "callers are handed on to, such as crm.example.com. Under a rule, an address "
            "that is not named here is refused: nobody can know where it is. Mails about "
            "calls then hold no summary."
        ),
    )
    keeps_callers_inside = forms.BooleanField(
        label=_("Hand callers on to numbers of the European Union only"),
        required=False,
        help_text=_(
            "Under a rule, by the country code. Without this, callers are handed on to "
            "any number you name, and the page of an assistant says which are outside."
        ),
    )
    content_retention_days = forms.TypedChoiceField(
        label=_("Keep content for"),
        coerce=int,
        choices=_days(CONTENT_DAYS),
        help_text=_("Transcripts, summaries, analyses and recordings."),
    )
    metadata_retention_days = forms.TypedChoiceField(
        label=_("Keep metadata for"),
        coerce=int,
        choices=_days(METADATA_DAYS),
        help_text=_(
            "Telephone numbers, variables and events of calls, and the people of a "
            "campaign, counted from its end. Saved lists stay until you delete them."
        ),
    )
    gdpr_mode = forms.BooleanField(
        label=_("Keep no content"),
        required=False,
        help_text=_(
            "Nothing is recorded. Transcript and summary go once the report of the "
            "call has been delivered, and telephone numbers are made unreadable. The "
            "people of a campaign go three days after its end."
        ),
    )
    redacted_categories = forms.MultipleChoiceField(
        label=_("Take out of transcripts and recordings"),
        required=False,
        choices=[
            (category.value, label) for category, label in CATEGORY_LABELS.items()
        ],
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Before anything is stored or sent. A name has no form: only names that a "
            "call was told of are found, in its variables or its lead, or afterwards in "
            "a fact that is called a name. Other names stay, and a name that is a word "
            "too, such as Mark, is taken out wherever it is said."
        ),
    )
    seals_content = forms.BooleanField(
        label=_("Seal transcripts and recordings"),
        required=False,
        help_text=_("They are kept encrypted and opened only when somebody looks."),
    )
    discloses_ai = forms.BooleanField(
        label=_("Say at the start that an AI is speaking"),
        required=False,
        help_text=_(
            "The EU’s AI Act asks for it (article 50). Each call keeps the proof."
        ),
    )
    legal_hold_reason = forms.CharField(
        label=_("Legal hold"),
        required=False,
        max_length=200,
        help_text=_("With a reason here, nothing is deleted until you take it away."),
    )

    def clean_trusted_hosts(self) -> list[str]:
        return sorted({host.lower() for host in self.cleaned_data["trusted_hosts"]})
