"""What models cost, expected and exact, and that a call pays for them."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from assistants.services import create_assistant
from assistants.spec import AssistantSpec
from billing.models import LedgerEntry
from billing.reconciliation import reconcile
from calls.models import Call, VoiceNode
from calls.services import costing
from calls.services.finish import Outcome, finish_call
from calls.services.running import mark_connected, pick_up
from calls.services.web import start_web_call
from calls.session.events import EndReason
from portal.scope import Scope, organization_scope
from tests.world import House, browser

SPEC: dict[str, Any] = {
    "name": "Front desk",
    "llm_config": {
        "provider": "openai",
        "model": "gpt-5.4",
        "messages": [{"role": "system", "content": "Be brief." * 100}],
    },
    "stt_config": {"provider": "deepgram", "model": "nova-3", "language": "en"},
    "tts_config": {
        "provider": "elevenlabs",
        "voice_id": "x",
        "model": "eleven_flash_v2_5",
    },
}
USAGE = {
    "llm_input_tokens": 4_000,
    "llm_output_tokens": 200,
    "llm_cached_tokens": 1_000,
    "tts_characters": 500,
    "stt_audio_ms": 60_000,
}


def spec(**changes: Any) -> AssistantSpec:
    return AssistantSpec.model_validate(SPEC | changes)


def test_the_estimate_names_every_stage_and_grows_with_the_instructions() -> None:
    short = costing.expected_minute(spec(), costing.choices_of(spec(), {}))
    assert [cost.stage for cost in short] == ["stt", "llm", "tts"]
    assert all(cost.microcredits > 0 for cost in short)
    long = SPEC["llm_config"] | {
        "messages": [{"role": "system", "content": "Be brief." * 9_000}]
    }
    more = spec(llm_config=long)
    grown = costing.expected_minute(more, costing.choices_of(more, {}))
    assert grown[1].microcredits > short[1].microcredits
    assert grown[0] == short[0]


def test_what_was_used_costs_list_prices_with_what_was_cached_cheaper() -> None:
    _stt, llm, _tts = costing.used_by_call(
        costing.choices_of(spec(), {}), USAGE, 60_000
    )
    assert llm.quantities == {
        "per_1m_input_tokens": 3_000,
        "per_1m_cached_input_tokens": 1_000,
        "per_1m_output_tokens": 200,
    }
    # 0.00645 + 0.00022 + 0.00258 euros, at 0.07 euros a credit.
    assert llm.microcredits == 132_143


@pytest.mark.parametrize(
    ("payers", "client", "pool"),
    [
        ({}, "platform_key", "platform_key"),
        (dict.fromkeys(["openai", "deepgram", "elevenlabs"], "organization"),
         "own_key", "own_key"),
        (dict.fromkeys(["openai", "deepgram", "elevenlabs"], "agency"),
         "platform_key", "own_key"),
        ({"openai": "organization"}, "platform_key", "platform_key"),
    ],
)  # fmt: skip
def test_whose_keys_decides_the_mode(
    payers: dict[str, str], client: str, pool: str
) -> None:
    choices = costing.choices_of(spec(), payers)
    assert (costing.mode_of(choices), costing.pool_mode_of(choices)) == (client, pool)
    use = costing.model_use(costing.used_by_call(choices, USAGE, 60_000))
    assert (use.pool_microcredits == 0) == (pool == "own_key")
    assert (use.client_microcredits == 0) == (client == "own_key")


def test_a_call_pays_for_time_and_models_and_its_page_says_so(
    acme: House, bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        assistant = create_assistant(
            organization=bakery.organization, spec=spec(), actor=None
        )
        started = start_web_call(
            organization=bakery.organization, assistant=assistant, actor=None
        )
    order = pick_up(call_id=started.call.pk, node_id=node.pk)
    assert order is not None
    mark_connected(order=order, setup_ms=100)
    finish_call(
        call_id=started.call.pk,
        scope=Scope(bakery.organization.agency_id, bakery.organization.pk),
        outcome=Outcome(EndReason.USER_HANGUP, duration_ms=60_000, usage=USAGE),
    )
    with organization_scope(bakery.organization):
        call = Call.objects.get(pk=started.call.pk)
        entry = LedgerEntry.objects.get(kind="settle", source_id=call.pk)
    models = sum(one["microcredits"] for one in entry.details["models"])
    assert entry.details["model_microcredits"] == models > 132_143
    assert call.cost_microcredits == call.price_microcredits_per_minute + models
    assert reconcile() == []
    dora = browser(bakery, bakery.people["dora"])
    page = dora.get(reverse("call_detail", args=[call.pk])).content.decode()
    assert "What it cost" in page
    assert "gpt-5.4" in page
    price = dora.get(reverse("assistant_price", args=[assistant.pk])).content.decode()
    assert "Deepgram" in price
    assert "https://deepgram.com/pricing" in price
    assert "not confirmed" not in price


def test_books_and_calls_that_differ_are_told(bakery: House, node: VoiceNode) -> None:
    with organization_scope(bakery.organization):
        started = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )
    order = pick_up(call_id=started.call.pk, node_id=node.pk)
    assert order is not None
    mark_connected(order=order, setup_ms=1)
    finish_call(
        call_id=started.call.pk,
        scope=Scope(bakery.organization.agency_id, bakery.organization.pk),
        outcome=Outcome(EndReason.USER_HANGUP, duration_ms=30_000),
    )
    with organization_scope(bakery.organization):
        Call.objects.update(billed_seconds=31)
    assert [drift.rule for drift in reconcile()] == [
        "seconds of a call are not those of its entry"
    ]


def realtime(provider: str, model: str, **llm: Any) -> AssistantSpec:
    config = {"provider": provider, "model": model, **llm}
    return AssistantSpec.model_validate({"name": "Live", "llm_config": config})


def quantities(of: AssistantSpec, usage: dict[str, int]) -> list[dict[str, int]]:
    costs = costing.used_by_call(costing.choices_of(of, {}), usage, 60_000)
    return [dict(cost.quantities) for cost in costs]


def test_a_model_that_is_billed_by_sound_and_text_pays_for_each() -> None:
    gemini = realtime("google_realtime", "gemini-3.1-flash-live-preview")
    usage = {
        "llm_input_tokens": 1_000,
        "llm_output_tokens": 300,
        "llm_cached_tokens": 150,
        "audio_input_tokens": 700,
        "audio_cached_tokens": 100,
        "audio_output_tokens": 250,
    }
    [used] = quantities(gemini, usage)
    # One price for what it remembered and what it had not: nothing is left out.
    assert used == {
        "per_1m_audio_input_tokens": 700,
        "per_1m_audio_output_tokens": 250,
        "per_1m_input_tokens": 300,
        "per_1m_output_tokens": 50,
    }


def test_a_model_that_is_billed_by_time_pays_for_its_connection() -> None:
    grok = realtime("xai_realtime", "grok-voice-think-fast-2.0")
    usage = {"realtime_ms": 58_000, "llm_output_tokens": 20}
    assert quantities(grok, usage) == [{"per_minute": 58_000}]
    assert quantities(grok, {"llm_output_tokens": 20}) == [{"per_minute": 60_000}]


def test_the_model_behind_a_talker_is_paid_beside_it() -> None:
    usage = {"realtime_ms": 60_000, "llm_input_tokens": 240, "llm_output_tokens": 60}
    live = realtime("openai_live", "gpt-live-1")
    chosen = realtime("openai_live", "gpt-live-1", delegation={"model": "gpt-5.6-sol"})
    for one, model in ((live, "gpt-5.6-luna"), (chosen, "gpt-5.6-sol")):
        talker, thinker = costing.used_by_call(
            costing.choices_of(one, {}), usage, 60_000
        )
        assert (talker.stage, talker.quantities) == ("realtime", {"per_minute": 60_000})
        assert (thinker.stage, thinker.model) == ("llm", model)
        assert thinker.quantities == {
            "per_1m_input_tokens": 240,
            "per_1m_output_tokens": 60,
        }
        assert talker.microcredits > 0
        assert thinker.microcredits > 0
    assert costing.mode_of(costing.choices_of(live, {})) == "realtime"
    own = dict.fromkeys(["openai"], "organization")
    assert costing.mode_of(costing.choices_of(live, own)) == "own_key"


def test_a_price_without_a_page_is_marked(bakery: House) -> None:
    voice = {"provider": "elevenlabs", "model": "eleven_v4", "voice_id": "x"}
    parts = {"tts_config": voice}
    with organization_scope(bakery.organization):
        assistant = create_assistant(
            organization=bakery.organization, spec=spec(**parts), actor=None
        )
    dora = browser(bakery, bakery.people["dora"])
    page = dora.get(reverse("assistant_price", args=[assistant.pk])).content.decode()
    assert "not confirmed" in page


def test_a_voice_that_bills_tokens_is_estimated_from_what_it_was_given() -> None:
    voice = {"provider": "google", "voice_id": "Kore", "model": "gemini-2.5-flash-tts"}
    choices = costing.choices_of(spec(tts_config=voice), {})
    *_, cost = costing.used_by_call(choices, {"tts_characters": 1_500}, 60_000)
    assert cost.quantities == {
        "per_1m_input_tokens": 375,
        "per_1m_audio_output_tokens": 2_500,
    }
    assert cost.microcredits > 0
