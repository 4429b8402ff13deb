"""The web server itself stops at a body's limit: a real Daphne, and its temporary files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal.body_limits import FORM_BYTES, LIST_BYTES, PLAIN_BYTES, most_bytes
from tests.plugins.servers import free_port

pytestmark = [pytest.mark.servers, pytest.mark.slow]
MB = 1_000_000
SENT: int = 200 * MB
# What lies in both sides' socket buffers when the answer comes.
UNDERWAY = 24 * MB


@dataclass
class Web:
    """The web process, and the folder its temporary files are in."""

    port: int
    pid: int
    folder: Path

    def kept_bytes(self) -> int:
        """Return how large its largest temporary file is, named or not."""
        largest = 0
        for one in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(OSError):
                if os.readlink(one).startswith(str(self.folder)):
                    largest = max(largest, one.stat().st_size)
        return largest


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("bodies")
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "-p", str(port), "config.asgi:application"],
        env=os.environ | {"TMPDIR": str(folder)},
    )
    try:
        _wait_for(port)
        yield Web(port, process.pid, folder)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)


def _wait_for(port: int) -> None:
    for _try in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    pytest.fail("Daphne did not start.")


@dataclass
class Told:
    """What came back, how much had been sent by then, and how much was kept."""

    status: int
    kind: str
    body: bytes
    sent: int
    kept: int


def push(web: Web, head: str, piece: bytes, most: int) -> Told:
    """Send a head, then a piece again and again, until there is an answer."""
    sent = kept = 0
    with closing(socket.create_connection(("127.0.0.1", web.port), 10)) as link:
        link.sendall(f"{head}\r\nHost: localhost\r\n\r\n".encode())
        link.settimeout(0.02)
        answer = b""
        while not answer and sent < most:
            with suppress(TimeoutError):
                sent += link.send(piece)
            kept = max(kept, web.kept_bytes())
            with suppress(TimeoutError):
                answer = link.recv(65_536)
    first, _blank, body = answer.partition(b"\r\n\r\n")
    status, *lines = first.decode().split("\r\n")
    said = dict(line.split(": ") for line in lines)
    assert (said["Connection"], said["Content-Length"]) == ("close", str(len(body)))
    return Told(int(status.split()[1]), said["Content-Type"], body, sent, kept)


CHUNK = f"{MB:x}\r\n".encode() + b"x" * MB + b"\r\n"
IN_CHUNKS = "POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked"


def test_a_body_without_a_length_is_refused_early_and_not_kept(web: Web) -> None:
    head = IN_CHUNKS.format(path="/api/v1/assistants?x=1")
    told = push(web, head, CHUNK, SENT)
    assert told.status == 413
    assert told.kind == "application/json"
    error = json.loads(told.body)["error"]
    assert (error["code"], error["type"]) == ("body_too_large", "invalid_request_error")
    assert told.sent < UNDERWAY < SENT
    assert told.kept <= PLAIN_BYTES
    assert web.kept_bytes() == 0


def test_a_length_that_is_too_large_is_refused_unread(web: Web) -> None:
    head = f"POST /api/v1/calls/outbound HTTP/1.1\r\nContent-Length: {SENT}"
    for more in ("", "\r\nExpect: 100-continue"):
        told = push(web, head + more, b"", 1)
        assert told.status == 413
        assert json.loads(told.body)["error"]["code"] == "body_too_large"
        assert told.kept == 0


def test_strangers_bring_no_files(web: Web) -> None:
    for path in ("/campaigns/1/upload/", "/api/v1/campaigns/1/imports"):
        told = push(web, IN_CHUNKS.format(path=path), CHUNK, SENT)
        assert told.status == 413
        assert told.sent < UNDERWAY
        assert told.kept <= PLAIN_BYTES


@pytest.mark.parametrize(
    ("path", "has_key", "has_session", "most"),
    [
        ("/api/v1/campaigns/1/imports", True, False, LIST_BYTES),
        ("/api/v1/campaigns/1/imports/preview", True, False, LIST_BYTES),
        ("/api/v1/campaigns/1/leads", True, True, PLAIN_BYTES),
        ("/v1/web-calls", True, True, PLAIN_BYTES),
        ("/campaigns/1/upload/", False, True, LIST_BYTES),
        ("/campaigns/new/", False, True, FORM_BYTES),
        ("/campaigns/new/", True, False, PLAIN_BYTES),
        ("/webhooks/stripe/", False, False, PLAIN_BYTES),
    ],
)
def test_an_address_has_a_limit(
    path: str, has_key: bool, has_session: bool, most: int
) -> None:
    found = most_bytes("POST", path, has_key=has_key, has_session=has_session)
    assert found == most
