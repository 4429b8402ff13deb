"""What an agency may choose about how its portal looks and speaks."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from portal.models import BrandPicture, Portal
from portal.services.brand import BRAND_FIELDS, keyed_entries

MENU_LIMIT: Final = 6
_COLOR: Final = r"^#[0-9a-fA-F]{6}\Z"
require_https = URLValidator(schemes=["https"])

PICTURE_LABELS: Final = {
    BrandPicture.Kind.LOGO_LIGHT: _("Logo on light ground"),
    BrandPicture.Kind.LOGO_DARK: _("Logo on dark ground"),
    BrandPicture.Kind.ICON: _("Icon of tab and app"),
    BrandPicture.Kind.SIGN_IN: _("Picture beside the sign-in"),
    BrandPicture.Kind.SOCIAL: _("Picture of link previews"),
}
PICTURE_HELP: Final = {
    BrandPicture.Kind.LOGO_LIGHT: _("SVG, PNG, JPEG or WebP, up to 2 MB."),
    BrandPicture.Kind.LOGO_DARK: _("If it differs from the one above."),
    BrandPicture.Kind.ICON: _(
        "A square PNG, JPEG or WebP of 512 pixels or more; every size is made from it."
    ),
    BrandPicture.Kind.SIGN_IN: _("Upright, 1200 by 1600 pixels; cut to fit."),
    BrandPicture.Kind.SOCIAL: _("1200 by 630 pixels; cut to fit."),
}
PICTURE_ERRORS: Final = {
    "bad_svg": _("This drawing cannot be shown safely. Upload a plain SVG or a PNG."),
    "icon_too_small": _("Upload an icon of at least 128 by 128 pixels."),
    "too_large": _("Upload a file of at most 2 MB."),
    "too_many_pixels": _("Upload a picture of at most 24 megapixels."),
    "not_a_picture": _("Upload a PNG, JPEG or WebP picture."),
}


def _link(label: Any) -> forms.URLField:
    return forms.URLField(label=label, required=False, assume_scheme="https")


class BrandForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """The brand's fields, and up to six pages of the agency's own in the menu."""

    primary_color = forms.RegexField(
        _COLOR,
        label=_("Primary colour"),
        required=False,
        widget=forms.TextInput({"type": "color"}),
        help_text=_("Buttons."),
    )
    accent_color = forms.RegexField(
        _COLOR,
        label=_("Accent colour"),
        widget=forms.TextInput({"type": "color"}),
        help_text=_("Links, what is current, charts."),
    )
    neutral_hue_deg = forms.IntegerField(
        label=_("Hue of the greys"),
        min_value=0,
        max_value=360,
        widget=forms.NumberInput({"type": "range", "min": 0, "max": 360}),
        help_text=_("0 to 360 degrees on the colour wheel; 250 is a cool blue grey."),
    )

    support_url = _link(_("Help pages"))
    terms_url = _link(_("Terms"))
    privacy_url = _link(_("Privacy policy"))

    class Meta:
        model = Portal
        fields = [name for name in BRAND_FIELDS if name != "menu_entries"]
        help_texts = {
            "legal_name": _("Stands in mails and documents."),
            "page_title": _("In search results and link previews; empty: the name."),
            "credits_word": _("Such as “minutes”. Empty: credits."),
            "assistants_word": _("Such as “agents”. Empty: assistants."),
            "language": _("Of pages before sign-in, and of people who chose none."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entries = list(self.instance.menu_entries)
        for index in range(MENU_LIMIT):
            entry = entries[index] if index < len(entries) else {}
            self._add_menu_fields(index, entry)
        if not self.is_bound and not self.instance.primary_color:
            self.initial["primary_color"] = self.instance.accent_color

    def _add_menu_fields(self, index: int, entry: dict[str, Any]) -> None:
        self.fields[f"menu_{index}_label"] = forms.CharField(
            label=_("Name"), max_length=30, required=False, initial=entry.get("label")
        )
        self.fields[f"menu_{index}_url"] = forms.CharField(
            label=_("Address"), max_length=300, required=False, initial=entry.get("url")
        )
        self.fields[f"menu_{index}_is_framed"] = forms.BooleanField(
            label=_("Show inside the portal"),
            required=False,
            initial=entry.get("is_framed", False),
        )

    def menu_rows(self) -> list[tuple[Any, Any, Any]]:
        """Give the controls of each menu entry there is, and of one to fill in."""
        return self._menu_controls()[: self._shown_rows()]

    def spare_menu_rows(self) -> list[tuple[Any, Any, Any]]:
        """Give the controls of the entries there could be besides."""
        return self._menu_controls()[self._shown_rows() :]

    def _menu_controls(self) -> list[tuple[Any, Any, Any]]:
        return [
            (
                self[f"menu_{index}_label"],
                self[f"menu_{index}_url"],
                self[f"menu_{index}_is_framed"],
            )
            for index in range(MENU_LIMIT)
        ]

    def _shown_rows(self) -> int:
        """Return how many rows are open: up to the last that says something, and one."""
        filled = [
            index
            for index, controls in enumerate(self._menu_controls(), start=1)
            if any(control.value() or control.errors for control in controls)
        ]
        return min(MENU_LIMIT, (filled[-1] if filled else 0) + 1)

    def clean_accent_color(self) -> str:
        return str(self.cleaned_data["accent_color"]).lower()

    def clean_primary_color(self) -> str:
        """Keep nothing where it says the same as the accent."""
        color = str(self.cleaned_data["primary_color"]).lower()
        return "" if color == str(self.data.get("accent_color", "")).lower() else color

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        entries = [
            (index, entry)
            for index in range(MENU_LIMIT)
            if (entry := self._menu_entry(index, cleaned)) is not None
        ]
        if not self.errors:
            self.instance.menu_entries = keyed_entries(self.instance, entries)
        return cleaned

    def _menu_entry(self, index: int, cleaned: dict[str, Any]) -> dict[str, Any] | None:
        label = cleaned.get(f"menu_{index}_label") or ""
        url = cleaned.get(f"menu_{index}_url") or ""
        if not label and not url:
            return None
        if not label:
            self.add_error(f"menu_{index}_label", _("Say what the menu shows."))
        try:
            require_https(url)
        except ValidationError:
            self.add_error(
                f"menu_{index}_url", _("Enter an address that begins with https://.")
            )
        return {
            "label": label,
            "url": url,
            "is_framed": bool(cleaned.get(f"menu_{index}_is_framed")),
        }
