"""Cuts a stream into SIP messages, by their Content-Length. Pure, and bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from calls.telephony.sip.reading import MAX_BODY_BYTES, MAX_HEAD_BYTES

_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(
    rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d{1,8})[ \t]*\r?$"
)


class BadStream(ValueError):
    """What came cannot be cut into messages; the connection is of no more use."""


class Framer:
    """Takes bytes as they arrive and gives whole messages; None for a ping."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Yield what is complete; raise `BadStream` for what never will be."""
        self._buffer += data
        while True:
            if self._buffer.startswith(b"\r\n\r\n"):
                del self._buffer[:4]
                yield None
                continue
            while self._buffer.startswith((b"\r", b"\n")):
                if bytes(self._buffer) in (b"\r", b"\r\n", b"\r\n\r"):
                    return  # perhaps the first half of a ping
                del self._buffer[0]
            end = _END.search(self._buffer)
            if end is None:
                if len(self._buffer) > MAX_HEAD_BYTES:
                    raise BadStream("headers without an end")
                return
            total = end.end() + self._body_bytes(end.end())
            if len(self._buffer) < total:
                return
            message = bytes(self._buffer[:total])
            del self._buffer[:total]
            yield message

    def _body_bytes(self, head_end: int) -> int:
        if head_end > MAX_HEAD_BYTES:
            raise BadStream("headers too long")
        length = _LENGTH.search(bytes(self._buffer[:head_end]))
        if length is None:
            raise BadStream("no Content-Length")
        if int(length[1]) > MAX_BODY_BYTES:
            raise BadStream("body too long")
        return int(length[1])
