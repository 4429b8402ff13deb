"""The questions every assistant is asked, whoever its providers are.

Limits and defaults come from the spec's shapes, so that the form, the API and the
pipeline cannot disagree.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel

from assistants.advanced_fields import AdvancedFields
from assistants.example_turns import UnreadableTurns, turns_of_lines
from assistants.spec import LLMConfig
from assistants.speech_shapes import BackgroundAudio, Silence, TurnTaking
from assistants.vendor_shapes import MAX_FALLBACKS


def number(shape: type[BaseModel], name: str, label: Any, help_text: Any = "") -> Any:
    """Return a control for a shape's number, with its limits and its default."""
    found = shape.model_fields[name]
    limits: dict[str, Any] = {}
    for mark in found.metadata:
        limits |= {
            new: getattr(mark, old)
            for old, new in (("ge", "min_value"), ("le", "max_value"))
            if hasattr(mark, old)
        }
    is_whole = found.annotation is int
    kind = forms.IntegerField if is_whole else forms.FloatField
    field = kind(
        label=label,
        help_text=help_text,
        initial=found.default,
        required=found.default is not None and type(None) not in _variants(found),
        **limits,
    )
    if not is_whole:
        field.widget.attrs["step"] = "any"
    return field


def _variants(found: Any) -> tuple[Any, ...]:
    return getattr(found.annotation, "__args__", ())


def plain_lines(cleaned: dict[str, Any]) -> dict[str, Any]:
    """Give texts the line ends they were kept with: browsers send two characters for each.

    Without it a save that changes nothing makes a version in which every line differs.
    """
    for name, value in cleaned.items():
        if isinstance(value, str):
            cleaned[name] = value.replace("\r\n", "\n")
    return cleaned


def lines(label: Any, help_text: Any, rows: int = 3) -> Any:
    """Return a control for a list, one entry per line."""
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        widget=forms.Textarea({"rows": rows}),
    )


def sentence(label: Any, help_text: Any = "", rows: int = 0, most: int = 300) -> Any:
    """Return a control for words that are spoken as they stand."""
    widget = forms.Textarea({"rows": rows}) if rows else forms.TextInput()
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=most, widget=widget
    )


def stand_ins() -> Any:
    """Return the controls of an ordered list: who takes over, and who after them."""
    words = (_("If it fails"), _("And if that fails"), _("And if that fails too"))
    assert len(words) == MAX_FALLBACKS
    return [
        forms.ChoiceField(
            label=label,
            required=False,
            help_text="" if place else _("Takes over in the middle of a call."),
        )
        for place, label in enumerate(words)
    ]


class AssistantFields(AdvancedFields):
    """What the assistant is called, what it says and knows, and how it sounds."""

    # identity
    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("Only you and your team see it.")
    )
    business_name = forms.CharField(
        label=_("Business"),
        max_length=200,
        required=False,
        help_text=_("Whom it speaks for; shown in lists and reports."),
    )
    notification_emails = lines(
        _("Send each call's report to"), _("One address per line, at most five."), 2
    )

    # conversation
    first_message = sentence(
        _("First message"),
        _("Spoken as soon as the call connects. Empty: the caller speaks first."),
        2,
        2_000,
    )
    first_message_outbound = sentence(
        _("First message when it calls"),
        _("Empty: the first message is used for calls out as well."),
        2,
    )
    instructions = forms.CharField(
        label=_("Instructions"),
        max_length=100_000,
        widget=forms.Textarea({"rows": 12}),
        help_text=_(
            "Say who the assistant is, what it knows and how it should answer. "
            "{{name}} is replaced by what is known of a call."
        ),
    )
    examples = forms.CharField(
        label=_("Example of a conversation"),
        max_length=50_000,
        required=False,
        widget=forms.Textarea(
            {
                "rows": 6,
                "placeholder": _(
                    "Caller: Are you open on Sunday?\n"
                    "Assistant: No, on Monday from nine again."
                ),
            }
        ),
        help_text=_(
            "Shows how it should answer. Begin each turn on a line of its own with "
            "“Caller:” or “Assistant:”."
        ),
    )
    language = forms.ChoiceField(label=_("Language"))

    # voice
    voice = forms.ChoiceField(label=_("Voice"))
    own_voice = forms.CharField(
        label=_("Id of another voice"),
        max_length=200,
        required=False,
        help_text=_(
            "From your own library at this provider; it goes before the one chosen."
        ),
    )
    voice_model = forms.ChoiceField(label=_("Voice model"), required=False)
    fallback_voice, fallback_voice_2, fallback_voice_3 = stand_ins()
    pronunciation = lines(
        _("Pronunciation"),
        _("One per line: the word as written = as it is said. At most 50."),
    )
    background_enabled = forms.BooleanField(
        label=_("Sounds of a place in the background"), required=False
    )
    background_clip = forms.ChoiceField(
        label=_("Place"),
        choices=[
            ("office", _("Office")),
            ("city", _("City")),
            ("forest", _("Forest")),
            ("crowded_room", _("Crowded room")),
        ],
        initial="office",
    )
    background_volume = number(BackgroundAudio, "volume", _("Loudness"))

    # hearing
    listener = forms.ChoiceField(
        label=_("Speech recognition"), help_text=_("What understands the caller.")
    )
    fallback_listener, fallback_listener_2, fallback_listener_3 = stand_ins()

    # model
    model = forms.ChoiceField(
        label=_("Model"), help_text=_("What decides the answers.")
    )
    temperature = number(
        LLMConfig, "temperature", _("Freedom"), _("0 is strict, 2 is wild.")
    )
    fallback_model, fallback_model_2, fallback_model_3 = stand_ins()

    # timing
    endpointing_min_delay = number(
        TurnTaking,
        "endpointing_min_delay",
        _("Answer after a silence of"),
        _("Shorter is quicker, and cuts in more often."),
    )
    endpointing_max_delay = number(
        TurnTaking,
        "endpointing_max_delay",
        _("After an unfinished sentence"),
        _("When the last words sound as if more will come."),
    )
    interruption_min_duration = number(
        TurnTaking,
        "interruption_min_duration",
        _("Stops for the caller after"),
        _("How long they must speak to interrupt."),
    )
    interruption_min_words = number(
        TurnTaking,
        "interruption_min_words",
        _("And at least so many words"),
        _("0: any sound of that length interrupts."),
    )
    false_interruption_timeout = number(
        TurnTaking,
        "false_interruption_timeout",
        _("Goes on after a cough of"),
        _("Empty: it never takes up what it was saying."),
    )

    # silence
    autonomous_silence_handling = forms.BooleanField(
        label=_("Look after a silent caller"),
        required=False,
        help_text=_("Asks whether they are there, and hangs up in the end."),
    )
    silence_messages = lines(
        _("What it asks"),
        _("One sentence per line, at most five, in turn. Empty: its own words."),
    )
    silence_first_check = number(Silence, "first_check_seconds", _("First after"), "")
    silence_interval = number(Silence, "interval_seconds", _("Then every"), "")
    silence_max_attempts = number(Silence, "max_attempts", _("How often"), "")
    silence_final_message = sentence(_("Last words to a silent caller"))

    # ending
    max_duration_minutes = forms.FloatField(
        label=_("Longest call"),
        min_value=0.16,
        max_value=120,
        initial=10,
        widget=forms.NumberInput({"step": "any"}),
        help_text=_("From ten seconds (0.17) to two hours."),
    )
    may_hang_up = forms.BooleanField(
        label=_("May end the call"),
        required=False,
        initial=True,
        help_text=_("Lets the assistant hang up when the conversation is over."),
    )
    end_call_message = sentence(
        _("Last words"),
        _("Spoken when the assistant hangs up, and when the longest time is reached."),
    )
    end_call_phrases = lines(
        _("Phrases that end the call"),
        _("One per line, at most five: when the assistant says one, it hangs up."),
    )
    voicemail_detection = forms.BooleanField(
        label=_("Notice voicemail on calls out"), required=False, initial=True
    )
    voicemail_message = sentence(
        _("Voicemail message"),
        _("Left after the beep on outbound calls. Empty: hang up."),
        2,
        1_000,
    )

    def clean_examples(self) -> list[dict[str, str]]:
        """Return the example turns as messages to the model."""
        try:
            return turns_of_lines(self.cleaned_data["examples"])
        except UnreadableTurns as error:
            raise forms.ValidationError(str(error)) from error
