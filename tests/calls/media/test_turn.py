"""A real coturn gives our end a relayed address for the credentials we make, and for no others."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator

import pytest

from calls.media.rtc_configuration import rtc_configuration
from calls.media.webrtc import WebRTCLink
from config.spawn import spawn
from tests.calls.media.browser import Browser
from tests.plugins.servers import free_port, program, wait_until

pytestmark = [pytest.mark.asyncio, pytest.mark.servers, pytest.mark.slow]
SECRET = "a secret both sides know"


@pytest.fixture(scope="module")
def turn_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A coturn on loopback that takes the credentials of `turn_credentials`."""
    port, folder = free_port(), tmp_path_factory.mktemp("turn")
    log = folder / "log"
    command = [
        program("turnserver", "coturn"),
        "-n",
        "--use-auth-secret",
        "--fingerprint",
    ]
    command += [f"--static-auth-secret={SECRET}", "--realm=localhost", "--no-cli"]
    command += [
        "--listening-ip=127.0.0.1",
        "--relay-ip=127.0.0.1",
        f"--listening-port={port}",
    ]
    command += ["--no-tls", "--no-dtls", "--allow-loopback-peers", "--log-file=stdout"]
    command += [f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'db'}"]
    with log.open("wb") as output:
        server = spawn(command, death_signal=signal.SIGKILL, stdout=output, cwd=folder)
    wait_until(lambda: _listens(port), server, log, within_s=10)
    yield port
    server.terminate()
    server.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def relayed(turn_port: int, secret: str) -> bool:
    """Answer an offer with this TURN server and return whether a relayed address was had."""
    configuration = rtc_configuration(
        stun_urls=[],
        turn_urls=[f"turn:127.0.0.1:{turn_port}?transport=udp"],
        turn_secret=secret,
        user="01a205e8-c203-7cab-85f1-782f25865886",
        now_s=time.time(),
    )
    link, browser = WebRTCLink(configuration=configuration), Browser()
    try:
        await browser.pc.setLocalDescription(await browser.pc.createOffer())
        answer = await link.answer(browser.pc.localDescription.sdp)
        return " typ relay " in answer
    finally:
        await link.aclose()
        await browser.aclose()


async def test_our_credentials_get_a_relayed_address(turn_port: int) -> None:
    assert await relayed(turn_port, SECRET)


async def test_another_secret_gets_none_and_harms_no_call(turn_port: int) -> None:
    assert not await relayed(turn_port, "not the secret")
