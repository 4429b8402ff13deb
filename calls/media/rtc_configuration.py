"""Our own end of a web call, with the servers that its browser is told."""

from __future__ import annotations

from collections.abc import Sequence

from aiortc import RTCConfiguration, RTCIceServer

from calls.media.ice import IceServer, ice_servers_for_browser


def rtc_configuration(
    *,
    stun_urls: Sequence[str],
    turn_urls: Sequence[str],
    turn_secret: str,
    user: str,
    now_s: float | None = None,
) -> RTCConfiguration:
    """Return the configuration of our own end, with the same servers.

    The list is given even when it is empty: without one aiortc would ask a public STUN
    server of its own choice. aiortc uses the first STUN and the first TURN address.
    """
    servers = ice_servers_for_browser(
        stun_urls=stun_urls,
        turn_urls=turn_urls,
        turn_secret=turn_secret,
        user=user,
        now_s=now_s,
    )
    return configuration_from(servers)


def configuration_from(servers: Sequence[IceServer]) -> RTCConfiguration:
    """Return aiortc's form of a browser's list of servers."""
    return RTCConfiguration(
        iceServers=[
            RTCIceServer(
                urls=server["urls"],
                username=server.get("username"),
                credential=server.get("credential"),
            )
            for server in servers
        ]
    )
