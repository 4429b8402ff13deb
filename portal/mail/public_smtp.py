"""SMTP to a host a customer named, which must be on the public internet.

The address is checked where the connection is made, so that a name cannot show a
public address to a check and a private one to the socket.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
from typing import Any

from django.conf import settings


class PrivateAddress(OSError):
    """The server is inside somebody's network, perhaps ours."""


def connect_publicly(host: str, port: int, timeout: Any) -> socket.socket:
    """Connect to the first public address of a host; raise `PrivateAddress` for others."""
    error: OSError = PrivateAddress(f"{host} has no public address.")
    for *_kind, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        found = ipaddress.ip_address(str(address[0]).partition("%")[0])
        if not (found.is_global or settings.ALLOW_PRIVATE_MAIL_SERVERS):
            continue
        try:
            return socket.create_connection((str(found), port), timeout)
        except OSError as failed:
            error = failed
    raise error


class PublicSMTP(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        return connect_publicly(host, port, timeout)


class PublicSMTPS(smtplib.SMTP_SSL, PublicSMTP):
    """`SMTP_SSL` wraps the socket that `PublicSMTP` gives it."""
