"""The assistant's form: plain questions that make an `AssistantSpec`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError as SpecError

from assistants.catalogue import (
    Stage,
    catalogue,
    is_available,
    language_choices,
    language_name,
    model_choices,
    validate_spec,
    voice_choices,
)
from assistants.sovereignty import violations
from assistants.spec import (
    AssistantSpec,
    LLMConfig,
    Message,
    SpeechConfig,
    STTConfig,
    TTSConfig,
)
from assistants.tool_shapes import EndCallTool
from portal.services.privacy import policy_in_scope

_SEPARATOR = "/"
_FIELD_OF_PARAM = {
    "llm_config": "model",
    "stt_config": "listener",
    "tts_config": "voice",
    "first_message": "first_message",
    "name": "name",
}


def keys_at_hand() -> set[str]:
    """Return the names of the keys the platform has."""
    keys = {name for name, key in settings.VENDOR_KEYS.items() if key}
    if settings.VENDOR_BASE_URLS.get("openai"):
        keys.add("openai_compatible")
    return keys


class AssistantForm(forms.Form):
    """What the assistant is called, what it says and knows, and how it sounds."""

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("Only you and your team see it.")
    )
    first_message = forms.CharField(
        label=_("First message"),
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=_(
            "Spoken as soon as the call connects. Empty: the caller speaks first."
        ),
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
    language = forms.ChoiceField(label=_("Language"))
    voice = forms.ChoiceField(label=_("Voice"))
    model = forms.ChoiceField(
        label=_("Model"), help_text=_("What decides the answers.")
    )
    listener = forms.ChoiceField(
        label=_("Speech recognition"), help_text=_("What understands the caller.")
    )
    max_duration_minutes = forms.IntegerField(
        label=_("Longest call"), min_value=1, max_value=120, initial=10
    )
    may_hang_up = forms.BooleanField(
        label=_("May end the call"),
        required=False,
        initial=True,
        help_text=_("Lets the assistant hang up when the conversation is over."),
    )
    end_call_message = forms.CharField(
        label=_("Last words"),
        max_length=300,
        required=False,
        help_text=_("Spoken when the longest time is reached."),
    )
    voicemail_message = forms.CharField(
        label=_("Voicemail message"),
        max_length=1000,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Left after the beep on outbound calls. Empty: hang up."),
    )

    def __init__(
        self, *args: Any, spec: AssistantSpec | None = None, **kwargs: Any
    ) -> None:
        if spec is not None:
            kwargs["initial"] = initial_of(spec)
        super().__init__(*args, **kwargs)
        keys = keys_at_hand()
        self.fields["language"].choices = _languages(keys)  # type: ignore[attr-defined]
        self.fields["model"].choices = _offers(Stage.LLM, keys)  # type: ignore[attr-defined]
        self.fields["listener"].choices = _offers(Stage.STT, keys)  # type: ignore[attr-defined]
        self.fields["voice"].choices = _voices(keys)  # type: ignore[attr-defined]
        self._base = spec

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            spec = self._spec(cleaned)
        except SpecError as error:
            for problem in error.errors():
                field = _FIELD_OF_PARAM.get(
                    str(problem["loc"][0]) if problem["loc"] else ""
                )
                self.add_error(field, problem["msg"])
            return cleaned
        for wrong in [
            *validate_spec(spec, keys_at_hand()),
            *violations(spec, policy_in_scope()),
        ]:
            self.add_error(
                _FIELD_OF_PARAM.get(wrong.param.split(".")[0]), wrong.message
            )
        self.spec = spec
        return cleaned

    def _spec(self, data: dict[str, Any]) -> AssistantSpec:
        llm_provider, model = _split(data["model"])
        stt_provider, stt_model = _split(data["listener"])
        tts_provider, voice = _split(data["voice"])
        base = self._base.model_dump(by_alias=True) if self._base else {}
        kept_tools = [
            tool
            for tool in base.get("llm_config", {}).get("tools", ())
            if tool["type"] != "end_call"
        ]
        return AssistantSpec(
            name=data["name"],
            first_message=data["first_message"] or None,
            llm_config=LLMConfig(
                provider=llm_provider,
                model=model,
                messages=(Message(role="system", content=data["instructions"]),),
                tools=((EndCallTool(),) if data["may_hang_up"] else ())
                + tuple(kept_tools),
            ),
            stt_config=STTConfig(
                provider=stt_provider, model=stt_model, language=data["language"]
            ),
            tts_config=TTSConfig(
                provider=tts_provider, voice_id=voice, language=data["language"]
            ),
            speech_config=SpeechConfig(
                **{
                    **base.get("speech_config", {}),
                    "end_call_message": data["end_call_message"] or None,
                }
            ),
            max_duration_seconds=data["max_duration_minutes"] * 60,
            voicemail_message=data["voicemail_message"] or None,
        )


def initial_of(spec: AssistantSpec) -> dict[str, Any]:
    """Return the form's answers that make this spec."""
    return {
        "name": spec.name,
        "first_message": spec.first_message or "",
        "instructions": spec.llm_config.instructions,
        "language": spec.hears().language,
        "voice": _SEPARATOR.join((spec.speaks().provider, spec.speaks().voice_id)),
        "model": _SEPARATOR.join((spec.llm_config.provider, spec.llm_config.model)),
        "listener": _SEPARATOR.join((spec.hears().provider, spec.hears().model)),
        "max_duration_minutes": max(1, spec.max_duration_seconds // 60),
        "may_hang_up": any(t.type == "end_call" for t in spec.llm_config.tools),
        "end_call_message": spec.speech_config.end_call_message or "",
        "voicemail_message": spec.voicemail_message or "",
    }


def _split(choice: str) -> tuple[str, str]:
    provider, _separator, name = choice.partition(_SEPARATOR)
    return provider, name


def _offers(stage: Stage, keys: set[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    offers = []
    for provider in catalogue().stage(stage):
        if not is_available(provider, keys):
            continue
        models = model_choices(stage, provider.id) or _own_models(provider.id)
        offers.append(
            (
                provider.label,
                [(f"{provider.id}{_SEPARATOR}{m}", label) for m, label in models],
            )
        )
    return offers


def _own_models(provider_id: str) -> list[tuple[str, str]]:
    model = settings.OWN_MODELS.get(provider_id, "")
    return [(model, model)] if model else []


def _voices(keys: set[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    groups = []
    for provider in catalogue().stage(Stage.TTS):
        if not is_available(provider, keys):
            continue
        for language in dict.fromkeys(v.language for v in provider.voices):
            voices = [
                (f"{provider.id}{_SEPARATOR}{voice}", label)
                for voice, label in voice_choices(provider.id, language)
            ]
            if voices:
                groups.append((f"{provider.label} · {language_name(language)}", voices))
    return groups


def _languages(keys: set[str]) -> list[tuple[str, str]]:
    names = {
        code: name
        for provider in catalogue().stage(Stage.STT)
        if is_available(provider, keys)
        for code, name in language_choices(Stage.STT, provider.id)
    }
    return sorted(names.items(), key=lambda item: item[1])
