"""Where a trunk's host is: RFC 3263 by NAPTR, SRV and address records, with failover.

    host:port ─▶ A, AAAA             an address or a port was given: no more to ask
    host      ─▶ NAPTR ─▶ SRV ─▶ A, AAAA ─▶ several peers, in the order to be tried

A trunk says which transport it takes; of what NAPTR names, only that is looked at. A
peer that failed goes to the end of the order for a while. What DNS said is kept for as
long as it said, within reason; the hosts file is asked last. Of what was found, only
permitted addresses are returned: those are what is connected to, not the name again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import dns.resolver

from calls.permitted import Permitted
from calls.telephony.sip.transport import Peer, default_port

logger = logging.getLogger(__name__)

LOOKUP_S: Final = 3.0
MAX_PEERS: Final = 8
LEAST_TTL_S: Final = 30.0
MOST_TTL_S: Final = 300.0
SHUNNED_S: Final = 60.0
MAX_KEPT: Final = 500
_SERVICES: Final = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV: Final = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}


class CannotResolve(Exception):
    """No address was found; the text says what was asked."""


class NotPermitted(CannotResolve):
    """Addresses were found, and none of them may be used. The text names none of them:
    what our own name servers know is nobody else's business.
    """

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is in a network that is closed to trunks.")


@dataclass
class _Kept:
    peers: list[Peer]
    until_s: float


class Resolver:
    """Looks up and remembers. `nameservers` is for tests; else the system's are asked."""

    def __init__(
        self,
        nameservers: Sequence[str] | None = None,
        port: int = 53,
        *,
        permitted: Permitted,
    ) -> None:
        self.permitted = permitted
        self._dns: dns.asyncresolver.Resolver | None = None
        try:
            self._dns = dns.asyncresolver.Resolver(configure=nameservers is None)
        except dns.resolver.NoResolverConfiguration:
            logger.warning("no name server is configured")
        if self._dns is not None:
            if nameservers is not None:
                self._dns.nameservers = list(nameservers)
                self._dns.port = port
            self._dns.lifetime = LOOKUP_S
        self._kept: dict[tuple[str, int | None, str], _Kept] = {}
        self._shunned: dict[tuple[str, int, str], float] = {}

    async def resolve(
        self, host: str, port: int | None = None, transport: str = ""
    ) -> list[Peer]:
        """Return peers in the order to be tried, one at least; raise `CannotResolve`.

        Raises `NotPermitted` where all of them are out of bounds.
        """
        host = host.strip("[]").rstrip(".").lower()
        if _is_address(host):
            if host not in self.permitted:
                raise NotPermitted(host)
            kind = transport or "udp"
            return [Peer(kind, host, port or default_port(kind))]
        key = (host, port, transport)
        kept = self._kept.get(key)
        if kept is None or kept.until_s < monotonic():
            kept = await self._look_up(host, port, transport, kept)
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = kept
        now_s = monotonic()
        return sorted(
            kept.peers,
            key=lambda peer: self._shunned.get(_name(peer), 0.0) > now_s,
        )

    async def is_unheard(self, host: str) -> bool:
        """Whether no name server says anything about a host, not even that it is not."""
        if self._dns is None:
            return True
        try:
            await self._dns.resolve(host, "A", search=False)
        except (dns.resolver.LifetimeTimeout, dns.resolver.NoNameservers, OSError):
            return True
        except (dns.exception.DNSException, ValueError):
            return False
        return False

    def shun(self, peer: Peer) -> None:
        """Try others first for a while: this one did not answer."""
        if len(self._shunned) >= MAX_KEPT:
            self._shunned.clear()
        self._shunned[_name(peer)] = monotonic() + SHUNNED_S

    async def _look_up(
        self, host: str, port: int | None, transport: str, before: _Kept | None
    ) -> _Kept:
        try:
            if port is not None:
                kind = transport or "udp"
                found = await self._addresses(host)
                peers = [Peer(kind, address, port, host) for address in found]
            else:
                peers = await self._by_service(host, transport)
        except NotPermitted:
            raise
        except CannotResolve:
            if before is None:
                raise
            # The name servers are away; the addresses have hardly moved meanwhile.
            return _Kept(before.peers, monotonic() + LEAST_TTL_S)
        return _Kept(peers[:MAX_PEERS], monotonic() + self._ttl_s)

    async def _by_service(self, host: str, transport: str) -> list[Peer]:
        wanted = [transport] if transport else list(_SRV)
        services = [one for one in await self._naptr(host) if one[0] in wanted] or [
            (kind, _SRV[kind] + host) for kind in wanted
        ]
        peers: list[Peer] = []
        is_closed = False
        for kind, name in services:
            for target, target_port in await self._srv(name):
                try:
                    found = await self._addresses(target)
                except NotPermitted:
                    is_closed = True
                    continue
                except CannotResolve:
                    continue
                peers += [Peer(kind, address, target_port, host) for address in found]
            if peers:
                return peers
        if is_closed:
            raise NotPermitted(host)
        kind = transport or "udp"
        return [
            Peer(kind, address, default_port(kind), host)
            for address in await self._addresses(host)
        ]

    async def _naptr(self, host: str) -> list[tuple[str, str]]:
        records = [
            record
            for record in await self._ask(host, "NAPTR")
            if record.flags.lower() == b"s" and record.service.decode() in _SERVICES
        ]
        records.sort(key=lambda record: (record.order, record.preference))
        return [
            (_SERVICES[record.service.decode()], record.replacement.to_text(True))
            for record in records
        ]

    async def _srv(self, name: str) -> list[tuple[str, int]]:
        """Return hosts and ports by priority, by chance among those of one priority."""
        records = [
            record
            for record in await self._ask(name, "SRV")
            if record.target.to_text() != "."
        ]
        records.sort(
            key=lambda r: (r.priority, -(random.random() ** (1 / (r.weight or 0.01))))  # noqa: S311  # spreads load
        )
        return [(record.target.to_text(True), record.port) for record in records]

    async def _addresses(self, host: str) -> list[str]:
        """Return the addresses of a host that may be used, one at least."""
        found = await self._found(host)
        if permitted := [one for one in found if one in self.permitted]:
            return permitted
        raise NotPermitted(host)

    async def _found(self, host: str) -> list[str]:
        if _is_address(host):
            return [host]
        found = [
            record.address
            for kind in ("A", "AAAA")
            for record in await self._ask(host, kind)
        ]
        return found or await _from_hosts_file(host)

    async def _ask(self, name: str, kind: str) -> list[Any]:
        self._ttl_s = MOST_TTL_S
        if self._dns is None:
            return []
        try:
            answer = await self._dns.resolve(name, kind, search=False)
        except (dns.exception.DNSException, OSError, ValueError):
            _stop_if_cancelled()
            return []
        _stop_if_cancelled()
        ttl_s = float(answer.rrset.ttl if answer.rrset else LEAST_TTL_S)
        self._ttl_s = min(max(ttl_s, LEAST_TTL_S), MOST_TTL_S)
        return list(answer)

    _ttl_s = LEAST_TTL_S  # of the last answer


def _stop_if_cancelled() -> None:
    """Raise for a cancellation that was lost in a look-up.

    Python 3.11's `wait_for`, which dnspython waits with, forgets one that comes at the
    moment the answer does; who cancelled would wait for us for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _name(peer: Peer) -> tuple[str, int, str]:
    return peer.host, peer.port, peer.transport


async def _from_hosts_file(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, TimeoutError, UnicodeError):
        raise CannotResolve(f"No address was found for {host}.") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
