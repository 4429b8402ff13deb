"""From a catalogue's option to a control of a form, and back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from assistants.catalogue import Option, OptionKind

# Name, and what it is for. One entry for each name, whichever provider takes it.
LABELS = {
    "max_completion_tokens": (
        _("Longest answer"),
        _("In tokens; about ¾ of a word each."),
    ),
    "max_output_tokens": (_("Longest answer"), _("In tokens.")),
    "location": (_("Place of computing"), ""),
    "vertexai": (_("Through Vertex AI"), ""),
    "reasoning_effort": (_("Thinks first"), _("Better answers, longer waits.")),
    "speed": (_("Speed"), _("1 is the voice's own.")),
    "speaking_rate": (_("Speed"), _("1 is the voice's own.")),
    "keyterms": (_("Names and terms"), _("One per line. They are recognised better.")),
    "custom_vocabulary": (_("More terms"), _("One per line.")),
    "smart_format": (_("Format numbers, dates and amounts"), ""),
    "numerals": (_("Write numbers as digits"), ""),
    "filler_words": (_("Keep “um” and “uh”"), ""),
    "no_delay": (_("Do not wait to format"), ""),
    "endpointing": (
        _("Silence that ends a phrase"),
        _("Milliseconds at Deepgram, seconds at Gladia."),
    ),
    "utterance_end_ms": (_("Pause between phrases, ms"), ""),
    "tag_audio_events": (_("Note laughter and other sounds"), ""),
    "include_timestamps": (_("Times of words"), ""),
    "sample_rate": (_("Sample rate"), ""),
    "languages": (_("Languages to expect"), _("One code per line, such as nl.")),
    "code_switching": (_("Callers change language"), ""),
    "region": (_("Region"), ""),
    "translation_enabled": (_("Translate"), ""),
    "translation_target_languages": (_("Translate into"), _("One code per line.")),
    "stability": (_("Stability"), _("0 is lively, 1 is even.")),
    "similarity_boost": (_("Similarity"), _("How close to the original voice.")),
    "style": (_("Style"), _("0 is plain; more costs time.")),
    "use_speaker_boost": (_("Speaker boost"), ""),
    "apply_text_normalization": (_("Spell out numbers"), ""),
    "apply_language_text_normalization": (_("Spell out for the language"), ""),
    "instructions": (_("How to speak"), _("“Calm and warm”, say.")),
}


def field_of(option: Option) -> forms.Field | None:
    """Return the control of an option; None for one with fields of its own."""
    if option.kind is OptionKind.GROUP:
        return None
    label, help_text = LABELS.get(option.name, (option.name, ""))
    shared: dict[str, Any] = {"label": label, "required": False, "help_text": help_text}
    if option.kind in (OptionKind.NUMBER, OptionKind.INTEGER):
        kind: Any = (
            forms.IntegerField
            if option.kind is OptionKind.INTEGER
            else forms.FloatField
        )
        field: forms.Field = kind(
            min_value=option.minimum, max_value=option.maximum, **shared
        )
        field.widget.attrs["placeholder"] = _shown(option.default)
        if option.kind is OptionKind.NUMBER:
            field.widget.attrs["step"] = "any"
        return field
    if option.kind is OptionKind.SWITCH:
        default = gettext("yes") if option.default else gettext("no")
        automatic = gettext("The provider's choice (%(value)s)") % {"value": default}
        choices = [("", automatic), ("true", _("Yes")), ("false", _("No"))]
        return forms.ChoiceField(choices=choices, **shared)
    if option.kind is OptionKind.CHOICE:
        automatic = gettext("The provider's choice (%(value)s)") % {
            "value": _shown(option.default)
        }
        choices = [("", automatic), *((value, value) for value in option.choices)]
        return forms.ChoiceField(choices=choices, **shared)
    rows = 3 if option.kind is OptionKind.WORDS else 2
    return forms.CharField(widget=forms.Textarea({"rows": rows}), **shared)


def value_of(option: Option, answer: Any) -> Any:
    """Return the config's value for a form's answer; None for the provider's choice."""
    if answer in (None, ""):
        return None
    if option.kind is OptionKind.SWITCH:
        return answer == "true"
    if option.kind is OptionKind.WORDS:
        return lines_of(answer)
    if option.kind is OptionKind.CHOICE and option.name == "sample_rate":
        return int(answer)
    return answer


def answer_of(option: Option, value: Any) -> Any:
    """Return the form's answer that gives this value."""
    if value is None:
        return ""
    if option.kind is OptionKind.SWITCH:
        return "true" if value else "false"
    if option.kind is OptionKind.WORDS:
        return "\n".join(value)
    if option.name == "speed" and value == 1.0:
        return ""
    return str(value) if option.kind is OptionKind.CHOICE else value


def lines_of(text: str) -> tuple[str, ...]:
    """Return the lines of a text box that hold something."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _shown(default: object) -> str:
    return (
        ""
        if default is None
        else f"{default:g}"
        if isinstance(default, float)
        else str(default)
    )
