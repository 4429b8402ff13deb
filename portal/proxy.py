"""Who really sent a request, when a proxy of ours stands before us."""

from __future__ import annotations

from ipaddress import ip_address

from django.http import HttpRequest


def is_from_proxy_itself(request: HttpRequest) -> bool:
    """Whether a process of our own network asks for itself, not for somebody else.

    What a proxy passes on carries `X-Forwarded-For`; what it asks by itself does not.
    """
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return address.is_loopback or address.is_private


def client_address(request: HttpRequest) -> str | None:
    """Return the address a request came from, as far as our own proxy knows it.

    Only the last entry of `X-Forwarded-For` was written by the proxy beside us; it
    counts only when the connection itself comes from our own network.
    """
    try:
        peer = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    forwarded = request.headers.get("X-Forwarded-For", "")
    if forwarded and (peer.is_loopback or peer.is_private):
        try:
            return str(ip_address(forwarded.rpartition(",")[2].strip()))
        except ValueError:
            return str(peer)
    return str(peer)
