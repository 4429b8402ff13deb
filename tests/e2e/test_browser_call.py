"""The main job, as a new user does it: sign in, make an assistant, talk to it, read the call."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from urllib.parse import urljoin

import av
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from common.money import parse_credits
from tests.e2e.conftest import Installation, OpenBrowser, sign_in
from tests.sound import speech_share

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.slow]

INSTRUCTIONS = """\
You are the front desk of a bakery.

When the caller says "opening hours", say "We are open from eight in the morning until six in \
the evening on weekdays, and from nine until four on Saturdays, and we are closed on Sundays."
When the caller says "address", say "You find us at number twelve, Market Street."
When the caller says "goodbye", say "Goodbye."
Otherwise say "Please ask for our opening hours or our address."
"""


# The browser finds *.localhost by itself; other programs on this machine may not.
FETCH = """async (address) => {
  const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
STATUS = "async (address) => (await fetch(address)).status"


def stat(page: Page, label: str) -> int:
    """Read the credits of a tile, in microcredits: a balance has two decimals there."""
    tile = page.locator(".stat").filter(has_text=label).first
    value = tile.locator(".stat__value").evaluate("e => e.firstChild.textContent")
    return parse_credits(value)


def credits_of(page: Page) -> int:
    page.goto(urljoin(page.url, "/billing/"))
    return stat(page, "Available")


def make_assistant(page: Page) -> None:
    page.get_by_role("link", name="New assistant").first.click()
    page.get_by_label("Name", exact=True).fill("Bakery desk")
    page.locator("#id_first_message").fill("Hello, this is the bakery. How can I help?")
    page.get_by_label("Instructions").fill(INSTRUCTIONS)
    page.get_by_role("button", name="Create assistant").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bakery desk")


def test_a_new_user_talks_to_a_new_assistant(
    installation: Installation, open_browser: OpenBrowser, caller_sound: Path
) -> None:
    page = open_browser(caller_sound)
    sign_in(page, installation.login("dora@harbour.example"))
    before = credits_of(page)
    page.goto(urljoin(page.url, "/"))
    make_assistant(page)

    panel = page.locator(".call_panel")
    page.get_by_role("button", name="Talk to it").click()
    expect(panel).to_have_attribute("data-state", "live")
    captions = page.get_by_role("log", name="Captions")
    expect(captions).to_contain_text("Hello, this is the bakery")
    expect(captions).to_contain_text("opening hours")
    expect(captions).to_contain_text("We are open from eight")
    # The caller speaks over the long answer, which stops.
    expect(captions).to_contain_text("Market Street", timeout=30_000)

    page.keyboard.press("m")
    expect(page.locator('[data-part="announcer"]')).to_have_text("Microphone muted")
    page.keyboard.press("m")
    page.keyboard.press("Escape")
    expect(panel).to_have_attribute("data-state", "ended")
    page.get_by_role("link", name="See the call").click()

    check_call_page(page)
    cost = stat(page, "Cost")
    assert cost > 0
    # Both balances are rounded half up to a hundredth of a credit.
    assert before - credits_of(page) == pytest.approx(cost, rel=0, abs=10_000)


def check_call_page(page: Page) -> None:
    """The page says who said what and when, how it sounded, and why it ended."""
    transcript = page.locator(".transcript")
    expect(transcript).to_contain_text("Hello, this is the bakery")
    expect(transcript).to_contain_text("opening hours")
    expect(page.locator("body")).to_contain_text("Caller hung up")
    interrupted = page.locator(".transcript__turn").filter(has_text="Interrupted").first
    expect(interrupted).to_be_visible()
    # What was not heard is not there.
    expect(interrupted).not_to_contain_text("closed on Sundays")
    expect(page.get_by_role("link", name="Download recording")).to_be_visible()
    sound = base64.b64decode(page.evaluate(FETCH, page.url + "recording/"))
    caller, assistant = tracks(sound)
    assert speech_share(caller, 16_000) > 0.05
    assert speech_share(assistant, 16_000) > 0.1


def tracks(sound: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the caller's and the assistant's track at 16 kHz."""
    with av.open(io.BytesIO(sound)) as file:
        resampler = av.AudioResampler("s16", "stereo", 16_000)
        pieces = [
            out.to_ndarray().reshape(-1, 2)
            for frame in file.decode(audio=0)
            for out in resampler.resample(frame)
        ]
    both = np.concatenate(pieces)
    return both[:, 0], both[:, 1]


def test_a_denied_microphone_is_explained_and_costs_nothing(
    installation: Installation, open_browser: OpenBrowser
) -> None:
    page = open_browser()
    sign_in(page, installation.login("lena@linden.example"))
    before = credits_of(page)
    page.goto(urljoin(page.url, "/assistants/"))
    page.get_by_role("link", name="Front desk").click()
    page.get_by_role("button", name="Talk to it").click()
    expect(page.get_by_role("alert")).to_contain_text("microphone")
    assert credits_of(page) == before


def test_each_portal_wears_its_own_brand(
    installation: Installation, open_browser: OpenBrowser
) -> None:
    page = open_browser()
    seen = []
    for portal in installation.said["portals"]:
        page.goto(f"{portal['url']}/accounts/login/")
        style = page.evaluate(
            "getComputedStyle(document.documentElement).getPropertyValue('--brand-accent')"
        )
        seen.append(
            (
                page.title(),
                style.strip(),
                page.locator(".brand_mark").first.inner_text(),
            )
        )
    assert seen[0][1] != seen[1][1]
    assert "Acme Voice" in seen[0][2]
    assert "Globex Calls" in seen[1][2]
    assert "Acme" not in seen[1][0]
    unknown = page.goto(f"http://nobody.localhost:{installation.demo.port}/")
    assert unknown is not None
    assert unknown.status == 404
    body = page.inner_text("body")
    assert not re.search("acme|globex|portavoce", body, re.IGNORECASE)


def test_a_viewer_may_look_and_not_touch(
    installation: Installation, open_browser: OpenBrowser
) -> None:
    page = open_browser()
    sign_in(page, installation.login("bob@harbour.example"))
    page.goto(urljoin(page.url, "/assistants/"))
    expect(page.get_by_role("link", name="New assistant")).to_have_count(0)
    page.get_by_role("link", name="Front desk").first.click()
    expect(page.get_by_role("button", name="Talk to it")).to_have_count(0)
    assert page.evaluate(STATUS, urljoin(page.url, "/assistants/new/")) == 403
    assert page.evaluate(STATUS, urljoin(page.url, "/clients/")) == 403
