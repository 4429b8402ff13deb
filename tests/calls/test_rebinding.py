"""A name that turns from a public address to one of ours, at every way out that customers name.

The resolver is the machine's own, answered for by the test; the listener inside is a
real socket, and counts who connects.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from assistants.mcp_client import Endpoint, McpFailed, list_tools
from common.http import OutboundError, Request, send
from common.http.client import close_sessions
from common.http.threads import close_connections
from portal.scope import organization_scope
from portal.webhooks import kinds, record_event
from portal.webhooks.asking import Listener, ask
from portal.webhooks.delivering import deliver_now
from portal.webhooks.endpoints import create_endpoint
from tests.world import House

pytestmark = pytest.mark.django_db
NAME: Final = "rebind.example"
PUBLIC: Final = "93.184.216.34"
INSIDE: Final = "127.0.0.1"


@dataclass
class Inside:
    """A listener of our own network, and what the name of a stranger resolves to."""

    port: int
    # One answer for each lookup, and the last one from then on.
    answers: list[list[str]] = field(default_factory=list)
    lookups: int = 0
    tried: list[str] = field(default_factory=list)
    guests: int = 0

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/hook"

    def answer(self) -> list[str]:
        at = min(self.lookups, len(self.answers) - 1)
        self.lookups += 1
        return self.answers[at]


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    listener = socket.create_server((INSIDE, 0))
    listener.settimeout(0.05)
    house = Inside(listener.getsockname()[1])
    look_up, connect = socket.getaddrinfo, socket.socket.connect
    done = threading.Event()

    def rebinding(host: Any, port: Any, *args: Any, **named: Any) -> Any:
        if host not in (NAME, NAME.encode()):
            return look_up(host, port, *args, **named)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in house.answer()
        ]

    def connecting(sock: socket.socket, address: Any) -> None:
        if sock.family == socket.AF_INET and address[1] == house.port:
            house.tried.append(address[0])
            if address[0] == PUBLIC:
                raise ConnectionRefusedError
        connect(sock, address)

    def serve() -> None:
        while not done.is_set():
            with suppress(TimeoutError):
                guest, _peer = listener.accept()
                house.guests += 1
                guest.close()

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket.socket, "connect", connecting)
    thread = threading.Thread(target=serve)
    thread.start()
    yield house
    close_connections()
    done.set()
    thread.join()
    listener.close()


def by_webhook(bakery: House, url: str) -> str:
    with organization_scope(bakery.organization):
        endpoint, _secret = create_endpoint(
            organization=bakery.organization, url=url, events=["*"], actor=None
        )
        record_event(organization=bakery.organization, kind="credits.low", data={})
        return deliver_now(endpoint.deliveries.get()).error


def by_question(kind: str) -> Callable[[House, str], str]:
    def ask_it(bakery: House, url: str) -> str:
        async def asked() -> str:
            try:
                listener = Listener(url, ("secret",), "Test")
                reply = await ask(listener, kind=kind, data={}, timeout_s=3)
            finally:
                await close_sessions()
            return reply.error

        return asyncio.run(asked())

    return ask_it


def by_mcp(bakery: House, url: str) -> str:
    with pytest.raises(McpFailed) as failed:
        list_tools(Endpoint(name="CRM", url=url, timeout_s=3))
    return str(failed.value)


def by_key_check(bakery: House, url: str) -> str:
    with pytest.raises(OutboundError) as failed:
        send(Request(url, method="GET", timeout_s=3))
    return str(failed.value)


WAYS = {
    "webhook": by_webhook,
    "tool": by_question(kinds.TOOL_CALLS),
    "assistant-request": by_question(kinds.ASSISTANT_REQUEST),
    "mcp": by_mcp,
    "register and own endpoint": by_key_check,
}


@pytest.mark.parametrize(
    "answers",
    [[[PUBLIC], [INSIDE]], [[INSIDE]], [[PUBLIC, INSIDE]], [[INSIDE, PUBLIC]]],
    ids=["turns", "inside", "both", "both, inside first"],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_name_that_turns_inward_reaches_nothing(
    bakery: House, inside: Inside, settings: Any, way: str, answers: list[list[str]]
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    inside.answers = answers
    for _try in range(2):
        assert WAYS[way](bakery, inside.url)
    assert inside.lookups >= 2
    assert set(inside.tried) <= {PUBLIC}
    assert inside.guests == 0


@pytest.mark.parametrize("way", WAYS)
def test_the_listener_is_there_for_whom_the_operator_lets_in(
    bakery: House, inside: Inside, settings: Any, way: str
) -> None:
    """Without the guard the same name would have led there."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    inside.answers = [[INSIDE]]
    assert WAYS[way](bakery, inside.url)  # it hangs up, which is an error as well
    assert inside.guests >= 1
