"""A customer's own page, of another origin, joins a call with the token of the API."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation, OpenBrowser

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.slow]

PAGE = """<!doctype html><html lang="en"><title>A shop</title><p id="state">idle</p>
<p id="code"></p><div id="captions"></div>
<script type="module">
import { joinCall } from "%(base)s/static/js/call/join.js";
window.join = (ticket) => {
  const call = joinCall(ticket);
  window.call = call;
  call.addEventListener("state", ({ detail }) => {
    document.querySelector("#state").textContent = detail.state;
    document.querySelector("#code").textContent = detail.code ?? detail.reason ?? "";
  });
  call.addEventListener("caption", ({ detail }) => {
    const line = document.createElement("p");
    line.textContent = `${detail.speaker}: ${detail.text}`;
    document.querySelector("#captions").append(line);
  });
  call.addEventListener("stream", ({ detail }) => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(detail.stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    window.loudest = 0;
    setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      for (const one of samples) window.loudest = Math.max(window.loudest, Math.abs(one));
    }, 20);
  });
};
</script></html>"""


@pytest.fixture
def shop(installation: Installation) -> Iterator[str]:
    """The address of a page that is not ours."""
    base = f"http://localhost:{installation.demo.port}"
    body = (PAGE % {"base": base}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(installation: Installation, method: str, path: str, body: Any = None) -> Any:
    """Ask the API as the shop's own server does, with the key it keeps."""
    house = installation.organization("Acme Voice")
    request = urllib.request.Request(
        f"{installation.said['api_base_url']}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {house['api_key']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def ticket_of(installation: Installation) -> dict[str, Any]:
    assistant = installation.organization("Acme Voice")["assistant_id"]
    ticket: dict[str, Any] = ask(
        installation, "POST", "/web-calls", {"assistant_id": assistant}
    )
    return ticket


def join(page: Page, ticket: dict[str, Any]) -> None:
    page.wait_for_function("typeof window.join === 'function'")
    page.evaluate("(ticket) => window.join(ticket)", ticket)


def test_a_page_of_another_origin_talks_and_hangs_up(
    installation: Installation, open_browser: OpenBrowser, caller_sound: Path, shop: str
) -> None:
    page = open_browser(caller_sound)
    page.goto(shop)
    ticket = ticket_of(installation)
    join(page, ticket)
    state = page.locator("#state")
    expect(state).to_have_text("live")
    expect(page.locator("#captions")).to_contain_text("assistant:")
    page.wait_for_function("window.loudest > 0.05")
    # The caller was heard and answered: what was said before is written down.
    expect(page.locator("#captions")).to_contain_text("user:", timeout=30_000)
    page.evaluate("window.call.hangUp()")
    expect(state).to_have_text("ended")
    expect(page.locator("#code")).to_have_text("user_hangup")

    def over() -> bool:
        call = ask(installation, "GET", f"/calls/{ticket['call_id']}")
        return bool(call["status"] == "ended" and call["duration_ms"] > 0)

    for _ in range(100):
        if over():
            break
        page.wait_for_timeout(200)
    call = ask(installation, "GET", f"/calls/{ticket['call_id']}")
    assert (call["direction"], call["end_reason"]) == ("web", "user_hangup")
    assert call["messages"][0]["role"] == "assistant"

    # The token was good for that one seat.
    page.goto(shop)
    join(page, ticket)
    expect(state).to_have_text("failed")
    expect(page.locator("#code")).to_have_text("bad_call_token")


@pytest.mark.parametrize("kind", ["bad", "expired"])
def test_a_token_that_does_not_hold_says_so(
    installation: Installation,
    open_browser: OpenBrowser,
    caller_sound: Path,
    shop: str,
    kind: str,
) -> None:
    page = open_browser(caller_sound)
    page.goto(shop)
    ticket = ticket_of(installation)
    if kind == "bad":
        ticket["token"] = "not-the-token"
    else:
        page.wait_for_timeout(ticket["expires_in_seconds"] * 1000 + 1000)
    join(page, ticket)
    expect(page.locator("#state")).to_have_text("failed")
    expect(page.locator("#code")).to_have_text("bad_call_token")


def test_the_key_stays_out_of_browsers(
    installation: Installation, open_browser: OpenBrowser, shop: str
) -> None:
    page = open_browser()
    page.goto(shop)
    outcome = page.evaluate(
        """(address) => fetch(address, { method: "POST", body: "{}",
             headers: { Authorization: "Bearer x", "Content-Type": "application/json" } })
           .then(() => "read", () => "refused")""",
        f"{installation.said['api_base_url']}/web-calls",
    )
    assert outcome == "refused"
