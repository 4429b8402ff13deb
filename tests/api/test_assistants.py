"""Assistants over REST: a name is enough, changes are partial, nothing is dropped."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.models import Assistant, AssistantVersion
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.api.test_portal_api import owners_key
from tests.world import House


def created(api: ApiClient, **fields: Any) -> dict[str, Any]:
    answer = api.post("/assistants", {"name": "Desk", **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()["assistant"]


def test_a_name_alone_makes_an_assistant_that_needs_no_key(
    bakery_api: ApiClient,
) -> None:
    made = created(bakery_api)
    assert made["name"] == "Desk"
    assert made["is_active"] is True
    assert made["llm_config"]["provider"] == "demo"
    assert made["stt_config"]["provider"] == "offline"
    assert made["tts_config"]["provider"] == "offline"
    assert made["tts_config"]["voice_id"]


def test_a_key_at_hand_chooses_its_provider(
    bakery_api: ApiClient, settings: Any
) -> None:
    settings.VENDOR_KEYS = {"openai": "sk", "deepgram": "", "elevenlabs": ""}
    made = created(bakery_api)
    assert made["llm_config"]["model"] == "gpt-5.4"
    assert made["tts_config"]["provider"] == "openai"
    assert made["stt_config"]["provider"] == "offline"


def test_both_addresses_show_the_same_assistants(
    bakery: House, bakery_api: ApiClient
) -> None:
    old = bakery_api.get("/agents").json()
    assert old == bakery_api.get("/assistants").json()
    assert [row["id"] for row in old["assistants"]] == [str(bakery.assistant.pk)]
    one = bakery_api.get(f"/agents/{bakery.assistant.pk}").json()
    assert one["assistant"]["name"] == "Front desk"


def test_a_change_touches_what_it_names(bakery_api: ApiClient) -> None:
    made = created(
        bakery_api,
        first_message="Hello",
        llm_config={"messages": [{"role": "system", "content": "Be kind."}]},
    )
    answer = bakery_api.patch(
        f"/assistants/{made['id']}",
        {"llm_config": {"temperature": 0.2}, "max_duration_seconds": 60},
    )
    changed = answer.json()["assistant"]
    assert changed["llm_config"] == {**made["llm_config"], "temperature": 0.2}
    assert changed["max_duration_seconds"] == 60
    assert changed["first_message"] == "Hello"
    assert changed["version"] == 2


def test_another_provider_brings_its_own_model_and_keeps_the_rest(
    bakery_api: ApiClient,
) -> None:
    made = created(bakery_api, llm_config={"temperature": 0.1})
    answer = bakery_api.patch(
        f"/assistants/{made['id']}", {"llm_config": {"provider": "openai"}}
    )
    llm = answer.json()["assistant"]["llm_config"]
    assert (llm["provider"], llm["model"], llm["temperature"]) == (
        "openai",
        "gpt-5.4",
        0.1,
    )


def test_null_takes_a_message_away_and_resets_a_limit(bakery_api: ApiClient) -> None:
    made = created(bakery_api, first_message="Hello", max_duration_seconds=60)
    changed = bakery_api.patch(
        f"/assistants/{made['id']}",
        {"first_message": None, "max_duration_seconds": None},
    ).json()["assistant"]
    assert changed["first_message"] is None
    assert changed["max_duration_seconds"] == 600


def test_switching_off_makes_no_version(bakery_api: ApiClient) -> None:
    made = created(bakery_api)
    changed = bakery_api.patch(f"/assistants/{made['id']}", {"is_active": False})
    assert changed.json()["assistant"] == {
        **changed.json()["assistant"],
        "is_active": False,
        "version": 1,
    }
    assert created(bakery_api, is_active=False)["is_active"] is False


@pytest.mark.parametrize("field", ["made_up", "id", "version"])
def test_a_field_that_would_not_be_kept_is_refused(
    bakery_api: ApiClient, field: str
) -> None:
    answer = bakery_api.post("/assistants", {"name": "A", field: "x"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field
    assert answer.json()["error"]["message"] == f"Unknown field: {field}"


def test_what_the_catalogue_does_not_know_is_refused(
    bakery: House, bakery_api: ApiClient
) -> None:
    answer = bakery_api.patch(
        f"/assistants/{bakery.assistant.pk}", {"llm_config": {"provider": "nobody"}}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "llm_config.provider"
    with organization_scope(bakery.organization):
        assert AssistantVersion.objects.count() == 1


def test_a_deleted_assistant_is_gone(bakery: House, bakery_api: ApiClient) -> None:
    path = f"/assistants/{bakery.assistant.pk}"
    assert bakery_api.delete(path).json() == {"success": True}
    assert bakery_api.get(path).status_code == 404
    assert bakery_api.delete(path).status_code == 404


def test_nobody_changes_another_organizations_assistant(
    bakery_api: ApiClient, garage: House
) -> None:
    path = f"/assistants/{garage.assistant.pk}"
    assert bakery_api.patch(path, {"name": "Mine"}).status_code == 404
    assert bakery_api.delete(path).status_code == 404
    with organization_scope(garage.organization):
        assert Assistant.objects.get().name == "Front desk"


def test_a_price_is_told_before_the_first_call(
    acme: House, bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    price = {
        "client_id": str(bakery.organization.pk),
        "credits_per_minute": "0.50",
        "setup_credits": "0.10",
        "direction": "web",
    }
    assert owners_key(acme).post("/selling/prices", price).status_code == 201
    path = f"/assistants/{bakery.assistant.pk}/price"
    told = bakery_api.get(path).json()
    assert [one["stage"] for one in told["stages"]] == ["stt", "llm", "tts"]
    assert {one["payer"] for one in told["stages"]} == {"nobody"}
    (web,) = [one for one in told["calls"] if one["direction"] == "web"]
    assert (web["credits_per_minute"], web["setup_credits"]) == ("0.50", "0.10")
    assert web["five_minutes"] == "2.60"
    assert garage_api.get(path).status_code == 404
