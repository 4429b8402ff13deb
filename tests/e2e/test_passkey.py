"""A passkey from the first to the last: added, signed in with, removed, in Chromium.

The authenticator is Chromium's own virtual one: real WebAuthn, with a key that the
browser keeps for the portal's host alone.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation, OpenBrowser, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.servers]


def plug_in(page: Page) -> None:
    """Give the page's browser an authenticator that says yes."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def sign_out(page: Page, url: str) -> None:
    """Leave, and stand before the sign-in page again."""
    page.goto(f"{url}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{url}/accounts/login/**")


def test_a_passkey_signs_in_where_it_was_made_and_nowhere_once_removed(
    installation: Installation, open_browser: OpenBrowser
) -> None:
    page = open_browser()
    nina = installation.login("nina@northwind.example")
    sign_in(page, nina)
    plug_in(page)

    page.goto(f"{nina['url']}/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    # Another way into the account: it asks first who that is.
    page.get_by_label("Password", exact=True).fill(nina["password"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_label("Sign in with it alone").check()
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Recovery")

    sign_out(page, nina["url"])
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{nina['url']}/")

    # After the password it is the second step.
    sign_out(page, nina["url"])
    page.get_by_label("Email address").fill(nina["email"])
    page.get_by_label("Password", exact=True).fill(nina["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Use the passkey").click()
    page.wait_for_url(f"{nina['url']}/")

    page.goto(f"{nina['url']}/accounts/2fa/webauthn/")
    expect(page.get_by_text("My laptop")).to_be_visible()
    page.get_by_role("link", name="Remove").click()
    page.get_by_label("Password", exact=True).fill(nina["password"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Remove").click()
    page.goto(f"{nina['url']}/accounts/2fa/")
    expect(page.get_by_role("link", name="Add a passkey")).to_be_visible()

    # The browser still has the key; the portal knows it no more.
    sign_out(page, nina["url"])
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_load_state("networkidle")
    assert page.url.startswith(f"{nina['url']}/accounts/login/")
