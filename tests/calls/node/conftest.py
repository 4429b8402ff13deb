"""Calls of the voice process: ordered, and on virtual time where nothing is threaded."""

from __future__ import annotations

import pytest

from calls.models import VoiceNode
from calls.services.running import CallOrder
from tests.calls.node.held import order_for
from tests.world import House


@pytest.fixture
def inline_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let services run in the loop's thread, on the test's connection."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    # It would close the connection, and with it the test's transaction.
    monkeypatch.setattr("channels.db.close_old_connections", lambda: None)


@pytest.fixture
def order(bakery: House, node: VoiceNode, inline_database: None) -> CallOrder:
    return order_for(bakery, node)
