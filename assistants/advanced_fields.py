"""The questions that few ask: privacy, webhooks, voicemail, and a realtime model's own.

What belongs to a realtime model stands in `OF_GROUP`, by the group of options that the
catalogue says its provider takes.
"""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _, gettext_lazy

from assistants.option_fields import lines_of
from assistants.realtime_shapes import TURN_DETECTION_LIMITS, FileSearch
from assistants.spec import AssistantSpec

EVENTS: Final = (
    ("assistant-request", gettext_lazy("A call begins: who answers it?")),
    ("status-update", gettext_lazy("A call began, or is over")),
    ("tool-calls", gettext_lazy("A function is called")),
    ("end-of-call-report", gettext_lazy("Summary and analysis are ready")),
)
OF_GROUP: Final = {
    "delegation": ("delegation_model", "delegation_instructions"),
    "turn_detection": tuple(f"turn_{name}" for name in TURN_DETECTION_LIMITS),
    "transcription": ("hint_language", "hint_keyterms"),
    "provider_tools": (
        "web_search",
        "x_search",
        "x_handles",
        "file_stores",
        "file_results",
    ),
}
# Path of a spec, or of its start, to the control an error about it belongs to.
PLACES: Final = (
    ("recording_consent", "consent_message"),
    ("webhook_events", "webhook_events"),
    ("webhook_url", "webhook_url"),
    ("after_call_transcription", "after_call_provider"),
    ("llm_config.delegation.model", "delegation_model"),
    ("llm_config.delegation", "delegation_instructions"),
    ("llm_config.transcription.language_hint", "hint_language"),
    ("llm_config.transcription", "hint_keyterms"),
)


def _turn(name: str, label: Any) -> forms.Field:
    low, high = TURN_DETECTION_LIMITS[name]
    shared: dict[str, Any] = {"label": label, "required": False}
    shared |= {"min_value": low, "max_value": high}
    if name != "threshold":
        return forms.IntegerField(**shared)
    field = forms.FloatField(**shared)
    field.widget.attrs["step"] = "any"
    return field


def _lines(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )


class AdvancedFields(forms.Form):
    """Asked at the end of the form, folded away."""

    notification_email = forms.EmailField(
        label=gettext_lazy("One more address for reports"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("As older clients of the API set it."),
    )
    consent_enabled = forms.BooleanField(
        label=gettext_lazy("Ask callers for consent before recording"),
        required=False,
        help_text=gettext_lazy("On the telephone, before anything is heard or kept."),
    )
    consent_message = forms.CharField(
        label=gettext_lazy("How it is asked"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea({"rows": 2}),
        help_text=gettext_lazy("Empty: our words, in the assistant’s language."),
    )
    gdpr_mode = forms.BooleanField(
        label=gettext_lazy("Keep nothing of a call once its report is delivered"),
        required=False,
    )
    voicemail_when_unsure = forms.ChoiceField(
        label=gettext_lazy("When it may be voicemail"),
        choices=[
            ("talk", gettext_lazy("Talk, as if a person had answered")),
            ("leave_message", gettext_lazy("Leave the voicemail message")),
        ],
        initial="talk",
    )
    webhook_url = forms.CharField(
        label=gettext_lazy("Webhook address"),
        required=False,
        max_length=2_000,
        widget=forms.URLInput({"placeholder": "https://…"}),
        help_text=gettext_lazy(
            "Events of this assistant’s calls go there, signed with a secret that this "
            "page shows once you have saved."
        ),
    )
    webhook_events = forms.MultipleChoiceField(
        label=gettext_lazy("Which events"),
        required=False,
        choices=EVENTS,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: all of them."),
    )
    after_call_provider = forms.ChoiceField(
        label=gettext_lazy("Transcript after the call"),
        required=False,
        help_text=gettext_lazy("Writes the call down from its recording."),
    )
    delegation_model = forms.CharField(
        label=gettext_lazy("Model that thinks meanwhile"),
        required=False,
        max_length=100,
    )
    delegation_instructions = forms.CharField(
        label=gettext_lazy("Its instructions"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea({"rows": 4}),
        help_text=gettext_lazy("Empty: those of the assistant."),
    )
    turn_threshold = _turn("threshold", gettext_lazy("Loudness that is speech"))
    turn_prefix_padding_ms = _turn(
        "prefix_padding_ms", gettext_lazy("Kept before speech, ms")
    )
    turn_silence_duration_ms = _turn(
        "silence_duration_ms", gettext_lazy("Silence that ends a turn, ms")
    )
    turn_idle_timeout_ms = _turn(
        "idle_timeout_ms", gettext_lazy("Speaks up after silence of, ms")
    )
    hint_language = forms.CharField(
        label=gettext_lazy("Language to expect"), required=False, max_length=10
    )
    hint_keyterms = _lines(
        gettext_lazy("Names and terms to expect"),
        gettext_lazy("One per line, at most 100 of 50 characters."),
    )
    web_search = forms.BooleanField(
        label=gettext_lazy("May search the web"), required=False
    )
    x_search = forms.BooleanField(label=gettext_lazy("May search X"), required=False)
    x_handles = _lines(
        gettext_lazy("Only these accounts of X"),
        gettext_lazy("One per line, at most 20."),
    )
    file_stores = _lines(
        gettext_lazy("Collections of files to search"), gettext_lazy("One id per line.")
    )
    file_results = forms.IntegerField(
        label=gettext_lazy("Results of a search"),
        required=False,
        min_value=1,
        max_value=50,
    )

    def clean_x_handles(self) -> tuple[str, ...]:
        handles = lines_of(self.cleaned_data["x_handles"])
        if len(handles) > 20:
            raise forms.ValidationError(_("At most %(limit)d entries.") % {"limit": 20})
        return handles


def advanced_values(answers: dict[str, Any]) -> dict[str, Any]:
    """Return what these answers set, whoever the model's provider is."""
    message = answers["consent_message"] or None
    consent = {"enabled": answers["consent_enabled"], "message": message}
    provider = answers["after_call_provider"]
    return {
        "notification_email": answers["notification_email"] or None,
        "recording_consent": consent if any(consent.values()) else None,
        "gdpr_mode": answers["gdpr_mode"],
        "voicemail_when_unsure": answers["voicemail_when_unsure"],
        "webhook_url": answers["webhook_url"] or None,
        "webhook_events": answers["webhook_events"] or None,
        "after_call_transcription": {"provider": provider} if provider else None,
    }


def group_values(group: str, answers: dict[str, Any]) -> Any:
    """Return what the answers of one group of a realtime model set; None for nothing."""
    if group == "delegation":
        found = {
            "model": answers["delegation_model"],
            "instructions": answers["delegation_instructions"],
        }
    elif group == "turn_detection":
        found = {name: answers[f"turn_{name}"] for name in TURN_DETECTION_LIMITS}
    elif group == "transcription":
        found = {
            "language_hint": answers["hint_language"],
            "keyterms": lines_of(answers["hint_keyterms"]),
        }
    else:
        return _provider_tools(answers)
    found = {
        name: value for name, value in found.items() if value not in ("", None, ())
    }
    return found or None


def _provider_tools(answers: dict[str, Any]) -> list[dict[str, Any]] | None:
    tools: list[dict[str, Any]] = []
    if answers["web_search"]:
        tools.append({"type": "web_search"})
    if answers["x_search"]:
        handles = answers["x_handles"]
        tools.append({"type": "x_search", "allowed_x_handles": handles or None})
    if stores := lines_of(answers["file_stores"]):
        tools.append(
            {
                "type": "file_search",
                "vector_store_ids": stores,
                "max_num_results": answers["file_results"],
            }
        )
    return tools or None


def advanced_answers(spec: AssistantSpec) -> dict[str, Any]:
    """Return the answers that give this spec."""
    consent, after = spec.recording_consent, spec.after_call_transcription
    llm = spec.llm_config
    answers: dict[str, Any] = {
        "notification_email": spec.notification_email or "",
        "consent_enabled": bool(consent and consent.enabled),
        "consent_message": (consent.message if consent else None) or "",
        "gdpr_mode": spec.gdpr_mode,
        "voicemail_when_unsure": spec.voicemail_when_unsure,
        "webhook_url": spec.webhook_url or "",
        "webhook_events": list(spec.webhook_events or ()),
        "after_call_provider": after.provider if after else "",
    }
    if llm.delegation:
        answers["delegation_model"] = llm.delegation.model
        answers["delegation_instructions"] = llm.delegation.instructions or ""
    if llm.turn_detection:
        for name in TURN_DETECTION_LIMITS:
            answers[f"turn_{name}"] = getattr(llm.turn_detection, name)
    if llm.transcription:
        answers["hint_language"] = llm.transcription.language_hint or ""
        answers["hint_keyterms"] = "\n".join(llm.transcription.keyterms)
    for tool in llm.provider_tools or ():
        if isinstance(tool, FileSearch):
            answers["file_stores"] = "\n".join(tool.vector_store_ids)
            answers["file_results"] = tool.max_num_results
        else:
            answers[tool.type] = True
            answers["x_handles"] = "\n".join(
                getattr(tool, "allowed_x_handles", None) or ()
            ) or answers.get("x_handles", "")
    return answers
