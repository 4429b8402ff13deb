"""A form whose sender names no length arrives whole: over a socket, at the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Installation

pytestmark = [pytest.mark.servers, pytest.mark.slow]
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


def pieces(size: int) -> Iterator[bytes]:
    yield HEAD
    yield b"Phone;Name\n+31612345678;Ann\n"
    for _ in range(0, size, 100_000):
        yield b"+31612345678;Ann\n" * 6_000
    yield TAIL


def send(installation: Installation, method: str, path: str, body: Any = None) -> Any:
    """Send a request with no length; return the status and the answer."""
    base = urlsplit(installation.said["api_base_url"])
    key = installation.organization("Acme Voice")["api_key"]
    headers = {"Authorization": f"Bearer {key}"}
    if body is not None:
        headers |= {
            "Content-Type": "multipart/form-data; boundary=x",
            "Transfer-Encoding": "chunked",
        }
    with closing(HTTPConnection(str(base.hostname), base.port, timeout=60)) as link:
        link.request(method, f"{base.path}{path}", body, headers, encode_chunked=True)
        answer = link.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_form_sent_in_pieces_is_read_whole(installation: Installation) -> None:
    _status, listed = send(installation, "GET", "/campaigns")
    path = f"/campaigns/{listed['campaigns'][0]['id']}/imports/preview"
    for size in (0, 3_000_000):  # in memory, and in a file of the server's
        status, seen = send(installation, "POST", path, pieces(size))
        assert status == 200, seen
        assert [one["heading"] for one in seen["columns"]] == ["Phone", "Name"]
    picture = pieces(3_500_000)
    status, refused = send(installation, "POST", "/portal/pictures/icon", picture)
    assert (status, refused["error"]["code"]) == (413, "body_too_large")
