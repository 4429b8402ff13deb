"""Both ends get the servers they may use, and credentials that end."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from aiortc.rtcicetransport import connection_kwargs

from calls.media.ice import ice_servers_for_browser
from calls.media.rtc_configuration import rtc_configuration

CALL: dict[str, Any] = {"user": "call_1", "now_s": 1_000.7}


def test_a_turn_credential_names_its_end_and_its_call():
    [server] = ice_servers_for_browser(
        stun_urls=[], turn_urls=["turn:t.example:3478"], turn_secret="s3", **CALL
    )
    assert server["username"] == "8200:call_1"
    expected = hmac.new(b"s3", b"8200:call_1", hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == expected


def test_turn_without_a_secret_is_not_offered():
    servers = ice_servers_for_browser(
        stun_urls=["stun:s.example:3478"],
        turn_urls=["turn:t.example"],
        turn_secret="",
        **CALL,
    )
    assert servers == [{"urls": ["stun:s.example:3478"]}]


def test_without_servers_our_end_asks_no_public_one():
    assert (
        rtc_configuration(stun_urls=[], turn_urls=[], turn_secret="", **CALL).iceServers
        == []
    )


def test_our_end_uses_the_same_servers():
    configuration = rtc_configuration(
        stun_urls=["stun:s.example:3478"],
        turn_urls=["turn:t.example:3479?transport=udp"],
        turn_secret="s3",
        **CALL,
    )
    kwargs = connection_kwargs(configuration.iceServers or [])
    assert kwargs["stun_server"] == ("s.example", 3478)
    assert kwargs["turn_server"] == ("t.example", 3479)
    assert kwargs["turn_username"] == "8200:call_1"
