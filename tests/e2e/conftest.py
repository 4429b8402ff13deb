"""The whole installation as `make demo` runs it, and a browser before it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.demo_process import Demo
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.threaded import served_in_a_thread
from tests.plugins.servers import program
from tests.sound import say

TREE = Path(__file__).resolve().parents[2]
WIDE: ViewportSize = {"width": 1280, "height": 900}


@dataclass
class Installation:
    """A running demo: what its `demo.json` says, its processes, its command line."""

    demo: Demo
    said: dict[str, Any]

    def login(self, email: str) -> dict[str, Any]:
        """Return the portal's address and the person, by mail address."""
        for portal in self.said["portals"]:
            for person in portal["users"]:
                if person["email"] == email:
                    return {"url": portal["url"], **person}
        raise LookupError(email)

    def organization(self, name: str) -> dict[str, Any]:
        return next(o for o in self.said["organizations"] if o["name"] == name)

    def manage(self, *words: str) -> subprocess.Popen[str]:
        """Start a management command with the demo's environment; its output is piped."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=TREE,
            env=self.demo.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def webcall(
        self, *words: str, organization: str = "Acme Voice"
    ) -> subprocess.Popen[str]:
        house = self.organization(organization)
        return self.manage(
            "webcall",
            "--json",
            "--base-url",
            self.said["api_base_url"],
            "--api-key",
            house["api_key"],
            "--assistant",
            house["assistant_id"],
            *words,
        )

    def kill(self, kind: str) -> None:
        os.kill(self.demo.kinds()[kind], signal.SIGKILL)


@pytest.fixture(scope="session")
def own_model() -> Iterator[OpenAIServer]:
    """A language model on a server of the operator's own."""
    with served_in_a_thread(OpenAIServer()) as server:
        yield server


@pytest.fixture(scope="session")
def installation(
    tmp_path_factory: pytest.TempPathFactory, own_model: OpenAIServer
) -> Iterator[Installation]:
    """One demo for every test of this folder."""
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.environment |= {
        "OPENAI_BASE_URL": own_model.base_url,
        "OPENAI_COMPATIBLE_MODEL": "house-model",
    }
    demo.start()
    said = json.loads((demo.var_dir / "demo.json").read_text())
    try:
        yield Installation(demo, said)
    finally:
        if demo.process is not None and demo.process.poll() is None:
            demo.end(signal.SIGTERM)
        demo.manage("demo_reset").wait(60)


OpenBrowser = Callable[..., Page]


@pytest.fixture
def open_browser() -> Iterator[OpenBrowser]:
    """Open pages whose microphone plays a sound file, or is denied."""
    # Speech takes its seconds, and so does a busy machine.
    expect.set_options(timeout=30_000)
    with sync_playwright() as play:
        browsers: list[Browser] = []

        def open_page(
            microphone: Path | None = None,
            *,
            dark: bool = False,
            viewport: ViewportSize = WIDE,
        ) -> Page:
            sound = (
                [
                    "--use-fake-device-for-media-stream",
                    "--use-fake-ui-for-media-stream",
                    f"--use-file-for-fake-audio-capture={microphone}%noloop",
                ]
                if microphone
                else ["--deny-permission-prompts"]
            )
            browser = play.chromium.launch(
                executable_path=program("chromium", "chromium"),
                args=[
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-background-networking",
                    "--autoplay-policy=no-user-gesture-required",
                    *sound,
                ],
            )
            browsers.append(browser)
            context = browser.new_context(
                color_scheme="dark" if dark else "light", viewport=viewport
            )
            page = context.new_page()
            page.set_default_timeout(20_000)
            return page

        yield open_page
        for browser in browsers:
            browser.close()


def sign_in(page: Page, person: dict[str, Any]) -> None:
    """Sign in as a person of the demo through the form."""
    page.goto(f"{person['url']}/accounts/login/")
    page.get_by_label("Email address").fill(person["email"])
    page.get_by_label("Password", exact=True).fill(person["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{person['url']}/")


@pytest.fixture(scope="session")
def caller_sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A caller who listens to the greeting, asks, interrupts the answer, and says goodbye."""
    path = tmp_path_factory.mktemp("sound") / "caller.wav"
    say(
        path,
        (7.0, "opening hours"),
        (12.5, "your address"),
        (22.0, "goodbye"),
        length_s=40.0,
    )
    return path
