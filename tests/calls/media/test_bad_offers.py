"""What no call can be answered from is refused with a sentence, and harms nothing."""

from __future__ import annotations

import re

import pytest

from calls.media.offer import (
    BadCandidate,
    BadOffer,
    check_offer,
    is_end_of_candidates,
    parse_candidate,
)
from calls.media.webrtc import WebRTCLink
from tests.calls.media.browser import Browser

GOOD = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789abcdefghijkl",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:0 PCMU/8000",
        "",
    ]
)


def without(pattern: str, by: str = "") -> str:
    changed, count = re.subn(pattern, by, GOOD)
    assert count
    return changed


def test_a_plain_offer_passes():
    assert check_offer(GOOD) == GOOD


@pytest.mark.parametrize(
    ("offer", "says"),
    [
        (None, "empty"),
        ("", "empty"),
        (17, "empty"),
        ("hello", "not a session description"),
        ("v=0\r\nm=audio x y z", "not a session description"),
        ("v=0\r\n\x00\xff" * 20, "not a session description|no audio"),
        (GOOD + "a" * 70_000, "too long"),
        (GOOD.partition("m=audio")[0], "no audio"),
        (without("m=audio", "m=video"), "audio only"),
        (without(r"a=rtpmap:111.*\r\n"), "no codec in common"),
        (without("a=sendrecv", "a=recvonly"), "microphone"),
        (without("a=sendrecv", "a=sendonly"), "receives no audio"),
        (without("a=sendrecv", "a=inactive"), "switched off"),
        (without("m=audio 9", "m=audio 0"), "switched off"),
        (without(r"a=rtcp-mux\r\n"), "RTCP"),
        (without(r"a=ice-pwd.*\r\n"), "ICE"),
        (without(r"a=fingerprint.*\r\n"), "fingerprint"),
    ],
)
def test_a_bad_offer_says_what_is_wrong(offer, says):
    with pytest.raises(BadOffer, match=says) as error:
        check_offer(offer)
    assert error.value.code == "bad_offer"


def test_two_audio_tracks_are_refused():
    section = GOOD[GOOD.index("m=audio") :]
    with pytest.raises(BadOffer, match="more than one"):
        check_offer(GOOD + section.replace("a=mid:0", "a=mid:1"))


@pytest.mark.parametrize(
    "candidate",
    [17, {}, {"candidate": 5}, {"candidate": "nonsense"}, {"candidate": "x" * 5_000}],
)
def test_a_bad_candidate_is_refused(candidate):
    with pytest.raises(BadCandidate):
        parse_candidate(candidate)


def test_a_tcp_candidate_is_left_aside():
    text = "candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active"
    assert parse_candidate({"candidate": text, "sdpMid": "0"}) is None
    assert not is_end_of_candidates({"candidate": text})


def test_an_empty_candidate_ends_them():
    assert is_end_of_candidates(None)
    assert is_end_of_candidates({"candidate": ""})


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_bad_offer_leaves_the_call_alone():
    link, browser = WebRTCLink(), Browser()
    try:
        await browser.connect(link)
        for offer in ("nonsense", without("a=rtpmap:111 opus/48000/2", "a=x:1")):
            with pytest.raises(BadOffer):
                await link.answer(offer)
        before = link.stats().received_packets
        for _ in range(20):
            await anext(link.audio_input)
        assert link.stats().received_packets > before
    finally:
        await link.aclose()
        await browser.aclose()


@pytest.mark.asyncio
async def test_a_closed_link_answers_nothing():
    link, browser = WebRTCLink(), Browser()
    await link.aclose()
    with pytest.raises(BadOffer, match="over"):
        await link.answer(await browser.offer())
    await browser.aclose()
