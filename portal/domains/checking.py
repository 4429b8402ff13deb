"""What the world says about a domain: its DNS, its certificate, what answers there.

Nothing here writes. Unknown is not absent: a name server that does not answer gives
`Unknown`, never "the record is missing".
"""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import dns.exception
import dns.resolver
from django.conf import settings
from django.core.signing import Signer

from common.http.addresses import may_reach, networks

PROOF_PATH: Final = "/.well-known/portal"
_TIMEOUT_S: Final = 5.0
_SALT: Final = "portal.domain"


class Unknown(Exception):
    """The question could not be answered now; ask again later."""


@dataclass(frozen=True)
class Findings:
    """One look at a domain.

    `is_proven`: the TXT record holds the claim's token. `points_here`: visitors would
    reach us. `certificate_ends_at`: of a certificate a browser accepts. `serves`: this
    installation answers there, over that certificate. `is_expiring`: less than a sixth
    of the certificate's time is left, when it should have been renewed.
    """

    is_proven: bool
    points_here: bool
    certificate_ends_at: datetime | None = None
    serves: bool = False
    is_expiring: bool = False


def challenge_host(name: str) -> str:
    return f"_portal-challenge.{name}"


def challenge_value(token: str) -> str:
    return f"portal-domain={token}"


def proof_of(host: str) -> str:
    """Return what this installation, and no other, answers at `PROOF_PATH` of a host."""
    return Signer(salt=_SALT).signature(host)


def look_at(name: str, token: str, target: str) -> Findings:
    """Look at a domain that is to point to `target`; raise `Unknown` where DNS fails."""
    is_proven = challenge_value(token) in texts(challenge_host(name))
    found = addresses(name)
    ours = set(settings.PORTAL_ADDRESSES) or addresses(target)
    points_here = target in aliases(name) or bool(found & ours)
    if not points_here:
        return Findings(is_proven, points_here=False)
    visit = _visit(name, found)
    if visit is None:
        return Findings(is_proven, points_here=True)
    left, whole = visit.ends_at - datetime.now(UTC), visit.ends_at - visit.starts_at
    return Findings(is_proven, True, visit.ends_at, visit.serves, left < whole / 6)


# --- DNS ------------------------------------------------------------------------------
def _resolver() -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    if settings.DNS_SERVERS:
        host, _colon, port = settings.DNS_SERVERS[0].rpartition(":")
        resolver.nameservers = [host]
        resolver.port = int(port)
    resolver.lifetime = _TIMEOUT_S
    resolver.cache = None
    return resolver


def _ask(name: str, kind: str) -> dns.resolver.Answer | None:
    """Return the answer, `None` where there certainly is none; raise `Unknown`."""
    try:
        return _resolver().resolve(name, kind, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise Unknown(name) from error


def texts(name: str) -> set[str]:
    """Return the TXT records of a name, each with its parts joined."""
    answer = _ask(name, "TXT")
    if answer is None:
        return set()
    return {b"".join(row.strings).decode("utf-8", "replace") for row in answer}


def aliases(name: str) -> set[str]:
    """Return the names a CNAME of this name leads to."""
    answer = _ask(name, "CNAME")
    if answer is None:
        return set()
    return {str(row.target).rstrip(".").lower() for row in answer}


def mail_hosts(name: str) -> set[str]:
    """Return the mail exchangers of a name."""
    answer = _ask(name, "MX")
    if answer is None:
        return set()
    return {str(row.exchange).rstrip(".").lower() for row in answer}


def addresses(name: str) -> set[str]:
    """Return every address of a name, in both families."""
    found = set()
    for kind in ("A", "AAAA"):
        answer = _ask(name, kind)
        found |= {row.address for row in answer} if answer is not None else set()
    return found


# --- certificate and page -------------------------------------------------------------
@dataclass(frozen=True)
class _Visit:
    starts_at: datetime
    ends_at: datetime
    serves: bool


def _visit(name: str, found: set[str]) -> _Visit | None:
    """Open the domain as a browser would; return its certificate and who answered."""
    allowed = networks(tuple(settings.OUTBOUND_ALLOWED_NETWORKS))
    for address in sorted(found):
        if not may_reach(address, allowed=allowed, is_encrypted=True):
            continue
        try:
            return _visit_at(name, address)
        except (OSError, ssl.SSLError, http.client.HTTPException):
            continue
    return None


def _visit_at(name: str, address: str) -> _Visit:
    context = ssl.create_default_context(cafile=settings.DOMAIN_CA_FILE or None)
    port = settings.DOMAIN_CHECK_PORT
    with (
        socket.create_connection((address, port), _TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        certificate = secure.getpeercert() or {}
        starts_s, ends_s = (
            ssl.cert_time_to_seconds(str(certificate[field]))
            for field in ("notBefore", "notAfter")
        )
        secure.sendall(
            f"GET {PROOF_PATH} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n"
            "User-Agent: domain-check\r\n\r\n".encode()
        )
        response = http.client.HTTPResponse(secure)
        response.begin()
        body = response.read(200).decode("ascii", "replace").strip()
    is_ours = response.status == 200 and body == proof_of(name)
    return _Visit(
        datetime.fromtimestamp(starts_s, UTC),
        datetime.fromtimestamp(ends_s, UTC),
        is_ours,
    )
