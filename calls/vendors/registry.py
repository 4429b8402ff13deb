"""From an assistant's spec to the objects a session talks to.

Adding a vendor: an entry in `assistants/catalogue/data` and a module in
`calls/vendors/plugins`, named for its protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from livekit.agents import inference, llm, stt, tts, vad
from livekit.agents.llm import Tool

from assistants.catalogue import Provider, Stage, catalogue
from assistants.spec import AssistantSpec
from calls.vendors import plugins
from calls.vendors.errors import NoCredential, Owner, ProviderError, provider_error
from calls.vendors.offline.mute import DeafSTT, MuteTTS
from calls.vendors.order import Credential, Credentials, Order
from calls.vendors.relay import Bench, RelayLLM, RelaySTT, RelayTTS
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
    "prepare_vendors",
    "warm_up",
]


@dataclass(frozen=True)
class Source:
    """Who serves a stage of this call, and whose key pays for it."""

    provider: str
    owner: Owner


@dataclass
class VendorSet:
    """The vendors of one call: fresh objects, used by one session and then closed.

    A realtime model is in `llm`, and there is no `stt` and no `tts`. `line_up` holds
    who serves each stage now, and then who stands in, in order.
    """

    stt: stt.STT[Any] | None
    llm: llm.LLM[Any] | llm.RealtimeModel | llm.DuplexModel
    tts: tts.TTS[Any] | None
    vad: vad.VAD
    line_up: dict[Stage, list[Source]] = field(default_factory=dict)
    tools: list[Tool] = field(default_factory=list)

    @property
    def sources(self) -> dict[Stage, Source]:
        """Who serves each stage now."""
        return {stage: line[0] for stage, line in self.line_up.items()}

    @property
    def owners(self) -> dict[str, str]:
        """Stage to whose key it runs on."""
        return {str(stage): str(source.owner) for stage, source in self.sources.items()}

    @property
    def providers(self) -> dict[str, str]:
        """Stage to provider name."""
        return {str(stage): source.provider for stage, source in self.sources.items()}

    def has_stand_in(self, stage: str) -> bool:
        """Whether another provider could serve a stage."""
        return len(self.line_up.get(Stage(stage), ())) > 1

    def take_over(self, stage: str) -> bool:
        """Put the next provider of a stage to work; False when there is none (left)."""
        line = self.line_up.get(Stage(stage), [])
        while len(line) > 1:
            del line[0]
            with suppress(ProviderError):  # one that cannot be made is no stand-in
                self._bench(stage).advance()
                return True
        return False

    def trouble(self, stage: str, error: BaseException) -> ProviderError:
        """`error` of a stage ("stt", "llm", "tts"), with who it concerns."""
        source = self.sources.get(Stage(stage), Source("offline", Owner.PLATFORM))
        return provider_error(
            error, stage=stage, provider=source.provider, owner=source.owner
        )

    async def aclose(self) -> None:
        """Close the call's own objects. What is shared stays open."""
        for vendor in (self.stt, self.llm, self.tts):
            if vendor is not None:
                with suppress(ConnectionError, TimeoutError):
                    await vendor.aclose()

    def _bench(self, stage: str) -> Bench[Any]:
        relay: Any = getattr(self, stage)
        bench: Bench[Any] = relay.bench
        return bench


def platform_credentials(
    keys: Mapping[str, str],
    base_urls: Mapping[str, str],
    settings: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Credential]:
    """The installation's own keys, from its settings.

    A server that speaks OpenAI's API needs an address, and mostly no key.
    """
    found = {
        name: Credential(
            key, base_urls.get(name) or None, settings=(settings or {}).get(name, {})
        )
        for name, key in keys.items()
        if key
    }
    if own_server := base_urls.get("openai"):
        key = keys.get("openai") or "none"
        found["openai_compatible"] = Credential(key, own_server)
    return found


async def warm_up(credentials: Credentials) -> None:
    """Import the plugins of every provider these keys unlock, before the first call."""
    for provider in catalogue().providers:
        if provider.keys and any(key in credentials for key in provider.keys):
            await plugins.make_ready(provider.protocol)


async def prepare_vendors(
    spec: AssistantSpec, credentials: Credentials, shared: SharedResources
) -> None:
    """Do what takes long before `build_vendors`, off the loop: imports, TLS, accounts.

    Nothing to do for a vendor that was used before. What is wrong with the spec is left
    to `build_vendors` to say.
    """
    for stage, choice in _choices(spec):
        with suppress(ProviderError, ValueError):
            order = _order(stage, choice, spec, credentials, shared)
            await _make_ready(order, shared)


def build_vendors(
    spec: AssistantSpec, credentials: Credentials, shared: SharedResources
) -> VendorSet:
    """Make the vendors of one call. Needs a running loop and takes a millisecond.

    Raises `NoCredential` for a missing key, and `ProviderError` for a provider the
    catalogue does not have (any more), or a key that cannot be read.
    """
    orders: dict[Stage, list[Order]] = {}
    for stage, choice in _choices(spec):
        line = orders.setdefault(Stage.LLM if stage is Stage.REALTIME else stage, [])
        try:
            line.append(_order(stage, choice, spec, credentials, shared))
        except ProviderError:
            if not line:  # a stand-in that cannot come is missed only when it is needed
                raise
    minds = orders[Stage.LLM]
    is_realtime = minds[0].stage is Stage.REALTIME
    module = plugins.plugin(minds[0].provider.protocol)
    return VendorSet(
        stt=None if is_realtime else _made(orders[Stage.STT], RelaySTT),
        llm=_make(minds[0]) if is_realtime else _made(minds, RelayLLM),
        tts=None if is_realtime else _made(orders[Stage.TTS], RelayTTS),
        vad=_vad(spec, shared),
        line_up={
            stage: [Source(o.provider.id, o.credential.owner) for o in line]
            for stage, line in orders.items()
        },
        tools=module.tools(minds[0])
        if hasattr(module, "tools") and is_realtime
        else [],
    )


def build_writing_vendors(
    spec: AssistantSpec, credentials: Credentials, shared: SharedResources
) -> VendorSet:
    """Make the vendors of a conversation in writing: the model, and nobody who hears.

    Raises as `build_vendors` does, and `ProviderError` for a model that only speaks.
    """
    minds = []
    for stage, choice in _choices(spec):
        if stage is Stage.REALTIME:
            raise ProviderError(
                "This model only speaks. Talk to the assistant instead.",
                stage=Stage.LLM,
                provider=choice.provider,
                owner=Owner.ORGANIZATION,
                retryable=False,
            )
        if stage is Stage.LLM:
            minds.append(_order(stage, choice, spec, credentials, shared))
    return VendorSet(
        stt=DeafSTT(),
        llm=_made(minds, RelayLLM),
        tts=MuteTTS(),
        vad=_vad(spec, shared),
        line_up={Stage.LLM: [Source(o.provider.id, o.credential.owner) for o in minds]},
        tools=[],
    )


async def build_mind(
    spec: AssistantSpec, choice: Any, credentials: Credentials, shared: SharedResources
) -> tuple[llm.LLM[Any], Owner]:
    """Make one text model outside of a call; return it with whose key it runs on.

    Raises `ProviderError` as `build_vendors` does.
    """
    mind: tuple[llm.LLM[Any], Owner] = await _make_alone(
        _order(Stage.LLM, choice, spec, credentials, shared), shared
    )
    return mind


async def build_ears(
    spec: AssistantSpec, choice: Any, credentials: Credentials, shared: SharedResources
) -> tuple[stt.STT[Any], Owner]:
    """Make one recogniser outside of a call; return it with whose key it runs on.

    Raises `ProviderError` as `build_vendors` does.
    """
    ears: tuple[stt.STT[Any], Owner] = await _make_alone(
        _order(Stage.STT, choice, spec, credentials, shared), shared
    )
    return ears


async def _make_alone(order: Order, shared: SharedResources) -> tuple[Any, Owner]:
    await _make_ready(order, shared)
    return _make(order), order.credential.owner


async def _make_ready(order: Order, shared: SharedResources) -> None:
    """Do what takes long before a vendor is made, off the loop."""
    module = await plugins.make_ready(order.provider.protocol)
    if prepare := getattr(module, "prepare", None):
        await shared.in_thread(prepare, order)


def _choices(spec: AssistantSpec) -> list[tuple[Stage, Any]]:
    """Every vendor a spec names, stage by stage, those of first choice first."""
    mind = spec.llm_config
    provider = catalogue().find_mind(mind.provider)
    if provider is not None and provider.is_realtime:
        return [(Stage.REALTIME, mind)]
    ears, mouth = spec.hears(), spec.speaks()
    return [
        *((Stage.STT, choice) for choice in (ears, *ears.fallbacks)),
        *((Stage.LLM, choice) for choice in (mind, *mind.fallbacks)),
        *((Stage.TTS, choice) for choice in (mouth, *mouth.fallbacks)),
    ]


def _order(
    stage: Stage,
    choice: Any,
    spec: AssistantSpec,
    credentials: Credentials,
    shared: SharedResources,
) -> Order:
    provider = catalogue().find(stage, choice.provider)
    if provider is None:
        raise ProviderError(
            f"{choice.provider} is no longer offered. Choose another provider.",
            stage=stage,
            provider=choice.provider,
            owner=Owner.ORGANIZATION,
            retryable=False,
        )
    credential = _credential(provider, choice.model or "", credentials)
    if credential is None:
        raise NoCredential(stage=stage, provider=provider.label)
    return Order(stage, spec, choice, provider, credential, shared)


def _credential(
    provider: Provider, model: str, credentials: Credentials
) -> Credential | None:
    key = provider.key_for(model)
    return credentials.get(key) if key else Credential("")


def _made(orders: list[Order], relay: Callable[[list[Any]], Any]) -> Any:
    if len(orders) == 1:
        return _make(orders[0])
    return relay([partial(_make, order) for order in orders])


def _make(order: Order) -> Any:
    make = getattr(plugins.plugin(order.provider.protocol), order.stage.value)
    try:
        return make(order)
    except ValueError as error:  # a service account that is none, say
        raise ProviderError(
            f"The key for {order.provider.label} cannot be used. Replace it.",
            stage=order.stage,
            provider=order.provider.id,
            owner=order.credential.owner,
            retryable=False,
        ) from error


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
