"""The widget of an assistant over REST."""

from __future__ import annotations

import pytest

from calls.models import VoiceNode
from tests.api.conftest import ApiClient
from tests.world import House

pytestmark = pytest.mark.django_db
SITE = "https://shop.example"


def test_over_the_api(bakery: House, bakery_api: ApiClient, node: VoiceNode) -> None:
    path = f"/assistants/{bakery.assistant.pk}/widget"
    assert bakery_api.get(path).status_code == 404
    made = bakery_api.put(path, {"sites": ["shop.example"]})
    assert made.status_code == 201
    body = made.json()
    assert (body["sites"], body["title"]) == ([SITE], bakery.assistant.name)
    assert body["id"] in body["snippet"]
    changed = bakery_api.put(path, {"is_active": False})
    assert (changed.status_code, changed.json()["is_active"]) == (200, False)
    assert bakery_api.get(path).json()["sites"] == [SITE]
    refused = bakery_api.put(path, {"sites": ["ftp://shop.example"]})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "sites")
    assert bakery_api.put(path, {"max_live_calls": 0}).status_code == 400
    assert bakery_api.put(path, {"colour": "red"}).status_code == 400
    assert bakery_api.delete(path).json() == {"success": True}
    assert bakery_api.delete(path).status_code == 404
