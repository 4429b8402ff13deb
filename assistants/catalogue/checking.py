"""What the catalogue says about a spec: everything wrong with it, field by field."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext

from assistants.catalogue.entries import (
    Model,
    Option,
    OptionKind,
    Provider,
    Region,
    Stage,
)
from assistants.catalogue.loading import catalogue
from assistants.spec import (
    AssistantSpec,
    LLMChoice,
    LLMConfig,
    STTChoice,
    TTSChoice,
)
from assistants.tool_shapes import repeated_names

Keys = Container[str]

# Fields of a config that every provider of the stage takes, or silently goes without:
# the caller asked for nothing that could be missed.
_COMMON: Final = {
    Stage.STT: {"provider", "model", "language", "keyterms", "fallbacks"},
    Stage.TTS: {"provider", "model", "language", "voice_id", "fallbacks"},
    Stage.LLM: {
        "provider",
        "model",
        "temperature",
        "messages",
        "tools",
        "fallbacks",
        "analysis_model",
    },
    Stage.REALTIME: {
        "provider",
        "model",
        "temperature",
        "messages",
        "tools",
        "voice",
        "analysis_model",
    },
}


@dataclass(frozen=True)
class CatalogueError:
    """One thing wrong with a spec: `param` as the API names it, and what to do."""

    param: str
    message: str


def is_available(provider: Provider, credentials: Keys) -> bool:
    """Whether a call may use it, given the keys (their names) at hand."""
    return not provider.keys or any(key in credentials for key in provider.keys)


def is_model_available(provider: Provider, model: Model, credentials: Keys) -> bool:
    """Whether a call may use this model, given the keys at hand."""
    key = provider.key_for(model.id)
    return key is None or key in credentials


def thinks_for_free(spec: AssistantSpec) -> bool:
    """Whether its model and every stand-in of it ask no vendor."""
    minds = (spec.llm_config, *spec.llm_config.fallbacks)
    found = [catalogue().find(Stage.LLM, mind.provider) for mind in minds]
    return all(provider is not None and provider.is_demo for provider in found)


def validate_spec(
    spec: AssistantSpec, credentials: Keys | None = None
) -> list[CatalogueError]:
    """Everything in `spec` that the catalogue does not allow, in the order of the spec.

    With `credentials` given, a provider whose key is missing is an error too.
    """
    check = _Check(credentials)
    check.mind(spec)
    if spec.stt_config is not None:
        for path, hearing in _with_fallbacks("stt_config", spec.stt_config):
            check.stt(hearing, path)
    if spec.tts_config is not None:
        for path, voice in _with_fallbacks("tts_config", spec.tts_config):
            check.tts(voice, path)
    check.after_call(spec)
    check.analysis(spec)
    check.tools(spec)
    return check.errors


def regions_of(spec: AssistantSpec) -> dict[str, Region]:
    """Where the data of a call goes, by the path of the config that sends it there.

    Fallbacks count: a call that needs one sends its data there as well. A provider that
    is not known (any more) is taken to be outside.
    """
    found: dict[str, Region] = {}
    configs: list[tuple[str, Stage, Any]] = []
    for path, llm in _with_fallbacks("llm_config", spec.llm_config):
        configs.append((path, Stage.LLM, llm))
    if spec.stt_config is not None:
        for path, stt in _with_fallbacks("stt_config", spec.stt_config):
            configs.append((path, Stage.STT, stt))
    if spec.tts_config is not None:
        for path, tts in _with_fallbacks("tts_config", spec.tts_config):
            configs.append((path, Stage.TTS, tts))
    if spec.after_call_transcription is not None:
        configs.append(
            ("after_call_transcription", Stage.STT, spec.after_call_transcription)
        )
    if spec.analysis_plan is not None and spec.analysis_plan.provider:
        configs.append(("analysis_plan", Stage.LLM, spec.analysis_plan))
    for path, stage, config in configs:
        name = config.provider
        provider = (
            catalogue().find_mind(name)
            if stage is Stage.LLM
            else catalogue().find(stage, name)
        )
        found[path] = (
            provider.region_of(config.model or "", dict(config))
            if provider
            else Region.NON_EU
        )
    return found


def _with_fallbacks(path: str, config: Any) -> list[tuple[str, Any]]:
    others = [(f"{path}.fallbacks[{i}]", c) for i, c in enumerate(config.fallbacks)]
    return [(path, config), *others]


class _Check:
    """Collects what is wrong."""

    def __init__(self, credentials: Keys | None) -> None:
        self.errors: list[CatalogueError] = []
        self._credentials = credentials

    # --- stages ---

    def mind(self, spec: AssistantSpec) -> None:
        config = spec.llm_config
        provider = catalogue().find_mind(config.provider)
        if provider is None:
            minds = (*catalogue().stage(Stage.LLM), *catalogue().stage(Stage.REALTIME))
            self._unknown("llm_config.provider", config.provider, [p.id for p in minds])
        else:
            self._key(provider, config.model, "llm_config")
            self._model(provider, config.model, "llm_config.model")
            self._options(provider, config.model, config, "llm_config")
            if provider.is_realtime:
                self._realtime(provider, config)
        self._parts_fit(spec, is_realtime=bool(provider and provider.is_realtime))
        for path, choice in _with_fallbacks("llm_config", config)[1:]:
            self._fallback_mind(choice, path)

    def stt(self, config: STTChoice, path: str) -> None:
        provider = self._provider(Stage.STT, config.provider, path, config.model)
        if provider is None:
            return
        self._model(provider, config.model, f"{path}.model")
        self._language(provider, config.language, f"{path}.language")
        self._options(provider, config.model, config, path)

    def tts(self, config: TTSChoice, path: str) -> None:
        model = config.model
        provider = self._provider(Stage.TTS, config.provider, path, model or "")
        if provider is None:
            return
        if model is not None:
            self._model(provider, model, f"{path}.model")
        self._voice(provider, config.voice_id, f"{path}.voice_id")
        if config.language is not None:
            self._language(provider, config.language, f"{path}.language")
        self._options(provider, model or provider.default_model, config, path)

    def after_call(self, spec: AssistantSpec) -> None:
        """Only what can read a whole recording may write a call down afterwards."""
        wanted = spec.after_call_transcription
        if wanted is None:
            return
        path = "after_call_transcription"
        able = [p for p in catalogue().stage(Stage.STT) if p.after_call_model]
        provider = catalogue().find(Stage.STT, wanted.provider)
        if provider not in able or provider is None:
            self._unknown(f"{path}.provider", wanted.provider, [p.id for p in able])
            return
        self._key(provider, wanted.model or "", path)
        if wanted.language is not None:
            self._language(provider, wanted.language, f"{path}.language")

    def analysis(self, spec: AssistantSpec) -> None:
        """A model of its own that looks at calls must be one that reads text."""
        plan = spec.analysis_plan
        if plan is None or plan.provider is None:
            return
        path, model = "analysis_plan", plan.model or ""
        provider = self._provider(Stage.LLM, plan.provider, path, model)
        if provider is not None and model:
            self._model(provider, model, f"{path}.model")

    def tools(self, spec: AssistantSpec) -> None:
        for index, name in repeated_names(spec.llm_config.tools):
            message = gettext("Two tools are called “%(name)s”. Rename or remove one.")
            self._add(f"llm_config.tools[{index}].name", message % {"name": name})

    def _realtime(self, provider: Provider, config: LLMConfig) -> None:
        if config.voice is not None:
            self._voice(provider, config.voice, "llm_config.voice")
        if config.fallbacks:
            message = gettext("A realtime model has no fallback; leave this empty.")
            self._add("llm_config.fallbacks", message)

    def _fallback_mind(self, choice: LLMChoice, path: str) -> None:
        provider = self._provider(Stage.LLM, choice.provider, path, choice.model)
        if provider is not None:
            self._model(provider, choice.model, f"{path}.model")
            self._options(provider, choice.model, choice, path)

    def _parts_fit(self, spec: AssistantSpec, *, is_realtime: bool) -> None:
        """A realtime model stands alone; every other needs ears and a voice."""
        for name in ("stt_config", "tts_config"):
            is_given = getattr(spec, name) is not None
            if is_realtime and is_given:
                message = gettext(
                    "A realtime model hears and speaks itself: omit this."
                )
                self._add(name, message)
            elif not is_realtime and not is_given:
                self._add(name, gettext("Only a realtime model goes without this."))

    # --- parts ---

    def _add(self, param: str, message: str) -> None:
        self.errors.append(CatalogueError(param, message))

    def _unknown(self, param: str, name: str, allowed: list[str]) -> None:
        message = gettext("“%(name)s” is not known. Choose one of: %(allowed)s.")
        self._add(param, message % {"name": name, "allowed": ", ".join(allowed)})

    def _provider(
        self, stage: Stage, name: str, path: str, model: str
    ) -> Provider | None:
        provider = catalogue().find(stage, name)
        if provider is None:
            allowed = [p.id for p in catalogue().stage(stage)]
            self._unknown(f"{path}.provider", name, allowed)
        else:
            self._key(provider, model, path)
        return provider

    def _key(self, provider: Provider, model: str, path: str) -> None:
        if self._credentials is None:
            return
        message = gettext("%(name)s needs a key. Add one, or choose another provider.")
        if not is_available(provider, self._credentials):
            self._add(f"{path}.provider", message % {"name": provider.label})
            return
        found = provider.model(model)
        if found and not is_model_available(provider, found, self._credentials):
            self._add(f"{path}.model", message % {"name": found.label})

    def _model(self, provider: Provider, model_id: str, param: str) -> None:
        if provider.free_text_model:
            if not model_id:
                self._add(param, gettext("Name the model to use."))
        elif provider.model(model_id) is None:
            self._unknown(param, model_id, [model.id for model in provider.models])

    def _voice(self, provider: Provider, voice_id: str, param: str) -> None:
        if not voice_id:
            self._add(param, gettext("Choose a voice."))
        elif not provider.free_text_voice and provider.voice(voice_id) is None:
            self._unknown(param, voice_id, [voice.id for voice in provider.voices])

    def _language(self, provider: Provider, language: str, param: str) -> None:
        if not provider.speaks(language):
            message = gettext(
                "“%(name)s” is not offered here. Choose one of: %(allowed)s."
            )
            allowed = ", ".join(provider.languages)
            self._add(param, message % {"name": language, "allowed": allowed})

    # --- options ---

    def _options(self, provider: Provider, model: str, config: Any, path: str) -> None:
        taken = {option.name: option for option in provider.options_of(model)}
        for name, value in _chosen(config):
            option = taken.get(name)
            if option is not None:
                fault = fault_of(option, value)
                if fault:
                    self._add(f"{path}.{name}", fault)
            elif name not in _COMMON[provider.stage]:
                self._add(f"{path}.{name}", _not_taken(provider, model, taken))


def _chosen(config: Any) -> list[tuple[str, Any]]:
    """The fields somebody set to something, in the order of the schema."""
    fields = type(config).model_fields
    return [
        (name, value)
        for name in fields
        if (value := getattr(config, name)) not in (None, ())
        and value != fields[name].default
    ]


def _not_taken(provider: Provider, model: str, taken: Mapping[str, Option]) -> str:
    found = provider.model(model)
    name = f"{provider.label} {found.label}" if found else provider.label
    if not taken:
        return gettext("%(name)s has no such option.") % {"name": name}
    message = gettext("%(name)s has no such option. It takes: %(allowed)s.")
    return message % {"name": name, "allowed": ", ".join(taken)}


def fault_of(option: Option, value: Any) -> str:
    """What is wrong with a value given for an option; empty when nothing is."""
    if option.kind is OptionKind.GROUP or option.is_clamped:
        return ""  # the spec states and checks its fields
    if option.kind is OptionKind.WORDS:
        return _fault_of_words(option, value)
    if option.kind in (OptionKind.NUMBER, OptionKind.INTEGER):
        return _fault_of_number(option, value)
    if option.choices and str(value) not in option.choices:
        message = gettext("“%(name)s” is not known. Choose one of: %(allowed)s.")
        return message % {"name": value, "allowed": ", ".join(option.choices)}
    if option.max_characters and len(str(value)) > option.max_characters:
        message = gettext("At most %(limit)d characters.")
        return message % {"limit": option.max_characters}
    return ""


def _fault_of_number(option: Option, value: float) -> str:
    if option.kind is OptionKind.INTEGER and value != int(value):
        return gettext("Give a whole number.")
    low, high = option.minimum, option.maximum
    if (low is None or low <= value) and (high is None or value <= high):
        return ""
    message = gettext("Choose a value between %(low)g and %(high)g.")
    return message % {"low": low or 0, "high": high or 0}


def _fault_of_words(option: Option, words: tuple[str, ...]) -> str:
    if option.max_items and len(words) > option.max_items:
        return gettext("At most %(limit)d entries.") % {"limit": option.max_items}
    limit = option.max_characters
    if limit and any(len(word) > limit for word in words):
        return gettext("An entry has at most %(limit)d characters.") % {"limit": limit}
    if any(not word for word in words):
        return gettext("An entry is empty.")
    return ""
