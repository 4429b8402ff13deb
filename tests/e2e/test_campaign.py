"""A campaign from the form to its last call: real worker, voice process and audio."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation, sign_in

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.browser]

# The simulator's table: talks, busy, rings out, voicemail, hangs up early, rejects,
# network failure, silent is left out (it stays for minutes), talks.
PEOPLE = {
    "+31205550001": "Reached",
    "+31205550002": "Busy",
    "+31205550003": "No answer",
    "+31205550004": "Voicemail",
    "+31205550005": "Reached",
    "+31205550006": "Rejected",
    "+31205550007": "Failed",
    "+31205550042": "Reached",
}
# The loudest moment of two seconds of what the page plays; silence is 0.
LOUDNESS = """
async (audio) => {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(audio.srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  for (let n = 0; n < 80; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
  }
  await context.close();
  return loudest;
}
"""


def listen_in(page: Page, number: str) -> None:
    """Hear a call of the campaign from its page, then leave it to go on."""
    card = page.locator("[data-module=listen]")
    page.get_by_role("button", name=f"Listen {number}").click()
    expect(card).to_contain_text("You hear the call.")
    expect(card).to_contain_text(number)
    # The greeting and two answers take longer than a few looks.
    heard = [card.locator("audio").evaluate(LOUDNESS) for _ in range(3)]
    assert max(heard) > 0.05, heard
    card.get_by_role("button", name="Stop listening").click()
    expect(card).to_contain_text("You left the call.")


def test_everybody_is_called_and_the_page_follows(
    installation: Installation, open_browser: Callable[..., Page]
) -> None:
    page = open_browser()
    sign_in(page, installation.login("dora@harbour.example"))
    page.get_by_role("link", name="Campaigns").first.click()
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name", exact=True).fill("Real calls")
    page.get_by_label("Calls at once").fill("4")
    page.get_by_label("Attempts for each person").fill("1")
    page.get_by_label("People to call").fill(
        "phone,name\n"
        + "\n".join(f"{number},Lead" for number in PEOPLE)
        + "\n12,Broken"
    )
    expect(page.locator("#leads-check")).to_contain_text("8 people to call")
    expect(page.locator("#leads-check")).to_contain_text("1 row cannot be called")
    page.get_by_label("Leave out the rows that cannot be called").check()
    page.get_by_role("button", name="Save as a draft").click()
    page.wait_for_url(re.compile(r"/campaigns/[0-9a-f-]{36}/"))
    campaign = re.search(r"/campaigns/[0-9a-f-]{36}/", page.url)
    assert campaign is not None
    page.goto(urljoin(page.url, campaign.group()))
    page.get_by_role("button", name="Launch campaign").click()

    live = page.locator("#live")
    expect(live.get_by_role("table", name="Calls going on")).to_be_visible()
    listen_in(page, "+31205550001")
    expect(live).to_contain_text("8 of 8 people", timeout=150_000)
    expect(live).not_to_have_attribute("hx-trigger", re.compile(".*"))
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    for number, outcome in PEOPLE.items():
        row = live.get_by_role("row", name=re.compile(re.escape(number)))
        expect(row).to_contain_text(outcome)

    talked = live.get_by_role("row", name=re.compile(re.escape("+31205550001")))
    talked.get_by_role("link", name="Open the call").click()
    transcript = page.locator("#progress")
    expect(transcript).to_contain_text(re.compile(r"\byes\b", re.IGNORECASE))
    expect(transcript).to_contain_text("Goodbye")
