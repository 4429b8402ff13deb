"""The form of an import: a file, or its text."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy

from assistants.porting.importing import (
    MAX_CHARACTERS,
    NotAnAssistant,
    read_document,
)


class ImportForm(forms.Form):
    """Either is enough; the file goes before the text."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, required=False)
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        widget=forms.FileInput({"accept": ".json,application/json"}),
    )
    text = forms.CharField(
        label=gettext_lazy("Or its text"),
        required=False,
        widget=forms.Textarea({"rows": 10, "spellcheck": "false"}),
    )

    def hidden(self) -> ImportForm:
        """Carry the document along, to be created once it was looked at."""
        self.fields["text"].widget = forms.HiddenInput()
        del self.fields["file"]
        return self

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        place, text = "text", cleaned.get("text") or ""
        if (file := cleaned.get("file")) is not None:
            place = "file"
            # Read one byte more than may be, so that more is known to be too much.
            content = file.read(4 * MAX_CHARACTERS + 1)
            try:
                text = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", _("The file is not text in UTF-8."))
                return cleaned
        if not text.strip():
            self.add_error("file", _("Choose a file, or paste its text."))
            return cleaned
        try:
            cleaned["document"] = read_document(text)
        except NotAnAssistant as error:
            self.add_error(place, str(error))
        return cleaned
