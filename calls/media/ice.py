"""STUN and TURN of a web call: pure functions of plain values.

TURN credentials are coturn's REST form (`use-auth-secret`): the user name is when it
ends and whose it is, the password an HMAC of that. Nothing is stored on either side.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import TypedDict


class _ServerUrls(TypedDict):
    urls: list[str]


class IceServer(_ServerUrls, total=False):
    """One entry of a browser's `RTCConfiguration.iceServers`."""

    username: str
    credential: str


def turn_credentials(
    secret: str, *, user: str, now_s: float, ttl_s: int
) -> tuple[str, str]:
    """Return the user name and password that coturn accepts until `now_s + ttl_s`."""
    username = f"{int(now_s) + ttl_s}:{user}"
    # coturn's scheme is HMAC-SHA1; there is no other to choose.
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def ice_servers_for_browser(
    *,
    stun_urls: Sequence[str],
    turn_urls: Sequence[str],
    turn_secret: str,
    user: str,
    now_s: float | None = None,
    ttl_s: int = 7_200,
) -> list[IceServer]:
    """Return what a page passes to `new RTCPeerConnection({iceServers})`.

    `user` is whose the credentials are: the call's id. TURN servers without a secret
    are left out: an open relay is never handed out. The credentials outlive the longest
    call, because a browser refreshes its allocation with them.
    """
    servers: list[IceServer] = []
    if stun_urls:
        servers.append({"urls": list(stun_urls)})
    if turn_urls and turn_secret:
        username, credential = turn_credentials(
            turn_secret,
            user=user,
            now_s=time.time() if now_s is None else now_s,
            ttl_s=ttl_s,
        )
        servers.append(
            {"urls": list(turn_urls), "username": username, "credential": credential}
        )
    return servers
