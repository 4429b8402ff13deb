"""The browser's socket: who may open it, what it takes, what it says to nonsense."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator

from calls import bus
from calls.models import Call, VoiceNode
from calls.services.web import StartedWebCall, start_web_call
from calls.services.widgets import save_widget
from config.asgi import application
from portal.scope import organization_scope
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def started(bakery: House, node: VoiceNode) -> StartedWebCall:
    with organization_scope(bakery.organization):
        return start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )


@asynccontextmanager
async def socket(
    call_id: UUID, token: str, host: str = "acme.localhost", origin: str = ""
) -> AsyncIterator[WebsocketCommunicator]:
    """Open a socket as a browser would and close it at the end."""
    communicator = WebsocketCommunicator(
        application,
        f"/ws/calls/{call_id}/?token={token}",
        headers=[
            (b"host", host.encode()),
            *([(b"origin", origin.encode())] if origin else []),
        ],
    )
    connected, _ = await communicator.connect(timeout=5)
    assert connected
    try:
        yield communicator
    finally:
        await communicator.disconnect()


async def hear(browser: WebsocketCommunicator) -> dict[str, Any]:
    return json.loads(await browser.receive_from(timeout=5))


async def commands_to(node: VoiceNode) -> str:
    """Listen as the node would; return the channel."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(bus.node_group(node.pk), channel)
    return channel


async def test_a_token_opens_the_socket_once(started: StartedWebCall) -> None:
    async with socket(started.call.pk, started.token) as browser:
        welcome = await hear(browser)
        assert welcome["type"] == "welcome"
        assert welcome["call_id"] == str(started.call.pk)
        assert welcome["state"] == {"status": "connecting"}
        async with socket(started.call.pk, started.token) as thief:
            assert (await hear(thief))["code"] == "bad_call_token"
            assert (await thief.receive_output(timeout=5))["code"] == 4401


@pytest.mark.parametrize(
    "host", ["globex.localhost", "nobody.localhost", "evil.example", ""]
)
async def test_a_call_is_joined_at_its_own_portal_only(
    started: StartedWebCall, globex: House, host: str
) -> None:
    async with socket(started.call.pk, started.token, host=host) as browser:
        assert (await hear(browser))["code"] == "bad_call_token"


@pytest.mark.parametrize(
    "origin",
    ["", "null", "https://evil.example", "https://shop.example.evil.example"],
)
async def test_a_page_of_another_website_does_not_join(
    bakery: House, node: VoiceNode, origin: str
) -> None:
    def start() -> StartedWebCall:
        with organization_scope(bakery.organization):
            return start_web_call(
                organization=bakery.organization,
                assistant=bakery.assistant,
                actor=None,
                allowed_origins=["https://shop.example"],
            )

    started = await database_sync_to_async(start)()
    async with socket(started.call.pk, started.token, origin=origin) as thief:
        assert (await hear(thief))["code"] == "origin_not_allowed"
        assert (await thief.receive_output(timeout=5))["code"] == 4403
    # It used nothing up: the page that may join still can, and come back.
    shop = "https://shop.example"
    async with socket(started.call.pk, started.token, origin=shop) as browser:
        resume = (await hear(browser))["resume_token"]
    async with socket(started.call.pk, resume, origin=origin) as thief:
        assert (await hear(thief))["code"] == "origin_not_allowed"
    async with socket(started.call.pk, resume, origin=shop) as browser:
        assert (await hear(browser))["type"] == "welcome"


async def test_signalling_reaches_the_node_in_order(
    started: StartedWebCall, node: VoiceNode
) -> None:
    channel = await commands_to(node)
    async with socket(started.call.pk, started.token) as browser:
        await hear(browser)
        await browser.send_to(json.dumps({"type": "offer", "sdp": "v=0"}))
        await browser.send_to(json.dumps({"type": "candidate", "candidate": None}))
        await browser.send_to(json.dumps({"type": "hangup"}))
        layer = get_channel_layer()
        received = [await layer.receive(channel) for _ in range(3)]
    assert [message["command"] for message in received] == [
        "offer",
        "candidate",
        "hangup",
    ]
    assert received[0]["data"] == {"sdp": "v=0"}
    assert {message["call_id"] for message in received} == {str(started.call.pk)}


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[]",
        "null",
        '"offer"',
        "{}",
        '{"type": 7}',
        '{"type": "dance"}',
        '{"type": "offer"}',
        '{"type": "offer", "sdp": ""}',
        '{"type": "offer", "sdp": 5}',
        '{"type": "candidate", "candidate": "x"}',
        '{"type": "offer", "sdp": "' + "x" * 70_000 + '"}',
    ],
)
async def test_nonsense_is_answered_and_the_socket_stays(
    started: StartedWebCall, frame: str
) -> None:
    async with socket(started.call.pk, started.token) as browser:
        await hear(browser)
        await browser.send_to(frame)
        assert (await hear(browser))["code"] == "invalid_message"
        await browser.send_to(json.dumps({"type": "ping"}))
        assert (await hear(browser))["type"] == "pong"


async def test_bytes_are_refused_and_the_socket_stays(started: StartedWebCall) -> None:
    async with socket(started.call.pk, started.token) as browser:
        await hear(browser)
        await browser.send_to(bytes_data=b"\x00\xff")
        assert (await hear(browser))["code"] == "invalid_message"


async def test_a_flood_closes_the_socket_and_not_the_call(
    started: StartedWebCall, bakery: House
) -> None:
    async with socket(started.call.pk, started.token) as browser:
        await hear(browser)
        for _ in range(201):
            await browser.send_to('{"type": "ping"}')
        for _ in range(200):
            assert (await hear(browser))["type"] == "pong"
        assert (await hear(browser))["code"] == "too_many_messages"
        assert (await browser.receive_output(timeout=5))["code"] == 4429

    def status() -> str:
        with organization_scope(bakery.organization):
            started.call.refresh_from_db()
        return started.call.status

    assert await database_sync_to_async(status)() == "connecting"


async def test_a_dropped_socket_comes_back_to_the_same_call(
    started: StartedWebCall,
) -> None:
    async with socket(started.call.pk, started.token) as browser:
        resume = (await hear(browser))["resume_token"]
    async with socket(started.call.pk, resume) as browser:
        welcome = await hear(browser)
        assert welcome["type"] == "welcome"
        assert welcome["resume_token"] != resume


async def test_of_two_tabs_the_newer_holds_the_call(started: StartedWebCall) -> None:
    async with socket(started.call.pk, started.token) as older:
        resume = (await hear(older))["resume_token"]
        async with socket(started.call.pk, resume) as newer:
            assert (await hear(newer))["type"] == "welcome"
            assert (await hear(older))["code"] == "moved"
            assert (await older.receive_output(timeout=5))["code"] == 4409
            await bus.publish(started.call.pk, {"type": "caption", "text": "hello"})
            assert (await hear(newer))["text"] == "hello"


async def test_after_the_end_the_socket_closes(started: StartedWebCall) -> None:
    async with socket(started.call.pk, started.token) as browser:
        await hear(browser)
        await bus.publish(
            started.call.pk, {"type": "ended", "end_reason": "user_hangup"}
        )
        assert (await hear(browser))["type"] == "ended"
        assert (await browser.receive_output(timeout=5))["code"] == 1000


async def test_a_visitor_of_a_website_is_told_no_names_of_the_house(
    bakery: House, started: StartedWebCall
) -> None:
    """And nothing of who listens: they hear of it when somebody talks with them."""

    def come_by_a_widget() -> None:
        with organization_scope(bakery.organization):
            widget, _ = save_widget(
                assistant=bakery.assistant, actor=None, sites=["https://shop.example"]
            )
            Call.objects.filter(pk=started.call.pk).update(widget=widget)

    await database_sync_to_async(come_by_a_widget)()
    async with socket(started.call.pk, started.token) as browser:
        await hear(browser)
        news = {"type": "listener", "what": "listening", "who": "Dora"}
        await bus.publish(started.call.pk, news)
        await bus.publish(started.call.pk, {"type": "status", "status": "ringing"})
        assert (await hear(browser))["type"] == "status"


async def test_two_hundred_rapid_connects_leave_one_seat(
    started: StartedWebCall,
) -> None:
    token = started.token
    for _ in range(200):
        async with socket(started.call.pk, token) as browser:
            token = (await hear(browser))["resume_token"]
    async with socket(started.call.pk, token) as browser:
        assert (await hear(browser))["type"] == "welcome"
