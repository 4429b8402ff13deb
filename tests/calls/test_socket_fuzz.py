"""Whatever a socket is sent, it answers, stays, forwards nothing broken and leaves nothing."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any, Final

import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator

from calls import consumers
from calls.models import Call, VoiceNode
from calls.services.listening import start_listening
from calls.services.web import start_web_call
from config.asgi import application
from portal.scope import organization_scope
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]
FRAMES: Final = 400
SEED: Final = 20_261_126
KINDS: Final = ("offer", "candidate", "mute", "take_over", "no_such_kind", "", 5, None)


def frames(seed: int) -> Iterator[str | bytes]:
    """Give frames that are no message of anybody's: bytes, noise, half of a message."""
    rng = random.Random(seed)
    whole = json.dumps({"type": "offer", "sdp": "v=0"})
    for _ in range(FRAMES):
        match rng.randrange(8):
            case 0:
                yield rng.randbytes(rng.randrange(1, 2000))
            case 1:
                yield "".join(chr(rng.randrange(1, 0xD800)) for _ in range(50))
            case 2:
                yield whole[: rng.randrange(1, len(whole) - 1)]
            case 3:
                yield "[" * rng.randrange(1_000, 60_000)
            case 4:
                yield "x" * 64_001
            case 5:
                yield '{"type": "offer", "sdp": "\\ud800"}'
            case 6:
                yield json.dumps(
                    {"type": "offer", "sdp": rng.choice([5, None, "", []])}
                )
            case _:
                yield json.dumps(
                    {"type": "candidate", "candidate": rng.choice([5, "x", [], True])}
                )


@pytest.fixture(params=["call", "listen"])
def address(request: Any, bakery: House, node: VoiceNode) -> str:
    with organization_scope(bakery.organization):
        started = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )
        path = f"/ws/calls/{started.call.pk}/"
        if request.param == "call":
            return f"{path}?token={started.token}"
        Call.objects.filter(pk=started.call.pk).update(status=Call.Status.IN_PROGRESS)
        started.call.refresh_from_db()
        ticket = start_listening(call=started.call, actor=bakery.people["dora"])
    return f"{path}listen/?token={ticket}"


async def hear(browser: WebsocketCommunicator) -> dict[str, Any]:
    return json.loads(await browser.receive_from(timeout=10))


async def opened(address: str) -> WebsocketCommunicator:
    browser = WebsocketCommunicator(
        application, address, headers=[(b"host", b"acme.localhost")]
    )
    connected, _ = await browser.connect(timeout=10)
    assert connected
    return browser


async def test_random_frames_are_answered_one_by_one(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "_MAX_MESSAGES_PER_10_S", FRAMES + 10)
    browser = await opened(address)
    assert (await hear(browser))["type"] == "welcome"
    before = len(asyncio.all_tasks())
    refused = 0
    for frame in frames(SEED):
        if isinstance(frame, bytes):
            await browser.send_to(bytes_data=frame)
        else:
            await browser.send_to(frame)
        answer = await hear(browser)
        assert (answer["type"], answer["code"]) == ("error", "invalid_message"), frame
        refused += 1
    assert refused == FRAMES
    await browser.send_to('{"type": "ping"}')
    assert (await hear(browser))["type"] == "pong"
    assert len(asyncio.all_tasks()) == before
    await browser.disconnect()
    assert await browser.receive_nothing()
    layer: Any = get_channel_layer()
    call = address.split("/")[3]
    assert not [name for name in getattr(layer, "groups", {}) if call in name]


async def test_messages_in_the_wrong_order_end_nothing(address: str) -> None:
    browser = await opened(address)
    assert (await hear(browser))["type"] == "welcome"
    rng = random.Random(SEED)
    wrong = 0
    for _ in range(100):
        kind = rng.choice(KINDS)
        await browser.send_to(json.dumps({"type": kind, "candidate": None, "sdp": "x"}))
        wrong += kind in ("no_such_kind", "", 5, None)
    await browser.send_to('{"type": "ping"}')
    errors = 0
    while (answer := await hear(browser))["type"] != "pong":
        errors += answer["type"] == "error"
    assert errors >= wrong
    await browser.disconnect()


async def test_a_flood_closes_either_socket(address: str) -> None:
    browser = await opened(address)
    assert (await hear(browser))["type"] == "welcome"
    for _ in range(201):
        await browser.send_to("x")
    for _ in range(200):
        assert (await hear(browser))["code"] == "invalid_message"
    assert (await hear(browser))["code"] == "too_many_messages"
    assert (await browser.receive_output(timeout=5))["code"] == consumers.TOO_BUSY


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/calls/x/", "/ws/nothing/at/all"])
async def test_where_nothing_is_a_socket_is_turned_away(path: str) -> None:
    browser = WebsocketCommunicator(
        application, path, headers=[(b"host", b"acme.localhost")]
    )
    connected, _code = await browser.connect(timeout=5)
    assert not connected
