"""Drafts over REST: worked on beside the version that calls use, then published."""

from __future__ import annotations

import pytest

from calls.models import Call, VoiceNode
from calls.services.web import WRITING
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.world import House


@pytest.fixture
def path(bakery: House) -> str:
    return f"/assistants/{bakery.assistant.pk}"


def first_message(api: ApiClient, path: str) -> str:
    message: str = api.get(path).json()["assistant"]["first_message"]
    return message


def test_a_draft_is_kept_read_and_published(path: str, bakery_api: ApiClient) -> None:
    draft = f"{path}/draft"
    assert bakery_api.get(draft).json() == {"draft": None}
    kept = bakery_api.patch(draft, {"first_message": "Good day."}).json()["draft"]
    assert kept["settings"]["first_message"] == "Good day."
    assert (kept["based_on_version"], kept["is_overtaken"]) == (1, False)
    assert kept["faults"] == []
    assert first_message(bakery_api, path) == "Hello, how can I help you?"
    # What was not sent stays as it is in the draft, not as it is in the version.
    bakery_api.patch(draft, {"llm_config": {"temperature": 0.2}})
    found = bakery_api.get(draft).json()["draft"]["settings"]
    assert found["first_message"] == "Good day."
    assert found["llm_config"]["temperature"] == 0.2
    published = bakery_api.post(f"{draft}/publish").json()["assistant"]
    assert (published["version"], published["first_message"]) == (2, "Good day.")
    assert bakery_api.get(draft).json() == {"draft": None}


def test_a_draft_is_discarded(path: str, bakery_api: ApiClient) -> None:
    bakery_api.patch(f"{path}/draft", {"first_message": "Good day."})
    for _ in range(2):
        assert bakery_api.delete(f"{path}/draft").json() == {"success": True}
    assert bakery_api.get(f"{path}/draft").json() == {"draft": None}
    published = bakery_api.post(f"{path}/draft/publish").json()["assistant"]
    assert published["version"] == 1


def test_a_draft_like_the_version_is_none(path: str, bakery_api: ApiClient) -> None:
    bakery_api.patch(f"{path}/draft", {"first_message": "Good day."})
    back = {"first_message": "Hello, how can I help you?"}
    assert bakery_api.patch(f"{path}/draft", back).json() == {"draft": None}


def test_an_overtaken_draft_is_a_conflict_until_that_is_wanted(
    path: str, bakery_api: ApiClient
) -> None:
    bakery_api.patch(f"{path}/draft", {"first_message": "Good day."})
    bakery_api.patch(path, {"first_message": "Hi."})
    assert bakery_api.get(f"{path}/draft").json()["draft"]["is_overtaken"] is True
    refused = bakery_api.post(f"{path}/draft/publish")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert first_message(bakery_api, path) == "Hi."
    bakery_api.post(f"{path}/draft/publish", {"overwrite": True})
    assert first_message(bakery_api, path) == "Good day."


def test_a_bad_draft_is_refused_by_its_field(path: str, bakery_api: ApiClient) -> None:
    for body, param in (
        ({"llm_config": {"temperature": 9}}, "llm_config.temperature"),
        ({"is_active": False}, "is_active"),
        ({"webhook_secret": "x"}, "webhook_secret"),
        ({"colour": "red"}, "colour"),
    ):
        answer = bakery_api.patch(f"{path}/draft", body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bakery_api.get(f"{path}/draft").json() == {"draft": None}


def test_a_draft_keeps_the_secrets_of_its_tools(
    path: str, bakery_api: ApiClient
) -> None:
    tool = {
        "type": "function",
        "function": {"name": "look_up", "description": "Look up."},
        "server": {"url": "https://example.com/tool", "secret": "s3cret"},
    }
    saved = bakery_api.patch(path, {"llm_config": {"tools": [tool]}})
    assert saved.status_code == 200, saved.content
    bakery_api.patch(f"{path}/draft", {"first_message": "Good day."})
    shown = bakery_api.get(f"{path}/draft").content.decode()
    assert "s3cret" not in shown
    assert bakery_api.post(f"{path}/draft/publish").status_code == 200


def test_a_reading_key_changes_no_draft(bakery: House, path: str) -> None:
    reader = ApiClient(bakery)
    made = reader.post("/api-keys", {"name": "R", "scopes": ["read"]}).json()["key"]
    reading = ApiClient(bakery, made)
    assert reading.get(f"{path}/draft").status_code == 200
    assert reading.patch(f"{path}/draft", {"first_message": "X"}).status_code == 403
    assert reading.post(f"{path}/draft/publish").status_code == 403
    assert reading.delete(f"{path}/draft").status_code == 403


def test_another_organizations_draft_is_not_there(
    path: str, garage_api: ApiClient
) -> None:
    assert garage_api.get(f"{path}/draft").status_code == 404
    assert garage_api.patch(f"{path}/draft", {}).status_code == 404


def test_a_draft_is_tried_in_writing(
    bakery: House, node: VoiceNode, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    at = f"/assistants/{bakery.assistant.pk}"
    bakery_api.patch(f"{at}/draft", {"first_message": "Not published yet."})
    started = bakery_api.post(f"{at}/text-chats")
    assert started.status_code == 201, started.content
    assert started.json()["token"]
    with organization_scope(bakery.organization):
        call = Call.objects.get(pk=started.json()["call_id"])
    assert (call.carrier, call.is_test) == (WRITING, True)
    assert call.overrides["spec"]["first_message"] == "Not published yet."
    assert garage_api.post(f"{at}/text-chats").status_code == 404
