"""From bytes to a SIP message: tolerant of what can be understood, clear about the rest.

`sipmessage` parses strictly. In front of it this reader unfolds headers, takes spaces
before the colon, compact forms in either case, leading line breaks, bare line feeds and
bytes that are no UTF-8. Text is held as Latin-1, so every byte that is echoed (a branch,
a tag, a name) goes back as it came; `text_of` decodes what a person reads.

What stays unreadable raises `Unreadable`, with the answer that is due to it: pure, and
no message whatever takes it more than a few milliseconds.
"""

from __future__ import annotations

import re
from typing import Final

from sipmessage import URI, CSeq, Headers, Request, Response
from sipmessage.message import COMPACT_FORMS

from calls.telephony.sip.headers import parse_uri, top_via, uri_text

MAX_HEAD_BYTES: Final = 16_384
MAX_BODY_BYTES: Final = 65_535
MAX_HEADERS: Final = 200
ONCE: Final = ("From", "To", "Call-ID", "CSeq")
ECHOED: Final = ("Via", *ONCE)
MAX_CSEQ: Final = 2**31

_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+\Z")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
_LINE = re.compile(r"\r?\n")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_SCHEMES = ("sip", "sips", "tel")

Message = Request | Response


class Unreadable(ValueError):
    """A message that cannot be used.

    `request` holds what is needed to answer with `code`; it is None when nothing can be
    answered: a response, an ACK, or a request that does not say where it came from.
    """

    def __init__(self, code: int, phrase: str, request: Request | None = None) -> None:
        super().__init__(phrase)
        self.code = code
        self.phrase = phrase
        self.request = request


def read(data: bytes, *, is_stream: bool = False) -> Message | None:
    """Return the message in a datagram, or None for a keep-alive; raise `Unreadable`.

    On a stream the framing has already cut the body to its Content-Length.
    """
    data = data.lstrip(b"\r\n\t \x00")
    if not data:
        return None
    end = _BLANK_LINE.search(data, 0, MAX_HEAD_BYTES)
    head, body = (data[: end.start()], data[end.end() :]) if end else (data, b"")
    lines = _LINE.split(_FOLD.sub(" ", head[:MAX_HEAD_BYTES].decode("latin-1")))
    headers = _headers(lines[1:])
    message, fault = _start_line(lines[0], headers)
    if message is None:
        raise Unreadable(400, "Malformed start line")
    answerable = _answerable(message)
    if end is None:
        raise Unreadable(*_no_end(data), answerable)
    if fault is not None:
        raise Unreadable(*fault, answerable)
    fault = _wrong(message) or _take_body(message, body, is_stream)
    if fault is not None:
        raise Unreadable(*fault, answerable)
    return message


def _no_end(data: bytes) -> tuple[int, str]:
    if len(data) > MAX_HEAD_BYTES:
        return 513, "Message Too Large"
    return 400, "Headers without an end"


def _headers(lines: list[str]) -> Headers:
    """Return what can be read; a line that is no header is left out."""
    headers = Headers()
    # Not `Headers.add`, which looks at every header for each.
    values: dict[str, tuple[str, list[str]]] = {}
    for line in lines[:MAX_HEADERS]:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not _TOKEN.match(name):
            continue
        name = COMPACT_FORMS.get(name.lower(), name)
        values.setdefault(name.lower(), (name, []))[1].append(value.strip(" \t"))
    headers._list = list(values.values())
    return headers


def _start_line(
    line: str, headers: Headers
) -> tuple[Message | None, tuple[int, str] | None]:
    """Return the message begun by its first line, and what is wrong with it."""
    bits = line.rstrip(" \t").split(" ", 2)
    if bits[0].upper() == "SIP/2.0" and len(bits) > 1:
        return _status_line(bits, headers), None
    if len(bits) < 2 or not _TOKEN.match(bits[0]):
        return None, None
    request = Request(bits[0], _NOWHERE)
    request.headers = headers
    return request, _request_line(request, bits)


def _status_line(bits: list[str], headers: Headers) -> Response | None:
    if not re.fullmatch("[1-6][0-9][0-9]", bits[1]):
        return None
    response = Response(int(bits[1]), bits[2] if len(bits) > 2 else "")
    response.headers = headers
    return response


def _request_line(request: Request, bits: list[str]) -> tuple[int, str] | None:
    """Take a request's URI; return what is wrong with the line."""
    version = bits[2] if len(bits) > 2 else ""
    if version.upper() != "SIP/2.0":
        if re.fullmatch(r"SIP/\d+\.\d+", version, re.IGNORECASE):
            return 505, "Version Not Supported"
        return 400, "Malformed request"
    scheme = _SCHEME.match(bits[1])
    if scheme and scheme[1].lower() not in _SCHEMES:
        return 416, "Unsupported URI Scheme"
    try:
        request.uri = parse_uri(bits[1])
    except ValueError:
        return 400, "Malformed Request-URI"
    return None


_NOWHERE: Final = URI(scheme="sip", host="invalid")


def _wrong(message: Message) -> tuple[int, str] | None:
    """Return what makes the headers unusable."""
    headers = message.headers
    for name in ONCE:
        if len(headers.getlist(name)) > 1:
            return 400, f"More than one {name}"
        if not headers.get(name):
            return 400, f"Missing {name}"
    malformed = _malformed(message)
    if malformed:
        return 400, f"Malformed {malformed}"
    return _wrong_cseq(message)


def _malformed(message: Message) -> str:
    """Return the name of a header that has to be understood and is not."""
    for name in ECHOED:
        if any(_CONTROL.search(value) for value in message.headers.getlist(name)):
            return name
    try:
        top_via(message)
    except ValueError:
        return "Via"
    return next((n for n in ("From", "To") if not uri_text(message.headers[n])), "")


def _wrong_cseq(message: Message) -> tuple[int, str] | None:
    try:
        cseq = CSeq.parse(message.headers["CSeq"])
    except ValueError:
        return 400, "Malformed CSeq"
    if cseq.sequence >= MAX_CSEQ:
        return 400, "CSeq out of range"
    if isinstance(message, Request) and cseq.method != message.method:
        return 400, "CSeq of another method"
    return None


def _take_body(
    message: Message, body: bytes, is_stream: bool
) -> tuple[int, str] | None:
    lengths = {value.strip() for value in message.headers.getlist("Content-Length")}
    if len(lengths) > 1:
        return 400, "More than one Content-Length"
    if lengths:
        (length,) = lengths
        if not (length.isascii() and length.isdigit()) or len(length) > 8:
            return 400, "Malformed Content-Length"
        if int(length) > len(body):
            return 400, "Body shorter than Content-Length"
        body = body[: int(length)]
    if len(body) > MAX_BODY_BYTES:
        return 513, "Message Too Large"
    message.body = body
    return None


def _answerable(message: Message) -> Request | None:
    """Return the request when an answer to it could find its way."""
    if not isinstance(message, Request) or message.method == "ACK":
        return None
    if any(not message.headers.get(name) for name in ECHOED):
        return None
    if any(
        _CONTROL.search(value)
        for name in ECHOED
        for value in message.headers.getlist(name)
    ):
        return None
    try:
        top_via(message)
    except ValueError:
        return None
    return message


def to_bytes(message: Message) -> bytes:
    """Return a message as it goes over the wire, its Content-Length set."""
    message.headers.set("Content-Length", str(len(message.body)))
    if isinstance(message, Request):
        first = f"{message.method} {message.uri} SIP/2.0\r\n"
    else:
        first = f"SIP/2.0 {message.code} {message.phrase}\r\n"
    return (first + str(message.headers)).encode("latin-1", "replace") + message.body
