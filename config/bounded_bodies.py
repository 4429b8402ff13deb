"""A body that is too large is refused while it comes, in the web server itself.

The server keeps a whole body, in a file once it is long, before anything of ours sees
the request. Here it counts as it reads, and answers 413 at the first byte too many, also
where the sender names no length. What was kept is thrown away at once; what still comes
is read past for a moment, since a sender whose connection breaks never reads the answer.
"""

from __future__ import annotations

import io
import json
import logging
from typing import Any, Final

from daphne import http_protocol
from django.conf import settings

from portal.api.errors import error_body
from portal.body_limits import is_of_api, most_bytes

logger = logging.getLogger(__name__)
_LINGER_S: Final = 2.0


class BoundedRequest(http_protocol.WebRequest):  # type: ignore[misc]  # untyped
    """A request of the web server whose body ends at the limit of its address."""

    content: Any
    _most = 0
    _count = 0
    _is_refused = False

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that says that it is too large; nothing of it is read."""
        # The request has no address of its own until the body is there.
        self._most = most_bytes(
            self.channel._command.decode("latin-1"),
            _path_of(self.channel._path),
            has_key=self.requestHeaders.hasHeader(b"authorization"),
            has_session=settings.SESSION_COOKIE_NAME.encode() in self.received_cookies,
        )
        is_too_large = length is not None and length > self._most
        super().gotLength(0 if is_too_large else length)
        if is_too_large:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a piece of the body, up to the limit."""
        if self._is_refused:
            return
        self._count += len(data)
        if self._count > self._most:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Begin to answer, or hang up where that is done."""
        if self._is_refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def _refuse(self) -> None:
        self._is_refused = True
        self.content.close()
        self.content = io.BytesIO()
        self.requestHeaders.removeHeader(b"expect")  # nothing more is expected
        path = _path_of(self.channel._path)
        logger.warning("Body too large", extra={"path": path, "limit": self._most})
        self.channel.transport.write(_refusal(path, self._most))
        self.channel.callLater(_LINGER_S, self.channel.loseConnection)


def bound_bodies() -> None:
    """Let the server make requests that are bounded, however it was started."""
    http_protocol.WebRequest = BoundedRequest


def _path_of(target: bytes) -> str:
    return target.partition(b"?")[0].decode("latin-1")


def _refusal(path: str, most: int) -> bytes:
    text = f"The body may have {most} bytes."
    kind, body = b"text/plain; charset=utf-8", text.encode()
    if is_of_api(path):
        refused: Any = error_body("body_too_large", text)
        kind, body = b"application/json", json.dumps(refused).encode()
    head = [
        b"HTTP/1.1 413 Content Too Large",
        b"Content-Type: " + kind,
        b"Content-Length: " + str(len(body)).encode(),
        b"Connection: close",
    ]
    return b"\r\n".join([*head, b"", body])
