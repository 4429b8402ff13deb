"""The style guide in a real browser: axe finds nothing, and nothing is too wide."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.async_api import async_playwright

from portal import styleguide
from tests.fakes.call_server import call_server
from tests.plugins.servers import program

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# The guide shows a landmark twice, once for each scheme; no page of the product does.
BY_DESIGN = {"landmark-unique"}


def guide_page(theme: str) -> str:
    request = RequestFactory().get("/")
    context = {"request": request, "brand": {"name": "Acme"}, "theme": theme}
    return render_to_string("ops/styleguide.html", styleguide.context() | context)


@pytest.mark.asyncio
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
async def test_every_component_is_accessible_and_fits(theme: str, width: int):
    async with (
        call_server({"/": guide_page(theme)}) as server,
        async_playwright() as play,
    ):
        browser = await play.chromium.launch(
            executable_path=program("chromium", "chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = await browser.new_page(viewport={"width": width, "height": 900})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if "Content Security Policy" in message.text
                else None
            ),
        )
        await page.goto(server.url)
        await page.wait_for_selector('.call_panel[data-started="ready"]')
        too_wide = "document.documentElement.scrollWidth > window.innerWidth"
        assert not await page.evaluate(too_wide)
        assert complaints == []
        found = await Axe().run(page)
        wrong = {
            violation["id"]: violation["nodes"][0]["html"]
            for violation in found.response["violations"]
            if violation["id"] not in BY_DESIGN
        }
        assert wrong == {}
        await browser.close()


@pytest.mark.asyncio
async def test_what_cannot_be_taken_back_is_asked_first():
    async with (
        call_server({"/": guide_page("light")}) as server,
        async_playwright() as play,
    ):
        browser = await play.chromium.launch(
            executable_path=program("chromium", "chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = await browser.new_page()
        await page.goto(server.url)
        await page.wait_for_selector('#confirm[data-started="ready"]', state="attached")
        button = page.locator("form[data-confirm] button").first
        await button.focus()
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Revoke the key Production?")
        assert await dialog.is_visible()
        cancel = dialog.get_by_role("button", name="Cancel")
        assert await cancel.evaluate("it => it === document.activeElement")
        # Escape sends nothing and gives the focus back.
        await page.keyboard.press("Escape")
        assert not await dialog.is_visible()
        assert await button.evaluate("it => it === document.activeElement")
        await page.keyboard.press("Enter")
        async with page.expect_navigation():
            await dialog.get_by_role("button", name="Revoke").click()
        assert page.url.endswith("?")
        await browser.close()
