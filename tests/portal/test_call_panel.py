"""The call screen in a real browser: states, keyboard, captions, what goes wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from django.template import engines
from django.test import RequestFactory
from playwright.async_api import Page, async_playwright, expect

from tests.fakes.call_server import CallServer, call_server
from tests.plugins.servers import program

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = """
{% extends "base.html" %}{% block title %}Call{% endblock %}
{% block content %}
{% include "components/call_panel.html" with start_url=url assistant_name=name only %}
{% endblock %}
"""
LOUDEST_BAR = """() => new Promise((resolve) => {
  const meter = document.querySelector('[data-part="level-user"]');
  new MutationObserver((_changes, observer) => {
    const lit = meter.querySelectorAll("i[data-on]").length;
    if (lit < 12) return;
    observer.disconnect();
    resolve(lit);
  }).observe(meter, { subtree: true, attributes: true });
})"""
FAKE_MICROPHONE = "--use-fake-device-for-media-stream"
ALLOWED = "--use-fake-ui-for-media-stream"
DENIED = "--deny-permission-prompts"


def panel_page() -> str:
    request = RequestFactory().get("/")
    template = engines["django"].from_string(PAGE)
    return template.render(
        {"brand": {"name": "Acme"}, "url": "/start/", "name": "Front desk"}, request
    )


@asynccontextmanager
async def panel(*flags: str) -> AsyncIterator[tuple[CallServer, Page]]:
    """The panel's page, open in a browser started with these flags."""
    async with call_server({"/": panel_page()}) as server, async_playwright() as play:
        browser = await play.chromium.launch(
            executable_path=program("chromium", "chromium"),
            args=["--no-sandbox", "--disable-gpu", *flags],
        )
        context = await browser.new_context()
        page = await context.new_page()
        await open_panel(page, server)
        yield server, page
        await browser.close()


async def open_panel(page: Page, server: CallServer) -> None:
    await page.goto(server.url)
    # Before its module has started the panel, a click is lost.
    await page.wait_for_selector('.call_panel[data-started="ready"]')


async def start(page: Page) -> None:
    await page.get_by_role("button", name="Talk to it").press("Enter")


async def in_state(page: Page, state: str) -> None:
    await page.wait_for_selector(f'.call_panel[data-state="{state}"]', timeout=15_000)


async def part(page: Page, name: str) -> str:
    return await page.inner_text(f'[data-part="{name}"]')


@pytest.mark.asyncio
async def test_a_call_is_made_muted_and_ended_with_the_keyboard_alone():
    async with panel(FAKE_MICROPHONE, ALLOWED) as (server, page):
        await start(page)
        await in_state(page, "live")
        announcer = page.locator('[data-part="announcer"]')
        await expect(announcer).to_have_text("You are talking to Front desk")
        await page.keyboard.press("m")
        await expect(announcer).to_have_text("Microphone muted")
        await page.keyboard.press("m")
        await expect(announcer).to_have_text("Microphone on")
        await page.keyboard.press("Escape")
        await in_state(page, "ended")
        await expect(announcer).to_have_text(re.compile("^Call ended"))
        assert await page.evaluate("document.activeElement.dataset.part") == "start"
        link = page.get_by_role("link", name="See the call")
        assert await link.get_attribute("href") == "/calls/call/"
        # The browser closed the socket after its last word, so that has arrived.
        await server.closed()
    assert [message["muted"] for message in server.said("mute")] == [True, False]
    assert len(server.said("hangup")) == 1
    assert all(server.csrf_tokens)


@pytest.mark.asyncio
async def test_captions_grow_in_place_and_are_read_out_when_final():
    async with panel(FAKE_MICROPHONE, ALLOWED) as (_server, page):
        await start(page)
        log = page.get_by_role("log")
        await expect(log.locator(".caption[data-final]")).to_have_count(2)
        assert await log.locator(".caption__text").all_inner_texts() == [
            "Good morning.",
            "Hello.",
        ]
        assert await log.locator(".caption[aria-hidden]").count() == 0


@pytest.mark.asyncio
async def test_the_microphone_moves_its_meter():
    async with panel(FAKE_MICROPHONE, ALLOWED) as (_server, page):
        await start(page)
        await in_state(page, "live")
        # A fake microphone beeps for a moment twice a second: watch, do not poll.
        loudest = await page.evaluate(LOUDEST_BAR)
        assert loudest == 12


@pytest.mark.asyncio
async def test_a_lost_socket_comes_back_with_the_resume_token_and_the_call_goes_on():
    async with panel(FAKE_MICROPHONE, ALLOWED) as (server, page):
        await start(page)
        await in_state(page, "live")
        await page.keyboard.press("m")
        await server.drop()
        status = page.locator('[data-part="status"]')
        await expect(status).to_have_text("Connected again")
        await in_state(page, "live")
        assert server.tokens == ["first", "resume-1"]
        assert len(server.said("offer")) == 1
        # The server hears again what it may have missed.
        assert [message["muted"] for message in server.said("mute")] == [True, True]


@pytest.mark.asyncio
async def test_a_second_tab_is_refused_and_the_first_call_goes_on():
    async with panel(FAKE_MICROPHONE, ALLOWED) as (server, page):
        await start(page)
        await in_state(page, "live")
        other = await page.context.new_page()
        await open_panel(other, server)
        await start(other)
        await in_state(other, "failed")
        assert "another tab" in await part(other, "error-text")
        assert await page.get_attribute(".call_panel", "data-state") == "live"
        assert len(server.csrf_tokens) == 1


@pytest.mark.asyncio
async def test_a_call_after_a_call_starts_afresh():
    async with panel(FAKE_MICROPHONE, ALLOWED) as (_server, page):
        for _ in range(2):
            await start(page)
            await in_state(page, "live")
            await page.get_by_role("button", name="Hang up").click()
            await in_state(page, "ended")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("flags", "words"),
    [((FAKE_MICROPHONE, DENIED), "does not let"), ((ALLOWED,), "No microphone")],
    ids=["denied", "missing"],
)
async def test_no_microphone_is_said_and_starts_no_call(flags, words):
    async with panel(*flags) as (server, page):
        await start(page)
        await in_state(page, "failed")
        assert words in await part(page, "error-text")
        assert server.csrf_tokens == []


@pytest.mark.asyncio
async def test_a_refusal_of_the_server_is_shown_in_its_own_words():
    async with panel(FAKE_MICROPHONE, ALLOWED) as (server, page):
        server.refusal = {
            "code": "insufficient_credits",
            "message": "The wallet is empty.",
        }
        await start(page)
        await in_state(page, "failed")
        assert await part(page, "error-text") == "The wallet is empty."


@pytest.mark.asyncio
async def test_hanging_up_while_connecting_ends_the_call():
    async with panel(FAKE_MICROPHONE, ALLOWED) as (server, page):
        server.answers_offers = False
        await start(page)
        await in_state(page, "connecting")
        await page.keyboard.press("Escape")
        await in_state(page, "ended")
        # The microphone is let go of, so the browser's light goes out.
        await start(page)
        await in_state(page, "connecting")
