"""SIP as it really comes: read where it can be, answered where it cannot."""

from __future__ import annotations

import contextlib
import time

import pytest
from sipmessage import Request, Response

from calls.telephony.sip.headers import display_name, split_list, tag_of, uri_text
from calls.telephony.sip.messages import response_to
from calls.telephony.sip.reading import Unreadable, read, to_bytes

INVITE = (
    b"INVITE sip:+31201234567@192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKabc;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Ann" <sip:+31612345678@example.org>;tag=f1\r\n'
    b"To: <sip:+31201234567@192.0.2.1>\r\n"
    b"Call-ID: c1@example.org\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def changed(old: bytes, new: bytes) -> bytes:
    assert old in INVITE
    return INVITE.replace(old, new)


def test_a_plain_invite_is_read_and_written_again() -> None:
    request = read(INVITE)
    assert isinstance(request, Request)
    assert request.uri.user == "+31201234567"
    assert tag_of(request.headers["From"]) == "f1"
    assert to_bytes(request) == INVITE


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n" + INVITE,
        changed(b"From: ", b"f : "),
        changed(b"Via: ", b"v:"),
        changed(b"Call-ID:", b"I:\r\n "),
        changed(b"Call-ID: ", b"CALL-ID\t:  "),
        changed(b"Max-Forwards: 70", b"Max-Forwards:\r\n\t70"),
        changed(b"Max-Forwards: 70\r\n", b""),
        changed(b"Max-Forwards: 70", b"no header at all"),
        INVITE.replace(b"\r\n", b"\n"),
        changed(b"SIP/2.0\r\nVia", b"sip/2.0\r\nVia"),
        changed(b"SIP/2.0/UDP", b"SIP / 2.0 / UDP"),
        changed(b"Content-Length: 0", b"l: 0"),
        changed(b"sip:+31201234567@192.0.2.1 SIP", b"SIP:+31201234567@192.0.2.1 SIP"),
    ],
)
def test_what_can_be_understood_is_understood(data: bytes) -> None:
    request = read(data)
    assert isinstance(request, Request)
    assert request.headers["Call-ID"] == "c1@example.org"
    assert request.headers["CSeq"] == "1 INVITE"


def test_bytes_that_are_no_text_go_back_as_they_came() -> None:
    odd = b'"\xff\xfe\xe9" <sip:a@example.org>;tag=\xe2\x82\xac'
    request = read(changed(b'"Ann" <sip:+31612345678@example.org>;tag=f1', odd))
    assert isinstance(request, Request)
    assert b"From: " + odd + b"\r\n" in to_bytes(response_to(request, 200, to_tag="t"))


def test_a_name_in_utf_8_is_read_as_such() -> None:
    name = '"Zoë" <sip:a@b.example>'.encode().decode("latin-1")
    assert display_name(name) == "Zoë"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (changed(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"), 400),
        (changed(b"CSeq: 1 INVITE", b"CSeq: one INVITE"), 400),
        (changed(b"CSeq: 1 INVITE", b"CSeq: 36893488147419103232 INVITE"), 400),
        (changed(b"Content-Length: 0", b"Content-Length: 150"), 400),
        (changed(b"Content-Length: 0", b"Content-Length: -999"), 400),
        (changed(b"Content-Length: 0", b"Content-Length: 0\r\nl: 5"), 400),
        (changed(b" SIP/2.0\r\nVia", b" SIP/7.0\r\nVia"), 505),
        (changed(b" SIP/2.0\r\nVia", b" SIP/2.0 x\r\nVia"), 400),
        (changed(b"sip:+31201234567@192.0.2.1 SIP", b"nobodyKnows:x SIP"), 416),
        (changed(b"sip:+31201234567@192.0.2.1 SIP", b"<sip:a@b> SIP"), 400),
        (changed(b"<sip:+31201234567@192.0.2.1>\r", b"sip:a b@c\r"), 400),
        (changed(b"To: ", b"From: <sip:x@y.example>;tag=2\r\nTo: "), 400),
        (INVITE[:-2], 400),
        (INVITE[:-2] + b"X: " + b"y" * 20_000 + b"\r\n\r\n", 513),
    ],
)
def test_what_cannot_be_used_gets_its_answer(data: bytes, code: int) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(data)
    assert refusal.value.code == code
    assert refusal.value.request is not None
    answer = to_bytes(response_to(refusal.value.request, code, refusal.value.phrase))
    assert answer.startswith(b"SIP/2.0 %d " % code)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        INVITE.replace(b"Via: SIP/2.0/UDP 198.51.100.7", b"Via: nonsense"),
        INVITE.replace(b"Via", b"Other"),
        INVITE.replace(b"INVITE", b"ACK").replace(b"CSeq: 1 ACK", b"CSeq: 1 BYE"),
        changed(b"Call-ID: c1", b"Call-ID: c\x07"),
        b"SIP/2.0 42 What\r\n\r\n",
        b"SIP/2.0 999 What\r\n\r\n",
    ],
)
def test_what_cannot_be_answered_is_dropped(data: bytes) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(data)
    assert refusal.value.request is None


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\x00", b"\r\n"])
def test_a_keep_alive_is_no_message(data: bytes) -> None:
    assert read(data) is None


def test_a_response_is_read() -> None:
    response = read(
        b"SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\n"
        b"From: <sip:a@b.example>;tag=1\r\nTo: <sip:a@b.example>;tag=2\r\n"
        b"Call-ID: x\r\nCSeq: 2 REGISTER\r\n"
        b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth,auth-int"\r\n\r\n'
    )
    assert isinstance(response, Response)
    assert response.code == 401


def test_lists_are_split_outside_quotes_and_brackets() -> None:
    value = '"a, b" <sip:a,b@c.example;x=1>;q=1, <sip:d@e.example>, sip:f@g.example'
    assert split_list(value) == [
        '"a, b" <sip:a,b@c.example;x=1>;q=1',
        "<sip:d@e.example>",
        "sip:f@g.example",
    ]
    assert uri_text(split_list(value)[0]) == "sip:a,b@c.example;x=1"
    assert uri_text("sip:f@g.example;tag=1") == "sip:f@g.example"


@pytest.mark.parametrize(
    "value",
    [
        b'"' * 7_000 + b"<sip:a@b>",
        b'<sip:a@b.example>;a="";' + b'a="";' * 1_500 + b"\x01",
        b"<sip:" + b"a;" * 500 + b"@b>;tag=1",
        b"<" * 7_000,
        b",<" * 3_500,
    ],
)
def test_no_header_takes_long(value: bytes) -> None:
    data = changed(b'"Ann" <sip:+31612345678@example.org>;tag=f1', value)
    started_s = time.process_time()
    with contextlib.suppress(Unreadable):
        read(data)
    assert time.process_time() - started_s < 0.5
