"""After a call nothing of it is left: no task, no socket, no object."""

from __future__ import annotations

import asyncio
import gc
import os
import weakref

import pytest

from calls.media.link import MediaNeverConnected
from calls.media.webrtc import WebRTCLink
from tests.calls.media.browser import Browser

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


def open_sockets() -> int:
    links = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:
            continue
    return sum(link.startswith("socket:") for link in links)


async def one_call() -> weakref.ref:
    link, browser = WebRTCLink(), Browser()
    await browser.connect(link)
    for _ in range(5):
        await anext(link.audio_input)
    assert link._path is not None
    seen = weakref.ref(link._path.pc)
    await link.aclose()
    await browser.aclose()
    return seen


async def test_calls_return_their_tasks_and_sockets():
    await one_call()
    gc.collect()
    tasks, sockets = len(asyncio.all_tasks()), open_sockets()
    for _ in range(5):
        await one_call()
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) == tasks
    assert open_sockets() <= sockets


async def test_an_ended_call_waits_for_no_garbage_collector():
    await one_call()
    gc.collect()
    gc.disable()
    try:
        seen = await one_call()
        await asyncio.sleep(0.1)
        assert seen() is None
    finally:
        gc.enable()


async def test_a_call_that_never_connects_leaves_nothing():
    async def attempt() -> None:
        link, browser = WebRTCLink(), Browser()
        await link.answer(await browser.offer())
        with pytest.raises(MediaNeverConnected):
            await link.wait_connected(0.1)
        await link.aclose()
        await browser.aclose()

    await attempt()
    tasks, sockets = len(asyncio.all_tasks()), open_sockets()
    await attempt()
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) == tasks
    assert open_sockets() <= sockets


async def test_closing_in_the_middle_of_an_answer_leaves_nothing():
    link, browser = WebRTCLink(), Browser()
    sockets = open_sockets()
    offer = await browser.offer()
    answering = asyncio.create_task(link.answer(offer))
    await asyncio.sleep(0)
    await link.aclose()
    await asyncio.gather(answering, return_exceptions=True)
    await browser.aclose()
    await asyncio.sleep(0.1)
    assert open_sockets() <= sockets


async def test_a_link_whose_page_left_needs_no_closing_to_free_its_sockets():
    await one_call()
    tasks, sockets = len(asyncio.all_tasks()), open_sockets()
    link, browser = WebRTCLink(rejoin_s=0.1), Browser()
    await browser.connect(link)
    await anext(link.audio_input)
    await browser.aclose()
    await asyncio.wait_for(link.wait_closed(), 3)
    await asyncio.sleep(0.1)
    assert open_sockets() <= sockets
    assert len(asyncio.all_tasks()) == tasks


async def test_the_link_itself_waits_for_no_garbage_collector():
    await one_call()
    gc.collect()
    gc.disable()
    try:
        link, browser = WebRTCLink(), Browser()
        await browser.connect(link)
        await anext(link.audio_input)
        await link.aclose()
        await browser.aclose()
        await asyncio.sleep(0.1)
        seen = weakref.ref(link)
        del link
        assert seen() is None
    finally:
        gc.enable()
