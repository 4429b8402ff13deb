"""The cast of campaign tests: the bakery at work, and a node with free lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calls.models import VoiceNode
from calls.services.nodes import register_node
from campaigns.models import LegalHours
from common.windows import WHOLE_WEEK
from portal.scope import organization_scope
from tests.world import House


@pytest.fixture
def in_bakery(bakery: House) -> Iterator[House]:
    """Run the test inside the bakery's scope."""
    with organization_scope(bakery.organization):
        yield bakery


@pytest.fixture(autouse=True)
def any_hour(request: pytest.FixtureRequest) -> None:
    """Let the cast be called at any hour of the day at which the tests run.

    A test of the shipped hours is marked `legal_hours`.
    """
    marker = request.node.get_closest_marker("django_db")
    if marker is None or request.node.get_closest_marker("legal_hours"):
        return
    request.getfixturevalue(
        "transactional_db" if marker.kwargs.get("transaction") else "db"
    )
    for country in ("NL", "US", "*"):
        LegalHours.objects.get_or_create(
            country=country,
            defaults={"hours": WHOLE_WEEK.as_json(), "needs_consent": False},
        )


@pytest.fixture
def node(db: None) -> VoiceNode:
    """A voice process with room for 50 calls; nobody lives in it."""
    return register_node(host="test", pid=1, capacity=50)
