"""A long list is walked through without losing or repeating a row."""

from __future__ import annotations

from typing import Any

import pytest

from calls.models import Call, VoiceNode
from common.ids import uuid7
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.world import House


def make_calls(house: House, count: int) -> list[str]:
    """Some of them in the very same moment."""
    with organization_scope(house.organization):
        calls = Call.objects.bulk_create(
            Call(
                pk=uuid7(),
                organization=house.organization,
                agency_id=house.organization.agency_id,
                direction="web",
                carrier="webrtc",
                status="ended",
            )
            for _ in range(count)
        )
        moment = calls[0].created_at
        Call.objects.filter(pk__in=[one.pk for one in calls[: count // 2]]).update(
            created_at=moment
        )
        return [
            str(pk)
            for pk in Call.objects.order_by("-created_at", "-pk").values_list(
                "pk", flat=True
            )
        ]


def walked(client: ApiClient, path: str) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(f"{path}&cursor={cursor}" if cursor else path).json()
        found += [one["id"] for one in answer["calls"]]
        cursor = answer["pagination"]["next_cursor"]
    return found


def test_every_call_comes_once_and_in_order(
    bakery: House, bakery_api: ApiClient
) -> None:
    ids = make_calls(bakery, 23)
    assert walked(bakery_api, "/calls?limit=5") == ids
    assert walked(bakery_api, "/calls?limit=23") == ids


def test_a_call_that_comes_meanwhile_moves_nothing(
    bakery: House, bakery_api: ApiClient, node: VoiceNode
) -> None:
    ids = make_calls(bakery, 10)
    first = bakery_api.get("/calls?limit=5").json()
    bakery_api.post("/web-calls", {"assistant_id": str(bakery.assistant.pk)})
    second = bakery_api.get(
        f"/calls?limit=5&cursor={first['pagination']['next_cursor']}"
    ).json()
    assert [one["id"] for one in second["calls"]] == ids[5:]


@pytest.mark.parametrize(
    "cursor", ["x", "!!!", "MjAyNg", "MjAyNi0wMS0wMVQwMDowMDowMHw", "A" * 101]
)
def test_no_cursor_of_ours_is_refused(bakery_api: ApiClient, cursor: Any) -> None:
    answer = bakery_api.get(f"/calls?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "cursor"
