"""Describing an assistant over REST: a proposal comes back, and the draft takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistants.models import Assistant
from calls.services import drafting
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.calls.services.test_analysis import openai
from tests.calls.services.test_drafting import PROPOSED
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.fakes.vendor_wire import BAD_KEY
from tests.world import House

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
__all__ = ["openai"]

WISH = {"wish": "A restaurant called Bella."}


@pytest.fixture
def at(bakery: House) -> str:
    return f"/assistants/{bakery.assistant.pk}"


def test_a_proposal_changes_nothing_until_the_draft_takes_it(
    at: str, bakery: House, bakery_api: ApiClient, openai: OpenAIServer
) -> None:
    openai.replies = [Reply(json.dumps(PROPOSED))]
    proposed = bakery_api.post(f"{at}/proposals", WISH)
    assert proposed.status_code == 200, proposed.content
    settings = proposed.json()["settings"]
    assert set(settings) == {"first_message", "llm_config", "analysis_plan"}
    assert set(settings["llm_config"]) == {"messages", "tools"}
    assert WISH["wish"] in json.dumps(openai.requests[0])
    assert bakery_api.get(f"{at}/draft").json() == {"draft": None}
    draft = bakery_api.patch(f"{at}/draft", settings).json()["draft"]
    assert draft["settings"]["first_message"] == "Bella, good evening."
    tools = draft["settings"]["llm_config"]["tools"]
    assert [tool["function"]["name"] for tool in tools if "function" in tool][-1] == (
        "Book_table"
    )
    with organization_scope(bakery.organization):
        assistant = Assistant.objects.get(pk=bakery.assistant.pk)
        assert assistant.versions.count() == 1
    [record] = bakery_api.get("/audit-records?action=assistant.described").json()[
        "audit_records"
    ]
    assert record["api_key"].startswith("Test fl_live_")


def test_what_goes_wrong_is_said(
    at: str,
    bakery: House,
    garage_api: ApiClient,
    bakery_api: ApiClient,
    openai: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    with organization_scope(bakery.organization):
        _row, text = issue_key(
            organization=bakery.organization, name="Try", actor=None, mode="test"
        )
    answer = ApiClient(bakery, text).post(f"{at}/proposals", WISH)
    assert answer.json()["error"]["code"] == "test_key"
    assert garage_api.post(f"{at}/proposals", WISH).status_code == 404
    answer = bakery_api.post(f"{at}/proposals", {})
    assert answer.json()["error"]["param"] == "wish"
    assert openai.requests == []
    openai.faults = [BAD_KEY, BAD_KEY]
    answer = bakery_api.post(f"{at}/proposals", WISH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        400,
        "vendor_failed",
    )
    openai.replies = [Reply("Certainly!"), Reply("{}")]
    answer = bakery_api.post(f"{at}/proposals", WISH)
    assert answer.json()["error"]["code"] == "vendor_failed"
    settings.VENDOR_KEYS = {}
    answer = bakery_api.post(f"{at}/proposals", WISH)
    assert answer.status_code == 409
    monkeypatch.setattr(drafting, "PER_HOUR", 0)
    answer = bakery_api.post(f"{at}/proposals", WISH)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 3_600
    assert bakery_api.get(f"{at}/draft").json() == {"draft": None}
