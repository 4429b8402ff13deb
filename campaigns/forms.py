"""The forms of campaigns: what a person decides, and the list of people to call."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _, ngettext

from assistants.models import Assistant
from assistants.queries import visible_assistants
from assistants.rendering import variables_in
from calls.models import PhoneNumber
from campaigns.importing import Import, decode, read_leads, region_of
from campaigns.services import NewCampaign
from portal.models import Organization

MAX_FILE_BYTES: Final = 2_000_000
ALWAYS_KNOWN: Final = frozenset({"name", "phone_number"})


class LeadsForm(forms.Form):
    """People to call, pasted or as a file. `found` is what the list came to."""

    leads = forms.CharField(
        label=_("People to call"),
        required=False,
        max_length=MAX_FILE_BYTES,
        strip=False,
        widget=forms.Textarea(
            {"rows": 8, "spellcheck": "false", "autocomplete": "off", "wrap": "off"}
        ),
        help_text=_(
            "One number a line, or a table with a heading row: phone, name, and any "
            "column of your own. Paste from a spreadsheet."
        ),
    )
    file = forms.FileField(
        label=_("Or a CSV file"),
        required=False,
        widget=forms.FileInput({"accept": ".csv,.txt,text/csv,text/plain"}),
    )
    leave_out = forms.BooleanField(
        label=_("Leave out the rows that cannot be called"), required=False
    )

    needs_leads = True

    def __init__(self, *args: Any, region: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region = region
        self.found = Import()

    def clean_file(self) -> UploadedFile[bytes] | None:
        upload: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if upload is not None and (upload.size or 0) > MAX_FILE_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB. Split it."))
        return upload

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.found = read_leads(self._text(), region=self._region())
        if self.found.error_count and not cleaned.get("leave_out"):
            self.add_error("leads", self._complaint())
        elif self.needs_leads and not self.found.rows and not self.errors:
            self.add_error("leads", _("There is nobody to call in this list."))
        return cleaned

    def _region(self) -> str:
        return self.region

    def _text(self) -> str:
        """Return the pasted list and the file's, and show both in the field again.

        A browser does not send a file twice, so a list with errors would be lost.
        """
        pasted: str = self.cleaned_data.get("leads") or ""
        upload: UploadedFile[bytes] | None = self.cleaned_data.get("file")
        if upload is None:
            return pasted
        text = decode(upload.read()).replace("\0", "")
        if pasted.strip():
            text = f"{pasted.rstrip()}\n{text}"
        shown = QueryDict(mutable=True)
        shown.update(self.data)
        shown[self.add_prefix("leads")] = text
        self.data = shown
        return text

    def _complaint(self) -> str:
        return ngettext(
            "%(count)d row cannot be called. Correct it, or leave it out.",
            "%(count)d rows cannot be called. Correct them, or leave them out.",
            self.found.error_count,
        ) % {"count": self.found.error_count}


class CampaignForm(LeadsForm):
    """A new campaign: who calls, from where, how persistently, and whom."""

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("Only you and your team see it.")
    )
    assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Assistant"), queryset=None, empty_label=None
    )
    number: forms.ModelChoiceField[PhoneNumber] = forms.ModelChoiceField(
        label=_("Calls come from"),
        queryset=None,
        empty_label=None,
        help_text=_("The number people see."),
    )
    max_concurrent_calls = forms.IntegerField(
        label=_("Calls at once"), min_value=1, initial=3
    )
    max_attempts = forms.IntegerField(
        label=_("Attempts for each person"), min_value=1, max_value=10, initial=3
    )
    retry_delay_minutes = forms.IntegerField(
        label=_("Wait before another try"), min_value=1, max_value=10_080, initial=60
    )
    system_message_template = forms.CharField(
        label=_("Instructions for these calls"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea({"rows": 8}),
        help_text=_(
            "Empty: the assistant's own instructions. {{name}} and every column of the "
            "list are replaced for each person."
        ),
    )

    needs_leads = False

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assistants = visible_assistants().filter(is_active=True)
        numbers = PhoneNumber.objects.filter(is_active=True)
        self.fields["assistant"].queryset = assistants  # type: ignore[attr-defined]
        self.fields["number"].queryset = numbers  # type: ignore[attr-defined]
        calls = self.fields["max_concurrent_calls"]
        limit = organization.max_concurrent_calls
        calls.max_value = limit  # type: ignore[attr-defined]
        calls.widget.attrs["max"] = limit
        calls.initial = min(3, limit)
        self._limit = limit

    def clean_max_concurrent_calls(self) -> int:
        wanted: int = self.cleaned_data["max_concurrent_calls"]
        if wanted > self._limit:
            raise forms.ValidationError(
                _("Your organization may have %(limit)d calls at once.")
                % {"limit": self._limit}
            )
        return wanted

    def _region(self) -> str:
        number: PhoneNumber | None = self.cleaned_data.get("number")
        return region_of(number.number) if number else ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        known = ALWAYS_KNOWN | set(self.found.columns)
        template = cleaned.get("system_message_template") or ""
        unknown = sorted(variables_in(template) - known)
        if unknown and self.found.rows:
            self.add_error(
                "system_message_template",
                _("The list has no column %(unknown)s. It has: %(known)s.")
                % {
                    "unknown": ", ".join(f"{{{{{name}}}}}" for name in unknown),
                    "known": ", ".join(sorted(known)),
                },
            )
        return cleaned

    @property
    def new(self) -> NewCampaign:
        """What a valid form asks for."""
        cleaned = self.cleaned_data
        return NewCampaign(
            name=cleaned["name"],
            assistant=cleaned["assistant"],
            number=cleaned["number"],
            system_message_template=cleaned["system_message_template"],
            max_concurrent_calls=cleaned["max_concurrent_calls"],
            max_attempts=cleaned["max_attempts"],
            retry_delay_s=cleaned["retry_delay_minutes"] * 60,
        )


class LeadsCheckForm(LeadsForm):
    """The list alone, while the rest of the form is being filled in: never an error."""

    number: forms.ModelChoiceField[PhoneNumber] = forms.ModelChoiceField(
        queryset=None, required=False
    )
    leave_out = forms.BooleanField(required=False, initial=True)
    needs_leads = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].queryset = PhoneNumber.objects.all()  # type: ignore[attr-defined]

    def _region(self) -> str:
        number: PhoneNumber | None = self.cleaned_data.get("number")
        return region_of(number.number) if number else ""
