"""The assistant's form: plain questions that make an `AssistantSpec`.

The questions stand in `form_fields`, what the selects hold in `form_offers`, and which
answer is which field of the spec in `form_spec`. Here they meet: the options of the
providers that are chosen, and every error beside the control it is about.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError as SpecError

from assistants import form_offers, form_spec
from assistants.advanced_fields import OF_GROUP, group_values
from assistants.catalogue import (
    CatalogueError,
    Option,
    Provider,
    Stage,
    catalogue,
    is_available,
    validate_spec,
)
from assistants.form_fields import AssistantFields, plain_lines
from assistants.form_offers import joined, split
from assistants.keys import keys_at_hand
from assistants.option_fields import answer_of, field_of, value_of
from assistants.own_endpoint import address_fault
from assistants.sovereignty import violations
from assistants.spec import AssistantSpec
from portal.api.errors import param_path
from portal.services.privacy import policy_in_scope

# Fields of a config that a change of provider leaves with their meaning.
_KEPT = {
    "llm": ("temperature", "messages", "tools"),
    "stt": ("language", "keyterms"),
    "tts": ("language",),
}


class AssistantForm(AssistantFields):
    """All there is to set, as far as the chosen providers take it."""

    def __init__(
        self, *args: Any, spec: AssistantSpec | None = None, **kwargs: Any
    ) -> None:
        if spec is not None:
            kwargs["initial"] = initial_of(spec)
        super().__init__(*args, **kwargs)
        self._base = spec
        self._keys = keys_at_hand()
        self._fill_selects()
        self.options: dict[str, tuple[str, Option]] = {}
        for stage in ("stt", "llm", "tts"):
            self._add_options(stage)

    # --- what is chosen now ---

    def chosen(self, name: str) -> str:
        """The answer as it stands, checked or not; the first offer when there is none."""
        answer = self.data.get(name) if self.is_bound else self.initial.get(name)
        offered = [v for _group, offers in self._offers(name) for v, _label in offers]
        if answer in offered:
            return str(answer)
        return offered[0] if offered else ""

    @property
    def mind(self) -> Provider | None:
        return catalogue().find_mind(split(self.chosen("model"))[0])

    @property
    def is_realtime(self) -> bool:
        """Whether the model hears and speaks itself."""
        return bool(self.mind and self.mind.is_realtime)

    @property
    def groups(self) -> list[str]:
        """The groups of options that the chosen model takes."""
        options = self.mind.options if self.mind else ()
        return [option.name for option in options if option.name in OF_GROUP]

    @property
    def group_fields(self) -> list[forms.BoundField]:
        """The controls of these groups."""
        return [self[name] for group in self.groups for name in OF_GROUP[group]]

    @property
    def mouth(self) -> Provider | None:
        return catalogue().find(Stage.TTS, split(self.chosen("voice"))[0])

    @property
    def ears(self) -> Provider | None:
        return catalogue().find(Stage.STT, split(self.chosen("listener"))[0])

    def options_of(self, stage: str) -> list[forms.BoundField]:
        """The controls of the chosen provider's own options."""
        return [self[name] for name, (at, _o) in self.options.items() if at == stage]

    @property
    def stt_options(self) -> list[forms.BoundField]:
        return self.options_of("stt")

    @property
    def llm_options(self) -> list[forms.BoundField]:
        return self.options_of("llm")

    @property
    def tts_options(self) -> list[forms.BoundField]:
        return self.options_of("tts")

    def unchecked(self) -> AssistantForm:
        """Show the answers as they are, without finding fault with them yet."""
        self._errors = ErrorDict()
        return self

    # --- setting up ---

    def _offers(self, name: str) -> form_offers.Groups:
        field = self.fields[name]
        choices = getattr(field, "choices", [])
        return [c if isinstance(c[1], list) else ("", [c]) for c in choices]

    def _fill_selects(self) -> None:
        keys, nobody = self._keys, ("", str(_("Nobody: the call ends with an apology")))
        self._set("language", form_offers.languages(keys))
        self._set("model", form_offers.mind_groups(keys))
        self._set("listener", form_offers.model_groups(Stage.STT, keys))
        mind = split(self.chosen("model"))[0]
        self._set("voice", form_offers.voice_groups(keys, mind))
        texts = form_offers.model_groups(Stage.LLM, keys)
        listeners = form_offers.model_groups(Stage.STT, keys)
        voices = form_offers.voice_groups(keys, "")
        for stage, offers in (("llm", texts), ("stt", listeners), ("tts", voices)):
            for name in form_spec.stand_in_names(stage):
                self._set(name, [nobody, *offers, *self._kept_offer(name, offers)])
        able = [p for p in catalogue().stage(Stage.STT) if p.after_call_model]
        self._set(
            "after_call_provider",
            [
                ("", str(_("None"))),
                *((p.id, p.label) for p in able if is_available(p, keys)),
            ],
        )
        models = self.mouth.models if self.mouth else ()
        automatic = ("", str(_("The provider's choice")))
        offered = [(m.id, m.label) for m in models if not m.is_legacy]
        self._set("voice_model", [automatic, *offered])
        if not (self.mouth and self.mouth.free_text_voice):
            del self.fields["own_voice"]
        if self.mind and not self.mind.takes_temperature:
            self.fields["temperature"].required = False
        if self.is_realtime:
            for name in ("language", "listener"):
                self.fields[name].required = False

    def _kept_offer(
        self, name: str, offers: form_offers.Groups
    ) -> list[form_offers.Choice]:
        """What was set over the API stays to be chosen, though it is not offered now."""
        chosen = self.initial.get(name)
        known = {value for _group, choices in offers for value, _label in choices}
        return [(chosen, chosen)] if chosen and chosen not in known else []

    def _set(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _add_options(self, stage: str) -> None:
        if self.is_realtime and stage != "llm":
            return
        provider = {"stt": self.ears, "llm": self.mind, "tts": self.mouth}[stage]
        if provider is None:
            return
        model = split(self.chosen("listener" if stage == "stt" else "model"))[1]
        if stage == "tts":
            model = self.chosen("voice_model") or provider.default_model
        for option in provider.options_of(model):
            field = field_of(option)
            if field is not None:
                name = f"{stage}.{option.name}"
                self.fields[name] = field
                self.options[name] = (stage, option)

    # --- checking ---

    def clean(self) -> dict[str, Any]:
        cleaned = plain_lines(super().clean() or self.cleaned_data)
        if self.errors:
            return cleaned
        try:
            spec = AssistantSpec.model_validate(self._values(cleaned))
        except SpecError as error:
            for problem in error.errors():
                path = param_path(tuple(problem["loc"]))
                self._blame(path, problem["msg"].removeprefix("Value error, "))
            return cleaned
        if fault := address_fault(spec):
            self._blame("webhook_url", fault)
        for wrong in [
            *validate_spec(spec, self._keys),
            *violations(spec, policy_in_scope()),
        ]:
            self._blame(wrong.param, wrong.message)
        self.spec = spec
        return cleaned

    def refuse(self, faults: list[CatalogueError]) -> None:
        """Put what speaks against the whole beside the controls it is about."""
        for fault in faults:
            self._blame(fault.param, fault.message)

    def _blame(self, param: str, message: str) -> None:
        """Put an error beside its control, or over the form when it has none here."""
        place = form_spec.place_of(param)
        if place in self.fields:
            self.add_error(place, message)
        else:
            self.add_error(None, f"{param}: {message}")

    def _values(self, answers: dict[str, Any]) -> dict[str, Any]:
        base = self._base.model_dump(by_alias=True) if self._base else {}
        values = form_spec.values_of(answers, base)
        values["llm_config"] = self._llm(answers, base.get("llm_config") or {})
        values["stt_config"] = values["tts_config"] = None
        if not self.is_realtime:
            values["stt_config"] = self._stt(answers, base.get("stt_config") or {})
            values["tts_config"] = self._tts(answers, base.get("tts_config") or {})
        return values

    def _config(
        self, stage: str, choice: str, base: dict[str, Any], answers: dict[str, Any]
    ) -> dict[str, Any]:
        """The stage's config: what the form does not ask stays as it was."""
        provider, name = split(choice)
        if base.get("provider") != provider:
            base = {k: v for k, v in base.items() if k in _KEPT[stage]}
        config = base | {"provider": provider}
        if stage != "tts":
            config["model"] = name
        for answer, (at, option) in self.options.items():
            if at == stage:
                value = value_of(option, answers.get(answer))
                if value is None:
                    config.pop(option.name, None)
                else:
                    config[option.name] = value
        return config

    def _llm(self, answers: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
        config = self._config("llm", answers["model"], base, answers)
        config["messages"] = form_spec.messages_of(answers, base.get("messages", ()))
        tools = [t for t in base.get("tools", ()) if t["type"] != "end_call"]
        ending = [{"type": "end_call"}] if answers["may_hang_up"] else []
        config["tools"] = [*ending, *tools]
        if answers.get("temperature") is not None:
            config["temperature"] = answers["temperature"]
        for group in self.groups:
            config[group] = group_values(group, answers)
        if self.is_realtime:
            config["voice"] = split(answers["voice"])[1]
            config.pop("fallbacks", None)
            return config
        config["fallbacks"] = self._stand_ins("llm", "model", answers, base)
        return config

    def _stand_ins(
        self, stage: str, what: str, answers: dict[str, Any], base: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Who takes over, in order; one that was there keeps its own settings."""
        known = {(one["provider"], one[what]): one for one in base.get("fallbacks", ())}
        chosen = [answers[name] for name in form_spec.stand_in_names(stage)]
        return [
            known.get(split(one), {"provider": split(one)[0], what: split(one)[1]})
            for one in dict.fromkeys(chosen)
            if one
        ]

    def _stt(self, answers: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
        config = self._config("stt", answers["listener"], base, answers)
        config["language"] = answers["language"]
        config["fallbacks"] = self._stand_ins("stt", "model", answers, base)
        return config

    def _tts(self, answers: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
        config = self._config("tts", answers["voice"], base, answers)
        config["voice_id"] = answers.get("own_voice") or split(answers["voice"])[1]
        config["model"] = answers["voice_model"] or None
        language = answers["language"]
        config["language"] = None if language == "multi" else language
        config["fallbacks"] = self._stand_ins("tts", "voice_id", answers, base)
        return config


def initial_of(spec: AssistantSpec) -> dict[str, Any]:
    """Return the form's answers that make this spec."""
    mind = spec.llm_config
    answers = form_spec.answers_of(spec)
    answers["model"] = joined(mind.provider, mind.model)
    for name, choice in zip(
        form_spec.stand_in_names("llm"), mind.fallbacks, strict=False
    ):
        answers[name] = joined(choice.provider, choice.model)
    provider = catalogue().find_mind(mind.provider)
    answers |= _option_answers("llm", provider, mind.model, mind)
    if spec.stt_config is None or spec.tts_config is None:
        voice = mind.voice or (provider.default_voice if provider else "")
        return answers | {"voice": joined(mind.provider, voice)}
    return answers | _hearing_answers(spec) | _voice_answers(spec)


def _hearing_answers(spec: AssistantSpec) -> dict[str, Any]:
    ears = spec.hears()
    provider = catalogue().find(Stage.STT, ears.provider)
    answers = {
        "language": ears.language,
        "listener": joined(ears.provider, ears.model),
        **_option_answers("stt", provider, ears.model, ears),
    }
    for name, choice in zip(
        form_spec.stand_in_names("stt"), ears.fallbacks, strict=False
    ):
        answers[name] = joined(choice.provider, choice.model)
    return answers


def _voice_answers(spec: AssistantSpec) -> dict[str, Any]:
    mouth = spec.speaks()
    provider = catalogue().find(Stage.TTS, mouth.provider)
    provider_id = provider.id if provider else mouth.provider
    listed = bool(provider and provider.voice(mouth.voice_id))
    default = provider.default_voice if provider else ""
    model = mouth.model or (provider.default_model if provider else "")
    answers = {
        "voice": joined(provider_id, mouth.voice_id if listed else default),
        "own_voice": "" if listed else mouth.voice_id,
        "voice_model": mouth.model or "",
        **_option_answers("tts", provider, model, mouth),
    }
    for name, choice in zip(
        form_spec.stand_in_names("tts"), mouth.fallbacks, strict=False
    ):
        answers[name] = joined(choice.provider, choice.voice_id)
    return answers


def _option_answers(
    stage: str, provider: Provider | None, model: str, config: Any
) -> dict[str, Any]:
    options = provider.options_of(model) if provider else ()
    return {
        f"{stage}.{option.name}": answer_of(option, getattr(config, option.name))
        for option in options
        if field_of(option) is not None
    }
