"""Bytes to and from other SIP agents: UDP, TCP and TLS, IPv4 and IPv6.

One listener of each kind; connections are kept and used again, in both directions. A
stream is cut into messages by Content-Length; whoever sends what cannot be cut, or too
much, loses the connection and nothing else.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from calls.telephony.sip.framing import BadStream, Framer

logger = logging.getLogger(__name__)

CONNECT_S: Final = 4.0
IDLE_S: Final = 600.0
MAX_CONNECTIONS: Final = 500
MAX_BACKLOG_BYTES: Final = 1_000_000  # unsent to one peer: it does not read any more
_DEFAULT_PORT: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}


@dataclass(frozen=True)
class Peer:
    """Where a message came from, or goes to: a transport, an address, a port."""

    transport: str
    host: str
    port: int
    server_name: str = ""  # what a TLS certificate must be for

    @property
    def is_reliable(self) -> bool:
        return self.transport != "udp"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{self.transport}"


# A port that is free for UDP may be taken for TCP: how often another is asked for.
_OTHER_PORTS: Final = 5


class TransportFailed(Exception):
    """A message could not be sent; the text says why, for the operator."""


@dataclass(frozen=True)
class Listening:
    """Where to listen; port 0 takes any, None for a kind that is off."""

    host: str = "0.0.0.0"  # noqa: S104  # an operator's choice, in the settings
    port: int = 5060
    tls_port: int | None = None
    tls_certificate: str = ""
    tls_key: str = ""
    public_address: str = ""


Received = Callable[[bytes, Peer], None]


class Transports:
    """Everything a user agent sends and receives through."""

    def __init__(self, listening: Listening, on_message: Received) -> None:
        self._listening = listening
        self._on_message = on_message
        self._udp: asyncio.DatagramTransport | None = None
        self._udp_family = socket.AF_INET
        self._servers: list[asyncio.Server] = []
        self._connections: dict[tuple[str, str, int], _Connection] = {}
        self._dialling: dict[Peer, asyncio.Future[_Connection]] = {}
        self.port = 0
        self.tls_port: int | None = None
        self._local_hosts: dict[str, str] = {}

    async def open(self) -> None:
        """Listen; on any free port when the one wanted is taken.

        A second voice process of a machine can dial and register that way; trunks that
        call an address need a port of its own. Raises `OSError` when nothing can be had,
        with nothing left open.
        """
        where = self._listening
        for _ in range(_OTHER_PORTS):
            try:
                await self._open(where)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return
            if where.port:
                logger.warning("SIP port in use", extra={"port": where.port})
                where = replace(where, port=0, tls_port=None)
        await self._open(where)

    async def _open(self, where: Listening) -> None:
        loop = asyncio.get_running_loop()
        try:
            udp = _udp_socket(where.host, where.port)
            self._udp_family = udp.family
            self.port = udp.getsockname()[1]
            self._udp, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._on_message), sock=udp
            )
            self._servers.append(await self._listen("tcp", self.port, None))
            if where.tls_port is not None and where.tls_certificate:
                server = await self._listen("tls", where.tls_port, _server_tls(where))
                self._servers.append(server)
                self.tls_port = server.sockets[0].getsockname()[1]
        except BaseException:
            await self.aclose()
            raise

    async def _listen(
        self, kind: str, port: int, context: ssl.SSLContext | None
    ) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: _Connection(self, kind, is_ours=False),
            self._listening.host,
            port,
            ssl=context,
            reuse_address=True,
        )

    async def send(self, data: bytes, peer: Peer) -> None:
        """Send to a peer, connecting first if need be; raise `TransportFailed`."""
        if peer.transport == "udp":
            self.send_datagram(data, peer)
            return
        connection = self._connections.get((peer.transport, peer.host, peer.port))
        if connection is None:
            connection = await self._connected(peer)
        connection.send(data)

    def send_datagram(self, data: bytes, peer: Peer) -> None:
        """Send over UDP, at once; raise `TransportFailed`."""
        if self._udp is None:
            raise TransportFailed("SIP is not listening.")
        try:
            host = peer.host
            if self._udp_family == socket.AF_INET6 and ":" not in host:
                host = f"::ffff:{host}"
            self._udp.sendto(data, (host, peer.port))
        except (OSError, ValueError, OverflowError) as error:
            raise TransportFailed(str(error)) from error

    def answer(self, data: bytes, peer: Peer) -> None:
        """Send a response the way its request came; lost when that way is gone."""
        try:
            if peer.transport == "udp":
                self.send_datagram(data, peer)
                return
            key = (peer.transport, peer.host, peer.port)
            if (connection := self._connections.get(key)) is not None:
                connection.send(data)
        except TransportFailed:
            logger.debug("an answer could not be sent")

    def local_host(self, peer_host: str) -> str:
        """Return our address as a peer reaches it."""
        if self._listening.public_address and not _is_nearby(peer_host):
            return self._listening.public_address
        known = self._local_hosts.get(peer_host)
        if known is None:
            if len(self._local_hosts) > 1_000:
                self._local_hosts.clear()
            known = self._local_hosts[peer_host] = self._routed(peer_host)
        return known

    def media_host(self, peer_host: str) -> str:
        """Return the local address to bind a peer's audio to."""
        host = self._listening.host
        if host and not ipaddress.ip_address(host).is_unspecified:
            return host
        return "::" if ":" in peer_host else "0.0.0.0"  # noqa: S104  # where audio comes is the network's choice

    async def aclose(self) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self._connections.values()):
            connection.drop()
        self._connections.clear()
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        for future in self._dialling.values():
            future.cancel()
        servers, self._servers = self._servers, []
        for server in servers:
            await server.wait_closed()
        await asyncio.sleep(0)  # closed sockets leave the loop

    # --- inside ---------------------------------------------------------------------

    async def _connected(self, peer: Peer) -> _Connection:
        """Return a new connection; callers that want the same one share it."""
        waiting = self._dialling.get(peer)
        if waiting is None:
            waiting = asyncio.ensure_future(self._dial(peer))
            self._dialling[peer] = waiting
            waiting.add_done_callback(lambda done: self._dialled(peer, done))
        return await asyncio.shield(waiting)

    def _dialled(self, peer: Peer, done: asyncio.Future[_Connection]) -> None:
        self._dialling.pop(peer, None)
        if not done.cancelled():
            done.exception()  # whoever waited has it

    async def _dial(self, peer: Peer) -> _Connection:
        context = client_tls() if peer.transport == "tls" else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self, peer.transport, is_ours=True),
                    peer.host,
                    peer.port,
                    ssl=context,
                    server_hostname=(peer.server_name or peer.host)
                    if context
                    else None,
                )
        except TimeoutError:
            raise TransportFailed(f"No connection to {peer} in time.") from None
        except ssl.SSLCertVerificationError as error:
            raise TransportFailed(
                f"The certificate of {peer} is not trusted: {error.verify_message}"
            ) from error
        except (OSError, ssl.SSLError) as error:
            raise TransportFailed(f"No connection to {peer}: {error}") from error
        return connection

    def add(self, connection: _Connection) -> bool:
        """Keep a connection; False when there are too many."""
        if len(self._connections) >= MAX_CONNECTIONS:
            return False
        self._connections[connection.key] = connection
        return True

    def forget(self, connection: _Connection) -> None:
        if self._connections.get(connection.key) is connection:
            del self._connections[connection.key]

    def received(self, data: bytes, peer: Peer) -> None:
        self._on_message(data, peer)

    def _routed(self, peer_host: str) -> str:
        bound = self._listening.host
        if bound and not ipaddress.ip_address(bound).is_unspecified:
            return bound
        family = socket.AF_INET6 if ":" in peer_host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((peer_host, 9))  # asks the routing table, sends nothing
                return str(probe.getsockname()[0])
            except OSError:
                return "::1" if family == socket.AF_INET6 else "127.0.0.1"


def _is_nearby(host: str) -> bool:
    """Whether a peer sees our own address rather than the public one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_link_local


def _udp_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_048_576)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        udp.bind((host, port))
    except BaseException:
        udp.close()
        raise
    return udp


def client_tls() -> ssl.SSLContext:
    """Return how we look at a trunk's certificate: as a browser would."""
    return ssl.create_default_context()


def _server_tls(where: Listening) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(where.tls_certificate, where.tls_key or None)
    return context


def _plain(host: str) -> str:
    """Return an IPv4 address out of its IPv6 form, and no zone."""
    return host.removeprefix("::ffff:").partition("%")[0]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, on_message: Received) -> None:
        self._on_message = on_message

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._on_message(data, Peer("udp", _plain(addr[0]), addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A port at the other side is closed; its transaction runs out by itself."""


class _Connection(asyncio.Protocol):
    """One stream: reads messages, writes them, and goes away when nothing is said."""

    def __init__(self, owner: Transports, kind: str, *, is_ours: bool) -> None:
        self._owner = owner
        self._kind = kind
        self._is_ours = is_ours
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self.key = (kind, "", 0)
        self._peer = Peer(kind, "", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        name = transport.get_extra_info("peername") or ("", 0)
        host, port = _plain(str(name[0])), int(name[1])
        self.key, self._peer = (self._kind, host, port), Peer(self._kind, host, port)
        if not self._owner.add(self):
            transport.abort()
            return
        self._rest()

    def data_received(self, data: bytes) -> None:
        self._rest()
        try:
            for message in self._framer.feed(data):
                if message is None:
                    self.send(b"\r\n")  # RFC 5626: a ping is answered
                else:
                    self._owner.received(message, self._peer)
        except BadStream as error:
            logger.info("a SIP connection was dropped", extra={"why": str(error)})
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._owner.forget(self)
        self._transport = None

    def send(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            raise TransportFailed(f"The connection to {self._peer} is gone.")
        if transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
            transport.abort()
            raise TransportFailed(f"{self._peer} does not read what it is sent.")
        transport.write(data)

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _rest(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_S, self.drop)


def default_port(transport: str) -> int:
    return _DEFAULT_PORT[transport]
