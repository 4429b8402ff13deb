"""The cast as fixtures; see `tests.world`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assistants.key_kinds import KINDS
from calls.models import VoiceNode
from calls.services.nodes import register_node
from portal.models import Role, User
from tests import world
from tests.fakes.receiver import Receiver, receiving
from tests.world import House


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """Give no process's database another name: each has a server of its own."""


@pytest.fixture
def acme(db: None) -> House:
    return world.open_house("acme", "alice", "+31201234501")


@pytest.fixture
def bakery(acme: House) -> House:
    house = world.open_client_house(acme, "Bakery", "+31201234502")
    world.join(house, "dora", Role.OWNER)
    world.join(house, "bob", Role.VIEWER)
    return house


@pytest.fixture
def globex(db: None) -> House:
    return world.open_house("globex", "charlie", "+31201234503")


@pytest.fixture
def garage(globex: House) -> House:
    house = world.open_client_house(globex, "Garage", "+31201234504")
    world.join(house, "lena", Role.OWNER)
    return house


@pytest.fixture
def olga(db: None) -> User:
    return world.make_staff()


@pytest.fixture
def node(db: None) -> VoiceNode:
    """A voice process with room for ten calls; nobody lives in it."""
    return register_node(host="test", pid=1, capacity=10)


@pytest.fixture
def vendor(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A server in place of every vendor."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ("127.0.0.0/8",)
    with receiving() as receiver:
        for name, kind in list(KINDS.items()):
            if kind.server:
                here = type(kind)(**{**vars(kind), "server": receiver.url.rstrip("/")})
                monkeypatch.setitem(KINDS, name, here)
        yield receiver
