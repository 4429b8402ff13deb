"""What the models of a call cost, stage by stage: expected beforehand, exact after it.

A client's own key costs neither it nor its agency a credit here; an agency's key costs
the client what the agency's price says, and the pool nothing; the platform's key costs
both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.conf import settings

from assistants.catalogue import Provider, Stage, catalogue
from assistants.keys import payers
from assistants.spec import AssistantSpec
from billing.holds import NO_MODELS, ModelUse
from billing.model_cost import StageCost, microcredits_of, paid_by
from billing.models import Mode
from billing.pricing import price_for_call
from billing.tariff import CallPrice
from calls.models import Call
from calls.services.own_settings import spec_of
from portal.models import Organization
from portal.scope import all_organizations

MINUTE_MS: Final = 60_000
# A minute of conversation, for the estimate: four turns, and half of it the assistant's.
TURNS: Final = 4
SPOKEN_CHARACTERS: Final = 450
TOKENS_OUT: Final = 160
HISTORY_TOKENS: Final = 350
AUDIO_TOKENS_IN: Final = 1_500
AUDIO_TOKENS_OUT: Final = 1_200
CHARACTERS_A_TOKEN: Final = 4
SOUND_TOKENS_A_CHARACTER: Final = 25 / 15  # 25 a second, 15 characters a second


@dataclass(frozen=True)
class StageChoice:
    """Which vendor does a stage of an assistant, and on whose key."""

    stage: Stage
    provider: Provider
    model: str
    payer: str


def call_price(
    organization: Organization,
    spec: AssistantSpec,
    at: datetime,
    direction: str,
    payers: Mapping[str, str] | None = None,
) -> CallPrice:
    """Return what a call with this assistant costs, with its models as expected.

    `payers` tells whose key each vendor gets, where the caller has read it already.
    """
    choices = choices_of(spec, payers_of(organization) if payers is None else payers)
    price = price_for_call(
        organization, at, direction, mode_of(choices), pool_mode_of(choices)
    )
    return with_expected_models(price, organization, expected_minute(spec, choices))


def settled_use(call: Call, usage: Mapping[str, Any], duration_ms: int) -> ModelUse:
    """Return what the models of a call that ended cost, for the ledger."""
    own = call.overrides.get("spec")
    if call.is_test or not usage or (own is None and call.version_id is None):
        return NO_MODELS
    with all_organizations("a client may use an assistant of its agency"):
        spec = spec_of(Call.objects.select_related("version").get(pk=call.pk))
    choices = choices_of(spec, payers_of(call.organization))
    return model_use(used_by_call(choices, usage, duration_ms))


def payers_of(organization: Organization) -> dict[str, str]:
    """Return whose key each vendor is called with, by the name of the key."""
    found = payers(organization.agency_id, organization.pk)
    return {name: str(payer) for name, payer in found.items()}


def choices_of(spec: AssistantSpec, payers: Mapping[str, str]) -> list[StageChoice]:
    """Return the stages of an assistant; `payers` tells whose key each vendor gets."""
    wanted: list[tuple[Stage, str, str]] = []
    if spec.is_realtime:
        wanted.append((Stage.REALTIME, spec.llm_config.provider, spec.llm_config.model))
        wanted.extend(_thinker_behind(spec))
    else:
        stt, tts = spec.stt_config, spec.tts_config
        assert stt is not None
        assert tts is not None
        wanted = [
            (Stage.STT, stt.provider, stt.model),
            (Stage.LLM, spec.llm_config.provider, spec.llm_config.model),
            (Stage.TTS, tts.provider, tts.model or ""),
        ]
    found = []
    for stage, name, model in wanted:
        provider = catalogue().find(stage, name)
        if provider is None:
            continue
        payer = payers.get(provider.key, "platform") if provider.key else "nobody"
        chosen = model or provider.default_model
        found.append(StageChoice(stage, provider, chosen, payer))
    return found


def _thinker_behind(spec: AssistantSpec) -> list[tuple[Stage, str, str]]:
    """Return the text model that thinks for a realtime one, which is billed beside it."""
    talker = catalogue().find(Stage.REALTIME, spec.llm_config.provider)
    if talker is None or talker.thinks_with is None:
        return []
    chosen = spec.llm_config.delegation
    model = chosen.model if chosen else talker.thinking_model
    return [(Stage.LLM, talker.thinks_with, model or "")]


def mode_of(choices: list[StageChoice]) -> Mode:
    """Return the mode the call's organization is priced by."""
    payers = {choice.payer for choice in choices} - {"nobody"}
    if payers <= {"organization"}:
        return Mode.OWN_KEY
    if any(choice.stage is Stage.REALTIME for choice in choices):
        return Mode.REALTIME
    return Mode.PLATFORM_KEY


def pool_mode_of(choices: list[StageChoice]) -> Mode:
    """Return the mode its agency is priced by: the agency's keys are its own too."""
    if "platform" not in {choice.payer for choice in choices}:
        return Mode.OWN_KEY
    if any(choice.stage is Stage.REALTIME for choice in choices):
        return Mode.REALTIME
    return Mode.PLATFORM_KEY


def expected_minute(spec: AssistantSpec, choices: list[StageChoice]) -> list[StageCost]:
    """Return what a minute of an assistant's models is expected to cost."""
    instructions = len(spec.llm_config.instructions) // CHARACTERS_A_TOKEN
    usage = {
        "llm_input_tokens": TURNS * (instructions + HISTORY_TOKENS),
        "llm_output_tokens": TOKENS_OUT,
        "tts_characters": SPOKEN_CHARACTERS,
        "stt_audio_ms": MINUTE_MS,
        "audio_input_tokens": AUDIO_TOKENS_IN,
        "audio_output_tokens": AUDIO_TOKENS_OUT,
    }
    return [_cost(choice, usage, MINUTE_MS) for choice in choices]


def used_by_call(
    choices: list[StageChoice], usage: Mapping[str, Any], duration_ms: int
) -> list[StageCost]:
    """Return what a call's models cost by what its session counted."""
    return [_cost(choice, usage, duration_ms) for choice in choices]


def model_use(costs: list[StageCost]) -> ModelUse:
    """Return the costs as the ledger charges them to client and pool."""
    return ModelUse(
        client_microcredits=paid_by(costs, "agency", "platform"),
        pool_microcredits=paid_by(costs, "platform"),
        details={"models": [cost.as_details() for cost in costs]},
    )


def with_expected_models(
    price: CallPrice, organization: Organization, costs: list[StageCost]
) -> CallPrice:
    """Return a price that also puts aside what the models are expected to cost."""
    pool = paid_by(costs, "platform")
    if organization.is_agency:
        return price.with_models(client=pool, pool=pool)
    return price.with_models(client=paid_by(costs, "agency", "platform"), pool=pool)


def _cost(choice: StageChoice, usage: Mapping[str, Any], duration_ms: int) -> StageCost:
    prices = {
        str(unit): price
        for unit, price in choice.provider.prices_of(choice.model).items()
    }
    quantities = _quantities(choice, usage, duration_ms, prices)
    microcredits = microcredits_of(
        quantities, prices, credit_eur_millis=settings.PLATFORM_CREDIT_EUR_MILLIS
    )
    return StageCost(
        stage=str(choice.stage),
        provider=choice.provider.label,
        model=choice.model,
        payer=choice.payer,
        microcredits=0 if choice.payer == "nobody" else microcredits,
        quantities=quantities,
        prices={
            unit: str(price) for unit, price in prices.items() if unit in quantities
        },
    )


def _of_realtime(used: Callable[[str], int], duration_ms: int) -> dict[str, int]:
    """Return what a realtime model is billed for: sound and text apart, or the time.

    One that tells only a sum is taken to have heard and spoken it all.
    """
    heard, spoken = used("audio_input_tokens"), used("audio_output_tokens")
    if not heard and not spoken:
        heard, spoken = used("llm_input_tokens"), used("llm_output_tokens")
        cached_audio = used("llm_cached_tokens")
    else:
        cached_audio = used("audio_cached_tokens")
    cached_text = max(0, used("llm_cached_tokens") - cached_audio)
    read = max(0, used("llm_input_tokens") - heard - cached_text)
    return {
        "per_minute": used("realtime_ms") or duration_ms,
        "per_1m_audio_input_tokens": max(0, heard - cached_audio),
        "per_1m_cached_audio_input_tokens": cached_audio,
        "per_1m_audio_output_tokens": spoken,
        "per_1m_input_tokens": read,
        "per_1m_cached_input_tokens": cached_text,
        "per_1m_output_tokens": max(0, used("llm_output_tokens") - spoken),
    }


def _quantities(
    choice: StageChoice,
    usage: Mapping[str, Any],
    duration_ms: int,
    prices: Mapping[str, Decimal],
) -> dict[str, int]:
    """Return how much of each unit that the vendor bills was used."""

    def used(name: str) -> int:
        return int(usage.get(name) or 0)

    heard_ms = used("stt_audio_ms")
    cached = used("llm_cached_tokens")
    by_stage: dict[Stage, dict[str, int]] = {
        Stage.STT: {
            "per_minute_streaming": heard_ms,
            "per_minute": heard_ms,
            "per_hour": heard_ms,
        },
        Stage.LLM: {
            "per_1m_input_tokens": used("llm_input_tokens") - cached,
            "per_1m_cached_input_tokens": cached,
            "per_1m_output_tokens": used("llm_output_tokens"),
        },
        Stage.TTS: {
            "per_1k_chars": used("tts_characters"),
            "per_1m_chars": used("tts_characters"),
            "per_minute": duration_ms // 2,
            # A voice that bills tokens tells too late what a reply took.
            "per_1m_input_tokens": used("tts_characters") // CHARACTERS_A_TOKEN,
            "per_1m_audio_output_tokens": round(
                used("tts_characters") * SOUND_TOKENS_A_CHARACTER
            ),
        },
        Stage.REALTIME: _of_realtime(used, duration_ms),
    }
    found = {
        unit: count for unit, count in by_stage[choice.stage].items() if unit in prices
    }
    # A vendor with one price bills what it remembered like the rest.
    for kind in ("", "audio_"):
        whole, kept = f"per_1m_{kind}input_tokens", f"per_1m_cached_{kind}input_tokens"
        if whole in found and kept not in prices:
            found[whole] += by_stage[choice.stage].get(kept, 0)
    return {unit: count for unit, count in found.items() if count}
