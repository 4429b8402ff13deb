"""Saying what an assistant is for: dictated, proposed, looked at, kept in the draft."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Installation, OpenBrowser, sign_in
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.sound import say

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.slow]

INSTRUCTIONS = "You are the front desk of a bakery. Tell callers when it is open."
PROPOSED = {
    "instructions": INSTRUCTIONS,
    "first_message": "Bakery, good morning.",
    "tools": [],
    "facts": [],
}


def test_a_wish_is_spoken_into_the_microphone_and_becomes_a_draft(
    installation: Installation,
    open_browser: OpenBrowser,
    own_model: OpenAIServer,
    tmp_path: Path,
) -> None:
    sound = tmp_path / "wish.wav"
    say(sound, (0.5, "opening hours"), length_s=20.0)
    page = open_browser(sound)
    dora = installation.login("dora@harbour.example")
    sign_in(page, dora)
    page.goto(urljoin(page.url, "/assistants/"))
    page.locator("main table a").first.click()
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Describe what you need").click()

    page.get_by_role("button", name="Dictate").click()
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(4_000)  # the caller speaks
    stop.click()
    wish = page.get_by_label("Describe what you need")
    expect(wish).to_have_value("opening hours")

    own_model.replies = [Reply(json.dumps(PROPOSED))]
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_text("Bakery, good morning.")).to_be_visible()
    asked = json.dumps(own_model.requests[-1])
    assert "opening hours" in asked
    page.get_by_role("button", name="Keep in the draft").click()
    page.wait_for_url("**/compare/**")
    expect(page.get_by_text(INSTRUCTIONS)).to_be_visible()
