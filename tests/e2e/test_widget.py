"""A site of somebody else carries the button; a visitor talks, and is told nothing of ours."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.e2e.conftest import Installation, OpenBrowser
from tests.e2e.test_join import ask

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.slow]


@contextmanager
def site(snippet: str) -> Iterator[str]:
    """Serve a page with the widget's line in it; give its address."""
    body = f'<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>{snippet}'

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def frame_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def put(installation: Installation, **values: Any) -> dict[str, Any]:
    assistant = installation.organization("Acme Voice")["assistant_id"]
    path = f"/assistants/{assistant}/widget"
    found: dict[str, Any] = ask(installation, "PUT", path, values)
    return found


def test_a_visitor_of_a_site_talks_to_the_assistant(
    installation: Installation, open_browser: OpenBrowser, caller_sound: Path
) -> None:
    widget = put(installation, title="Talk to us", sites=[])
    with site(widget["snippet"]) as address:
        put(installation, sites=[address])
        page = open_browser(caller_sound)
        page.goto(address)
        frame = frame_of(page)
        button = frame.get_by_role("button", name="Talk to us")
        expect(button).to_be_visible()
        closed = page.locator("iframe").bounding_box()
        button.click()
        expect(frame.locator(".call_panel")).to_be_visible()
        expect(page.locator("iframe")).to_have_css("width", "380px")
        assert closed is not None
        assert closed["width"] < 300
        frame.locator('[data-part="start"]').click()
        panel = frame.locator(".call_panel")
        expect(panel).to_have_attribute("data-state", "live")
        expect(
            frame.locator('.caption[data-speaker="assistant"]').first
        ).to_be_visible()
        # Closed, the call goes on.
        frame.get_by_role("button", name="Close").click()
        expect(frame.locator("body")).to_have_attribute("data-calling", "")
        frame.get_by_role("button", name="Talk to us").click()
        frame.get_by_role("button", name="Hang up").click()
        expect(panel).to_have_attribute("data-state", "ended")
        assert frame.get_by_role("link", name="See the call").count() == 0
        assert not page.context.cookies()
    calls = ask(installation, "GET", "/calls?direction=web")["calls"]
    whole = ask(installation, "GET", f"/calls/{calls[0]['id']}")
    assert whole["metadata"] == {"site": address}


def test_a_site_that_is_not_named_shows_nothing(
    installation: Installation, open_browser: OpenBrowser
) -> None:
    widget = put(installation, sites=["https://another.example"])
    with site(widget["snippet"]) as address:
        page = open_browser()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(address)
        page.wait_for_function("document.querySelector('iframe') !== null")
        page.wait_for_timeout(1_500)
        box = page.locator("iframe").bounding_box()
        assert box is None or box["width"] == 0
        assert any("frame-ancestors" in text for text in refused)
