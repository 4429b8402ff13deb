"""The cast of campaign tests: acme and globex, and a voice process with free lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calls.models import VoiceNode
from calls.services.nodes import register_node
from portal.scope import organization_scope
from tests.campaigns.builders import Client, open_shop


@pytest.fixture
def acme(db: None) -> Client:
    return open_shop("acme", "+31201234567")


@pytest.fixture
def globex(db: None) -> Client:
    return open_shop("globex", "+31207654321")


@pytest.fixture
def in_acme(acme: Client) -> Iterator[Client]:
    """Run the test inside acme's scope."""
    with organization_scope(acme.organization):
        yield acme


@pytest.fixture
def node(db: None) -> VoiceNode:
    """A voice process with room for 50 calls; nobody lives in it."""
    return register_node(host="test", pid=1, capacity=50)
