"""A dialog of RFC 3261 section 12: who talks to whom, by which way, in which order."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from sipmessage import URI, CSeq, Request, Response

from calls.permitted import Permitted
from calls.telephony.sip.headers import parse_uri, split_list, tag_of, uri_text
from calls.telephony.sip.messages import new_request
from calls.telephony.sip.transport import Peer, default_port


@dataclass
class Dialog:
    """One side of a dialog, early or confirmed. Header values are as they are sent."""

    call_id: str
    local: str
    remote: str
    target: URI
    contact: str
    peer: Peer  # who we spoke to last
    routes: list[str] = field(default_factory=list)
    local_sequence: int = 1
    remote_sequence: int | None = None

    @property
    def local_tag(self) -> str:
        return tag_of(self.local)

    @property
    def remote_tag(self) -> str:
        return tag_of(self.remote)

    @classmethod
    def as_caller(
        cls, request: Request, response: Response, contact: str, peer: Peer
    ) -> Dialog:
        """Return the dialog that a response to our INVITE makes."""
        return cls(
            call_id=request.headers["Call-ID"],
            local=request.headers["From"],
            remote=response.headers["To"],
            target=_contact_of(response) or request.uri,
            contact=contact,
            peer=peer,
            routes=_routes(response)[::-1],
            local_sequence=CSeq.parse(request.headers["CSeq"]).sequence,
        )

    @classmethod
    def as_callee(cls, request: Request, tag: str, contact: str, peer: Peer) -> Dialog:
        """Return the dialog that our answer to an INVITE makes."""
        from_value = request.headers["From"]
        caller = uri_text(from_value)
        return cls(
            call_id=request.headers["Call-ID"],
            local=f"{request.headers['To']};tag={tag}",
            remote=from_value,
            target=_contact_of(request) or _uri_or_peer(caller, peer),
            contact=contact,
            peer=peer,
            routes=_routes(request),
            remote_sequence=CSeq.parse(request.headers["CSeq"]).sequence,
        )

    def request(
        self, method: str, body: bytes = b"", content_type: str = ""
    ) -> Request:
        """Return the next request of ours in this dialog."""
        self.local_sequence += 1
        return self._built(method, self.local_sequence, body, content_type)

    def ack(self, sequence: int, body: bytes = b"") -> Request:
        """Return the ACK of a 2xx to our INVITE of that sequence number."""
        kind = "application/sdp" if body else ""
        return self._built("ACK", sequence, body, kind)

    def _built(
        self, method: str, sequence: int, body: bytes, content_type: str
    ) -> Request:
        request = new_request(
            method,
            self.target,
            from_value=self.local,
            to_value=self.remote,
            call_id=self.call_id,
            sequence=sequence,
            body=body,
            content_type=content_type,
        )
        if self.routes:
            request.headers.setlist("Route", list(self.routes))
        if method in ("INVITE", "UPDATE", "REFER"):
            request.headers.set("Contact", self.contact)
        return request

    def take(self, request: Request) -> bool:
        """Note a request of theirs; False for one that is older than what came before."""
        sequence = CSeq.parse(request.headers["CSeq"]).sequence
        if self.remote_sequence is not None and sequence < self.remote_sequence:
            return False
        if self.remote_sequence == sequence and request.method not in ("ACK", "CANCEL"):
            return False
        if request.method not in ("ACK", "CANCEL"):
            self.remote_sequence = sequence
        return True

    def refresh_target(self, message: Request | Response) -> None:
        """Follow a Contact that changed."""
        self.target = _contact_of(message) or self.target

    def next_hop(self) -> URI:
        """Return where the next request goes: the first route, or the target."""
        if self.routes:
            try:
                return parse_uri(uri_text(self.routes[0]))
            except ValueError:
                return self.target
        return self.target


def _contact_of(message: Request | Response) -> URI | None:
    values = message.headers.getlist("Contact")
    if not values:
        return None
    try:
        uri = parse_uri(uri_text(split_list(values[0])[0]))
    except ValueError:
        return None
    return uri if uri.scheme in ("sip", "sips") else None


def _uri_or_peer(text: str, peer: Peer) -> URI:
    try:
        uri = parse_uri(text)
    except ValueError:
        uri = None
    if uri is not None and uri.scheme in ("sip", "sips"):
        return uri
    return URI(scheme="sip", host=peer.host, port=peer.port)


def _routes(message: Request | Response) -> list[str]:
    return [
        item
        for value in message.headers.getlist("Record-Route")
        for item in split_list(value)
        if uri_text(item)
    ][:16]


def direct_peer(uri: URI, fallback: Peer, permitted: Permitted) -> Peer | None:
    """Return where a URI with an address leads without DNS; None when it needs DNS.

    A private address told by a peer that we reach by a public one is behind NAT: then
    the way back is the way it came. So it is for one that we may not go to.
    """
    host = uri.host.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    is_behind_nat = (
        address.is_private and not ipaddress.ip_address(fallback.host).is_private
    )
    if address.is_unspecified or is_behind_nat or host not in permitted:
        return fallback
    transport = (uri.parameters.get("transport") or "").lower()
    if uri.scheme == "sips":
        transport = "tls"
    if transport not in ("udp", "tcp", "tls"):
        transport = fallback.transport
    if fallback.is_reliable and host == fallback.host:
        return fallback  # the connection there is
    return Peer(transport, host, uri.port or default_port(transport))
