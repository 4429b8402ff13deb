"""What a person's first two pages weigh, and whether everybody can use them.

Sign-in and overview, in Chromium: axe finds nothing in either scheme, wide or narrow,
and all that is fetched for a first visit, scripts and fonts included, is below 200 kB.
"""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from tests.e2e.conftest import WIDE, Installation, OpenBrowser, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.servers]

LIMIT_BYTES = 200_000
NARROW: ViewportSize = {"width": 390, "height": 844}


def weighed(page: Page) -> list[int]:
    """Return a list that grows by what each answer took on the wire, headers included."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[int] = []

    def note(event: dict[str, Any]) -> None:
        sizes.append(round(event["encodedDataLength"]))

    devtools.on("Network.loadingFinished", note)
    return sizes


def complaints(page: Page) -> dict[str, str]:
    found = Axe().run(page)
    return {
        violation["id"]: violation["nodes"][0]["html"]
        for violation in found.response["violations"]
    }


@pytest.mark.parametrize(
    ("dark", "viewport"), [(False, WIDE), (True, NARROW)], ids=["light", "dark-narrow"]
)
def test_the_first_pages_are_light_and_for_everybody(
    installation: Installation,
    open_browser: OpenBrowser,
    dark: bool,
    viewport: ViewportSize,
) -> None:
    page = open_browser(dark=dark, viewport=viewport)
    alice = installation.login("alice@acme.example")
    sizes = weighed(page)

    page.goto(f"{alice['url']}/accounts/login/", wait_until="networkidle")
    assert 0 < sum(sizes) < LIMIT_BYTES
    assert complaints(page) == {}

    sign_in(page, alice)
    sizes.clear()
    page.goto(f"{alice['url']}/", wait_until="networkidle")
    assert 0 < sum(sizes) < LIMIT_BYTES
    assert complaints(page) == {}
