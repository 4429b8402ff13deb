"""A name server on loopback that speaks real DNS over UDP and answers by script."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@dataclass
class NameServer:
    """Zones as `(name, kind) -> values`; `is_silent` loses every question."""

    address: str = ""
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    is_silent: bool = False
    is_failing: bool = False

    def put(self, name: str, kind: str, *values: str) -> None:
        self.records[name, kind] = list(values)

    def drop(self, name: str, kind: str) -> None:
        self.records.pop((name, kind), None)

    def answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA | dns.flags.AA
        question = query.question[0]
        name = str(question.name).rstrip(".").lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        if self.is_failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif values := self.records.get((name, kind)):
            response.answer.append(
                dns.rrset.from_text(question.name, 60, "IN", kind, *values)
            )
        elif not any(known == name for known, _kind in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@contextmanager
def name_server() -> Iterator[NameServer]:
    """Serve until the end of the block."""
    server = NameServer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.1)
        server.address = f"127.0.0.1:{sock.getsockname()[1]}"
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    wire, peer = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                if not server.is_silent:
                    sock.sendto(server.answer(wire), peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            done.set()
            thread.join()
