"""Testing a trunk in a browser: what a person reads, mends, and reads then."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation, OpenBrowser, sign_in
from tests.plugins.servers import free_port
from tests.sip_peers import PASSWORD, kamailio

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.slow]


def test_the_page_says_what_to_mend_until_the_connection_works(
    installation: Installation, open_browser: OpenBrowser, tmp_path: Path
) -> None:
    owner = next(
        person["email"]
        for portal in installation.said["portals"]
        for person in portal["users"]
        if person["role"] == "owner"
    )
    person = installation.login(owner)
    page = open_browser()
    sign_in(page, person)
    closed = free_port()
    page.goto(f"{person['url']}/numbers/trunks/new/")
    page.get_by_label("Name", exact=True).fill("Our exchange")
    page.get_by_label("Address", exact=True).fill(f"127.0.0.1:{closed}")
    page.get_by_label("Transport").select_option("udp")
    page.get_by_label("User name").fill("alice")
    page.get_by_role("textbox", name="Password").fill("wrong")
    page.get_by_label("Register with the carrier").check()
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("Not tested since")).to_be_visible()

    check(page, "The connection does not work yet")
    expect(page.get_by_text(f"Nothing listens at 127.0.0.1:{closed}")).to_be_visible()
    expect(page.get_by_text("Check the port and the transport")).to_be_visible()

    with kamailio(tmp_path, closed + 1) as port:
        change(page, "Address", f"127.0.0.1:{port}")
        check(page, "The connection does not work yet")
        refused = page.get_by_text("The carrier refused the sign-in of alice: 401")
        expect(refused).to_be_visible()

        change(page, "Password", PASSWORD)
        check(page, "The connection works")
        expect(
            page.get_by_text("The carrier accepted the sign-in of alice.")
        ).to_be_visible()
        expect(page.locator("#ready").get_by_text("To do")).to_have_count(1)


def change(page: Page, label: str, value: str) -> None:
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("textbox", name=label).fill(value)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not tested since")).to_be_visible()


def check(page: Page, outcome: str) -> None:
    """Have it tested, and wait while the page follows by itself."""
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text(outcome, exact=True)).to_be_visible()
