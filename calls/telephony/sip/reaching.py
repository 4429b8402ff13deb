"""Whether a SIP peer can be reached, and if not, which of the many reasons it is.

    udp   a closed port says so, an open one says nothing
    tcp   connected, refused, or silence
    tls   the same, then: does it speak TLS, and who vouches for its certificate

For connection tests: a call wants to know only that it cannot be sent.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from typing import Any, Final

from django.utils.translation import gettext_noop

from calls.telephony.protocol import ProbeStep
from calls.telephony.sip.messages import bracketed
from calls.telephony.sip.transport import (
    CONNECT_S,
    Peer,
    TransportFailed,
    Transports,
)

_REFUSED_S: Final = 0.6  # a closed UDP port answers in one round trip, or never
_NO_WAY: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
)

CHECK_PORT: Final = gettext_noop(
    "Check the port and the transport: carriers take UDP and TCP at port 5060 and TLS at"
    " port 5061, where they say nothing else."
)
CHECK_FIREWALL: Final = gettext_noop(
    "A firewall drops what is sent, or the address is another one. Check the address,"
    " port and transport, and ask the carrier whether it must know this installation's"
    " address first."
)
_CHECK_NETWORK: Final = gettext_noop(
    "Check the address: one of a private network, or of IPv6 where this installation has"
    " none, cannot be reached from here."
)
_USE_TLS_PORT: Final = gettext_noop(
    "Use the carrier's port for TLS, usually 5061, or choose another transport."
)
# By what OpenSSL calls them (X509_V_ERR_…).
_EXPIRED: Final = frozenset({10})
_OWN_SIGNATURE: Final = frozenset({18, 19})
_OTHER_NAME: Final = frozenset({62, 63, 64})


def place(peer: Peer) -> str:
    """Return a peer's address and port as people write them."""
    return f"{bracketed(peer.host)}:{peer.port}"


async def reach(transports: Transports, peer: Peer) -> list[ProbeStep]:
    """Return what connecting shows; the last step is not `False` when it worked."""
    if peer.transport == "udp":
        return [await _knock(peer)]
    if peer.transport == "tcp":
        return [await _connect(transports, peer, "connect")]
    opened = await _open(peer)
    if opened.is_ok is False:
        return [opened]
    return [opened, await _connect(transports, peer, "tls")]


async def _knock(peer: Peer) -> ProbeStep:
    """Send a keep-alive from a socket that is told when the port is closed."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[Exception] = loop.create_future()
    try:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Knock(told), remote_addr=(peer.host, peer.port)
        )
    except OSError as error:
        return _unreachable(peer, error)
    try:
        transport.sendto(b"\r\n\r\n")
        async with asyncio.timeout(_REFUSED_S):
            return _unreachable(peer, await told)
    except TimeoutError:
        detail = gettext_noop(
            "UDP has no connection to test: the greeting shows who is there."
        )
        return ProbeStep("connect", None, detail)
    finally:
        transport.close()


class _Knock(asyncio.DatagramProtocol):
    def __init__(self, told: asyncio.Future[Exception]) -> None:
        self._told = told

    def error_received(self, exc: Exception) -> None:
        if not self._told.done():
            self._told.set_result(exc)


async def _open(peer: Peer) -> ProbeStep:
    """Connect without TLS, to tell a closed port from one that does not encrypt."""
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(peer.host, peer.port)
    except (OSError, TimeoutError) as error:
        return _unreachable(peer, error)
    writer.close()
    return _connected(peer)


async def _connect(transports: Transports, peer: Peer, name: str) -> ProbeStep:
    try:
        await transports.send(b"\r\n\r\n", peer)
    except TransportFailed as error:
        cause = error.__cause__  # what the network said; none when it said nothing
        if name == "tls":
            return _not_encrypted(peer, cause)
        return _unreachable(peer, cause or TimeoutError())
    if name == "connect":
        return _connected(peer)
    detail = gettext_noop("The way is encrypted, and the certificate is %(name)s's.")
    return ProbeStep(
        "tls", True, detail, values={"name": peer.server_name or peer.host}
    )


def _connected(peer: Peer) -> ProbeStep:
    detail = gettext_noop("Connected to %(place)s.")
    return ProbeStep("connect", True, detail, values={"place": place(peer)})


def _unreachable(peer: Peer, error: BaseException) -> ProbeStep:
    values = {"place": place(peer), "transport": peer.transport.upper()}
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ConnectionRefusedError):
        detail = gettext_noop("Nothing listens at %(place)s for %(transport)s.")
        return ProbeStep("connect", False, detail, CHECK_PORT, values)
    if isinstance(error, TimeoutError):
        detail = gettext_noop(
            "%(place)s does not answer: no connection in %(limit)s s."
        )
        values["limit"] = f"{CONNECT_S:.0f}"
        return ProbeStep("connect", False, detail, CHECK_FIREWALL, values)
    if number in _NO_WAY:
        detail = gettext_noop("There is no way to %(place)s from here.")
        return ProbeStep("connect", False, detail, _CHECK_NETWORK, values)
    values["reason"] = str(error)[:200]
    detail = gettext_noop("No connection to %(place)s: %(reason)s")
    return ProbeStep("connect", False, detail, CHECK_PORT, values)


def _not_encrypted(peer: Peer, error: BaseException | None) -> ProbeStep:
    values: dict[str, Any] = {
        "place": place(peer),
        "name": peer.server_name or peer.host,
    }
    if isinstance(error, ssl.SSLCertVerificationError):
        values["reason"] = error.verify_message
        detail, advice = _untrusted(error.verify_code)
        return ProbeStep("tls", False, detail, advice, values)
    detail = gettext_noop("What answers at %(place)s does not speak TLS.")
    return ProbeStep("tls", False, detail, _USE_TLS_PORT, values)


def _untrusted(code: int) -> tuple[str, str]:
    """Return what is wrong with a certificate and what to do about it."""
    if code in _OWN_SIGNATURE:
        return (
            gettext_noop("%(place)s shows a certificate that it signed itself."),
            gettext_noop(
                "Nobody vouches for it, so no call is sent there. Give the server a"
                " certificate of a known authority for %(name)s, or ask the operator of"
                " this installation to trust your own authority."
            ),
        )
    if code in _EXPIRED:
        return (
            gettext_noop("The certificate of %(place)s has run out."),
            gettext_noop(
                "Ask the carrier to renew it: until then no call is sent there."
            ),
        )
    if code in _OTHER_NAME:
        return (
            gettext_noop("The certificate of %(place)s is not for %(name)s."),
            gettext_noop(
                "Enter the address under the name that the carrier gives for TLS."
            ),
        )
    return (
        gettext_noop("The certificate of %(place)s is not trusted: %(reason)s."),
        gettext_noop(
            "Ask the carrier for a server whose certificate a known authority signed."
        ),
    )
