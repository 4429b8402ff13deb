"""Offers and answers of one audio stream."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from calls.media.rtp_format import OPUS, PCMA, PCMU
from calls.telephony.sip import sdp
from calls.telephony.sip.negotiation import Negotiation
from calls.telephony.sip.sdp import BadDescription

CODECS = (PCMA, PCMU, OPUS)


def body(*lines: str) -> bytes:
    head = ("v=0", "o=- 1 1 IN IP4 192.0.2.5", "s=-", "c=IN IP4 192.0.2.5", "t=0 0")
    return "\r\n".join([*head, *lines, ""]).encode()


AUDIO = body(
    "m=audio 4000 RTP/AVP 111 0 8 13 101",
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:101 telephone-event/8000",
    "a=sendrecv",
)


def negotiation(**changes: Any) -> Negotiation:
    values: dict[str, Any] = {
        "host": "192.0.2.1",
        "port": 30_000,
        "codecs": CODECS,
        "encrypts": False,
    }
    return Negotiation(**values | changes)


def test_an_offer_is_read() -> None:
    offer = sdp.read(AUDIO)
    assert (offer.host, offer.port) == ("192.0.2.5", 4000)
    assert [(f.payload_type, f.codec.name) for f in offer.formats] == [
        (111, "opus"),
        (0, "PCMU"),
        (8, "PCMA"),
    ]
    assert (offer.dtmf_type, offer.noise_type) == (101, 13)


def test_the_first_codec_of_theirs_that_we_have_is_answered_as_they_numbered_it() -> (
    None
):
    talk = negotiation(codecs=(PCMA, PCMU))
    text = talk.answer(AUDIO, is_secure=False).decode()
    assert "m=audio 30000 RTP/AVP 0 13 101\r\n" in text
    assert "a=rtpmap:101 telephone-event/8000\r\n" in text
    route = talk.route()
    assert (route.codec, route.payload_type, route.dtmf_type) == (PCMU, 0, 101)
    assert (route.host, route.port) == ("192.0.2.5", 4000)


def test_opus_is_taken_where_it_is_offered() -> None:
    talk = negotiation()
    assert b"RTP/AVP 111 13 101" in talk.answer(AUDIO, is_secure=False)
    assert talk.route().codec == OPUS


def test_other_streams_are_refused_in_their_place() -> None:
    offer = body(
        "m=video 5000 RTP/AVP 96", "m=audio 4000 RTP/AVP 8", "m=text 6000 RTP/AVP 98"
    )
    lines = negotiation().answer(offer, is_secure=False).decode().split("\r\n")
    media = [line for line in lines if line.startswith("m=")]
    assert media == [
        "m=video 0 RTP/AVP 96",
        "m=audio 30000 RTP/AVP 8",
        "m=text 0 RTP/AVP 98",
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("sendrecv", "sendrecv"),
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ],
)
def test_a_direction_is_mirrored(theirs: str, ours: str) -> None:
    offer = body("m=audio 4000 RTP/AVP 8", f"a={theirs}")
    talk = negotiation()
    assert f"a={ours}" in talk.answer(offer, is_secure=False).decode()
    assert talk.is_held_by_them == (theirs in ("sendonly", "inactive"))


def test_the_hold_of_old_is_known() -> None:
    offer = body("m=audio 4000 RTP/AVP 8").replace(
        b"c=IN IP4 192.0.2.5", b"c=IN IP4 0.0.0.0"
    )
    talk = negotiation()
    talk.answer(offer, is_secure=False)
    assert talk.is_held_by_them


@pytest.mark.parametrize(
    "offer",
    [
        b"",
        b"v=0",
        body("m=video 4000 RTP/AVP 96"),
        body("m=audio 0 RTP/AVP 8"),
        body("m=audio 99999 RTP/AVP 8"),
        body("m=audio x RTP/AVP 8"),
        body("m=audio 4000 RTP/AVP 18"),
        body("m=audio 4000 UDP/TLS/RTP/SAVPF 8"),
        body("m=audio 4000 RTP/AVP 8").replace(b"192.0.2.5", b"sip.example.org"),
        body("m=audio 4000 RTP/AVP 8").replace(b"192.0.2.5", b"224.0.0.1"),
        body(*["m=audio 0 RTP/AVP 8"] * 30),
        b"v=0\r\n" + b"a" * 20_000,
    ],
)
def test_what_has_no_usable_audio_is_refused(offer: bytes) -> None:
    with pytest.raises(BadDescription):
        negotiation().answer(offer, is_secure=False)


KEY = base64.b64encode(bytes(range(30))).decode()
SECURE = body(
    "m=audio 4000 RTP/SAVP 8",
    "a=crypto:1 AEAD_AES_256_GCM inline:" + KEY,
    f"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4",
)


def test_encrypted_audio_is_taken_over_tls_with_a_key_of_our_own() -> None:
    talk = negotiation()
    text = talk.answer(SECURE, is_secure=True).decode()
    assert "RTP/SAVP 8" in text
    assert "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" in text
    assert KEY not in text
    route = talk.route()
    assert route.send_policy is not None
    assert route.receive_policy is not None
    assert talk.route().send_policy is route.send_policy  # the stream goes on


def test_keys_over_an_open_way_are_not_taken() -> None:
    with pytest.raises(BadDescription, match="only taken over TLS"):
        negotiation().answer(SECURE, is_secure=False)


def test_a_trunk_that_encrypts_takes_nothing_less() -> None:
    with pytest.raises(BadDescription, match="encrypted audio only"):
        negotiation(encrypts=True).answer(AUDIO, is_secure=True)
    talk = negotiation(encrypts=True)
    assert b"RTP/SAVP" in talk.offer()
    with pytest.raises(BadDescription, match="agreed encryption"):
        talk.take_answer(body("m=audio 4000 RTP/AVP 8"))


def test_our_offer_names_every_codec_and_theirs_decides() -> None:
    talk = negotiation()
    assert b"m=audio 30000 RTP/AVP 8 0 96 13 101\r\n" in talk.offer()
    talk.take_answer(body("m=audio 4000 RTP/AVP 0 101", "a=rtcp:4009"))
    route = talk.route()
    assert (route.codec, route.dtmf_type, route.rtcp_port) == (PCMU, None, 4009)
    assert b"a=sendonly" not in talk.offer()
    talk.direction = "sendonly"
    again = talk.offer()
    assert b"a=sendonly" in again
    assert b" 3 IN IP4" in again  # the third version


def test_an_answer_without_a_codec_of_ours_is_refused() -> None:
    talk = negotiation(codecs=(PCMA,))
    talk.offer()
    with pytest.raises(BadDescription):
        talk.take_answer(body("m=audio 4000 RTP/AVP 0"))


def test_ipv6_is_written_as_such() -> None:
    text = negotiation(host="2001:db8::1").offer().decode()
    assert "c=IN IP6 2001:db8::1" in text
