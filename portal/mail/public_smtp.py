"""SMTP to a host a customer named, which must be on the public internet.

The address is checked where the connection is made, so that a name cannot show a
public address to a check and a private one to the socket.
"""

from __future__ import annotations

import smtplib
import socket
from typing import Any

from django.conf import settings

from common.http.addresses import may_reach, networks


class PrivateAddress(OSError):
    """The server is inside somebody's network, perhaps ours."""


def connect_publicly(host: str, port: int, timeout: Any) -> socket.socket:
    """Connect to the first public address of a host; raise `PrivateAddress` for others."""
    error: OSError = PrivateAddress(f"{host} has no public address.")
    allowed = networks(tuple(settings.OUTBOUND_ALLOWED_NETWORKS))
    for *_kind, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        found = str(address[0])
        if not may_reach(found, allowed=allowed, is_encrypted=True):
            continue
        try:
            return socket.create_connection((found, port), timeout)
        except OSError as failed:
            error = failed
    raise error


class PublicSMTP(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        return connect_publicly(host, port, timeout)


class PublicSMTPS(smtplib.SMTP_SSL, PublicSMTP):
    """`SMTP_SSL` wraps the socket that `PublicSMTP` gives it."""
