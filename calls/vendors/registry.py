"""From an assistant's spec to the four objects a session talks to.

Adding a vendor: an entry in `assistants/catalogue.toml` and a builder in the table of
its stage below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import inference, llm, stt, tts, vad
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.plugins import deepgram, elevenlabs, openai

from assistants.catalogue import Provider, Stage, catalogue
from assistants.spec import AssistantSpec
from calls.vendors.errors import NoCredential, Owner, ProviderError, provider_error
from calls.vendors.offline.llm import DemoLLM, expected_phrases
from calls.vendors.offline.stt import OfflineSTT
from calls.vendors.offline.tts import OfflineTTS
from calls.vendors.shared import SharedResources

__all__ = [
    "Credential",
    "Credentials",
    "Owner",
    "ProviderError",
    "SharedResources",
    "VendorSet",
    "build_vendors",
    "platform_credentials",
]


# Said outright, as the clients else read OPENAI_BASE_URL and the like themselves and
# would send an organization's key to the installation's own server.
OPENAI_URL = "https://api.openai.com/v1"
DEEPGRAM_URL = "https://api.deepgram.com/v1/listen"
ELEVENLABS_URL = "https://api.elevenlabs.io/v1"


@dataclass(frozen=True)
class Credential:
    """A key, where to use it when not at the vendor itself, and whose it is."""

    api_key: str = field(repr=False)
    base_url: str | None = None
    owner: Owner = Owner.PLATFORM


# By the name the catalogue gives a key ("openai", "deepgram", …).
Credentials = Mapping[str, Credential]


@dataclass(frozen=True)
class Source:
    """Who serves a stage of this call, and whose key pays for it."""

    provider: str
    owner: Owner


@dataclass
class VendorSet:
    """The vendors of one call: fresh objects, used by one session and then closed."""

    stt: stt.STT[Any]
    llm: llm.LLM[Any]
    tts: tts.TTS[Any]
    vad: vad.VAD
    sources: Mapping[Stage, Source] = field(default_factory=dict)

    @property
    def owners(self) -> dict[str, str]:
        """Stage to whose key it runs on."""
        return {str(stage): str(source.owner) for stage, source in self.sources.items()}

    @property
    def providers(self) -> dict[str, str]:
        """Stage to provider name."""
        return {str(stage): source.provider for stage, source in self.sources.items()}

    def trouble(self, stage: str, error: BaseException) -> ProviderError:
        """`error` of a stage ("stt", "llm", "tts"), with who it concerns."""
        source = self.sources.get(Stage(stage), Source("offline", Owner.PLATFORM))
        return provider_error(
            error, stage=stage, provider=source.provider, owner=source.owner
        )

    async def aclose(self) -> None:
        """Close the call's own objects. What is shared stays open."""
        for vendor in (self.stt, self.llm, self.tts):
            with suppress(ConnectionError, TimeoutError):
                await vendor.aclose()


def platform_credentials(
    keys: Mapping[str, str], base_urls: Mapping[str, str]
) -> dict[str, Credential]:
    """The installation's own keys, from its settings.

    A server that speaks OpenAI's API needs an address, and mostly no key.
    """
    found = {
        name: Credential(key, base_urls.get(name) or None)
        for name, key in keys.items()
        if key
    }
    if own_server := base_urls.get("openai"):
        key = keys.get("openai") or "none"
        found["openai_compatible"] = Credential(key, own_server)
    return found


def build_vendors(
    spec: AssistantSpec, credentials: Credentials, shared: SharedResources
) -> VendorSet:
    """Make the vendors of one call. Needs a running loop and takes a millisecond.

    Raises `NoCredential` for a missing key, and `ProviderError` for a provider the
    catalogue does not have (any more).
    """
    sources: dict[Stage, Source] = {}

    def pick(stage: Stage, name: str) -> tuple[Provider, Credential]:
        provider = catalogue().find(stage, name)
        if provider is None:
            raise ProviderError(
                f"{name} is no longer offered. Choose another provider.",
                stage=stage,
                provider=name,
                owner=Owner.ORGANIZATION,
                retryable=False,
            )
        credential = credentials.get(provider.key) if provider.key else Credential("")
        if credential is None:
            raise NoCredential(stage=stage, provider=provider.label)
        sources[stage] = Source(provider.id, credential.owner)
        return provider, credential

    ears, ears_key = pick(Stage.STT, spec.hears().provider)
    mind, mind_key = pick(Stage.LLM, spec.llm_config.provider)
    mouth, mouth_key = pick(Stage.TTS, spec.speaks().provider)
    return VendorSet(
        stt=_STT[ears.protocol](spec, ears_key, shared),
        llm=_LLM[mind.protocol](spec, mind_key, shared),
        tts=_TTS[mouth.protocol](spec, mouth_key, shared),
        vad=_vad(spec, shared),
        sources=sources,
    )


def _vad(spec: AssistantSpec, shared: SharedResources) -> vad.VAD:
    # Below these thresholds the end of speech is seen late: measured, 20 ms a turn.
    # LiveKit's native model may be used only from within its framework, as here.
    min_delay_s = spec.speech_config.turn_taking.endpointing_min_delay
    return inference.VAD(
        min_silence_duration=min(0.25, max(0.1, min_delay_s)),
        activation_threshold=0.7,
        deactivation_threshold=0.6,
        executor=shared.inline,
    )


# --- speech to text -------------------------------------------------------------------
def _offline_stt(
    spec: AssistantSpec, _: Credential, shared: SharedResources
) -> stt.STT[Any]:
    # Only the demo model's rules say what a caller may say; others take anything.
    phrases: tuple[str, ...] = ()
    if spec.llm_config.provider == "demo":
        phrases = expected_phrases(spec.llm_config.instructions)
        phrases += spec.hears().keyterms if phrases else ()
    return OfflineSTT(shared.decoders, phrases)


def _deepgram_stt(
    spec: AssistantSpec, credential: Credential, shared: SharedResources
) -> stt.STT[Any]:
    config = spec.hears()
    return deepgram.STT(
        model=config.model,
        language=config.language,
        keyterm=list(config.keyterms) or NOT_GIVEN,
        api_key=credential.api_key,
        base_url=credential.base_url or DEEPGRAM_URL,
        http_session=shared.http,
    )


# --- language models ------------------------------------------------------------------
def _demo_llm(spec: AssistantSpec, _: Credential, __: SharedResources) -> llm.LLM[Any]:
    return DemoLLM({"assistant_name": spec.name})


def _openai_llm(
    spec: AssistantSpec, credential: Credential, shared: SharedResources
) -> llm.LLM[Any]:
    config = spec.llm_config
    return openai.LLM(
        model=config.model,
        client=shared.openai_client(
            credential.api_key, credential.base_url or OPENAI_URL
        ),
        temperature=config.temperature,
        max_completion_tokens=config.max_completion_tokens or NOT_GIVEN,
        # Strict schemas refuse functions whose parameters are partly optional, and
        # own servers do not know them.
        _strict_tool_schema=False,
    )


def _openai_compatible_llm(
    spec: AssistantSpec, credential: Credential, shared: SharedResources
) -> llm.LLM[Any]:
    if not credential.base_url:
        raise NoCredential(stage=Stage.LLM, provider="an own server")
    return _openai_llm(spec, credential, shared)


# --- text to speech -------------------------------------------------------------------
def _offline_tts(
    spec: AssistantSpec, _: Credential, shared: SharedResources
) -> tts.TTS[Any]:
    config = spec.speaks()
    return OfflineTTS(shared.speaker, voice_id=config.voice_id, speed=config.speed)


# ElevenLabs' own bounds; a spec may say more, for other vendors and older specs.
_ELEVENLABS_SPEED = (0.7, 1.2)
_ELEVENLABS_ONE_LANGUAGE_MODELS = ("eleven_flash_v2_5", "eleven_turbo_v2_5")


def _elevenlabs_tts(
    spec: AssistantSpec, credential: Credential, shared: SharedResources
) -> tts.TTS[Any]:
    config = spec.speaks()
    model = config.model or _default_model(Stage.TTS, "elevenlabs")
    settings: NotGivenOr[elevenlabs.VoiceSettings] = NOT_GIVEN
    if config.speed != 1.0:
        low, high = _ELEVENLABS_SPEED
        settings = elevenlabs.VoiceSettings(
            stability=0.5,
            similarity_boost=0.75,
            speed=min(high, max(low, config.speed)),
        )
    takes_language = model in _ELEVENLABS_ONE_LANGUAGE_MODELS
    return elevenlabs.TTS(
        voice_id=config.voice_id,
        model=model,
        voice_settings=settings,
        language=(config.language if takes_language else None) or NOT_GIVEN,
        encoding="pcm_16000",  # what the session plays: nothing to decode or resample
        api_key=credential.api_key,
        base_url=credential.base_url or ELEVENLABS_URL,
        http_session=shared.http,
    )


def _openai_tts(
    spec: AssistantSpec, credential: Credential, shared: SharedResources
) -> tts.TTS[Any]:
    config = spec.speaks()
    return openai.TTS(
        model=config.model or _default_model(Stage.TTS, "openai"),
        voice=config.voice_id,
        speed=config.speed,
        response_format="pcm",
        client=shared.openai_client(
            credential.api_key, credential.base_url or OPENAI_URL
        ),
    )


def _default_model(stage: Stage, provider_id: str) -> str:
    provider = catalogue().find(stage, provider_id)
    assert provider is not None
    return provider.default_model


_STT: Mapping[
    str, Callable[[AssistantSpec, Credential, SharedResources], stt.STT[Any]]
] = {
    "offline": _offline_stt,
    "deepgram": _deepgram_stt,
}
_LLM: Mapping[
    str, Callable[[AssistantSpec, Credential, SharedResources], llm.LLM[Any]]
] = {
    "demo": _demo_llm,
    "openai": _openai_llm,
    "openai_compatible": _openai_compatible_llm,
}
_TTS: Mapping[
    str, Callable[[AssistantSpec, Credential, SharedResources], tts.TTS[Any]]
] = {
    "offline": _offline_tts,
    "elevenlabs": _elevenlabs_tts,
    "openai": _openai_tts,
}
