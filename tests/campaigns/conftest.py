"""The cast of campaign tests: the bakery at work, and a node with free lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calls.models import VoiceNode
from calls.services.nodes import register_node
from portal.scope import organization_scope
from tests.world import House


@pytest.fixture
def in_bakery(bakery: House) -> Iterator[House]:
    """Run the test inside the bakery's scope."""
    with organization_scope(bakery.organization):
        yield bakery


@pytest.fixture
def node(db: None) -> VoiceNode:
    """A voice process with room for 50 calls; nobody lives in it."""
    return register_node(host="test", pid=1, capacity=50)
