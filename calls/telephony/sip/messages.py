"""Building SIP requests and responses: what each must carry, in one place. Pure."""

from __future__ import annotations

import secrets
from typing import Final

from sipmessage import URI, CSeq, Request, Response

from calls.telephony.sip.headers import tag_of

USER_AGENT: Final = "voice-agent"  # a carrier need not know whose software it is
ALLOW: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY, REFER"
SUPPORTED: Final = ("timer", "100rel", "replaces", "norefersub")
UNDERSTOOD: Final = frozenset({"timer", "100rel", "replaces", "norefersub"})
COOKIE: Final = "z9hG4bK"

PHRASES: Final = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "Version Not Supported",
    513: "Message Too Large",
    603: "Decline",
}


def new_tag() -> str:
    return secrets.token_hex(8)


def new_branch() -> str:
    return COOKIE + secrets.token_hex(12)


def new_call_id() -> str:
    return secrets.token_hex(16)


def new_request(
    method: str,
    uri: URI,
    *,
    from_value: str,
    to_value: str,
    call_id: str,
    sequence: int,
    body: bytes = b"",
    content_type: str = "",
) -> Request:
    """Return a request without Via, which its transaction adds."""
    request = Request(method, uri, body)
    headers = request.headers
    headers.set("Max-Forwards", "70")
    headers.set("From", from_value)
    headers.set("To", to_value)
    headers.set("Call-ID", call_id)
    headers.set("CSeq", str(CSeq(sequence, method)))
    headers.set("User-Agent", USER_AGENT)
    if body:
        headers.set("Content-Type", content_type)
    return request


def response_to(
    request: Request,
    code: int,
    phrase: str = "",
    *,
    to_tag: str = "",
    source: tuple[str, int] | None = None,
) -> Response:
    """Return a response that finds its way back; `source` fills `received` and `rport`."""
    response = Response(code, phrase or PHRASES.get(code, "Failure"))
    headers = response.headers
    vias = list(request.headers.getlist("Via"))
    if source is not None:
        vias[0] = _with_source(vias[0], source)
    headers.setlist("Via", vias)
    headers.set("From", request.headers["From"])
    to_value = request.headers["To"]
    if to_tag and code > 100 and not tag_of(to_value):
        to_value = f"{to_value};tag={to_tag}"
    headers.set("To", to_value)
    headers.set("Call-ID", request.headers["Call-ID"])
    headers.set("CSeq", request.headers["CSeq"])
    for value in request.headers.getlist("Record-Route") if code < 300 else []:
        headers.add("Record-Route", value)
    headers.set("Server", USER_AGENT)
    return response


def _with_source(via: str, source: tuple[str, int]) -> str:
    """Say in the first Via where a request really came from: RFC 3581."""
    first, comma, rest = via.partition(",")
    pieces = [piece.strip() for piece in first.split(";")]
    kept = [pieces[0]]
    has_rport = False
    for piece in pieces[1:]:
        name = piece.partition("=")[0].strip().lower()
        if name == "rport":
            has_rport = True
        elif name != "received":
            kept.append(piece)
    kept.append(f"received={source[0]}")
    if has_rport:
        kept.append(f"rport={source[1]}")
    return ";".join(kept) + comma + rest


def bracketed(host: str) -> str:
    """Return an address as it stands in a URI."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
