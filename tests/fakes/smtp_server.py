"""A mail server on loopback that speaks real SMTP and answers by script."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailServer:
    """What arrived, and what the server says: `on_rcpt`, `on_data` like `550 No such user`."""

    host: str = "127.0.0.1"
    port: int = 0
    is_guarded: bool = False
    on_rcpt: str = "250 OK"
    on_data: str = "250 Queued"
    messages: list[Message] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self,
        server: Server,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if self.is_guarded and not session.authenticated:
            return "530 Authentication required"
        if self.on_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.on_rcpt

    async def handle_DATA(
        self, server: Server, session: Session, envelope: Envelope
    ) -> str:
        if self.on_data.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            self.senders.append(str(envelope.mail_from))
            self.messages.append(email.message_from_bytes(envelope.content))
        return self.on_data


@contextmanager
def mail_server(password: str = "") -> Iterator[MailServer]:
    """Serve until the end of the block; with a `password`, refuse who does not give it."""
    handler = MailServer(is_guarded=bool(password))

    def authenticate(server, session, envelope, mechanism, data) -> AuthResult:
        assert isinstance(data, LoginPassword)
        handler.logins.append(data.login.decode())
        is_right = data.password.decode() == password
        return AuthResult(success=is_right, handled=False)

    # The controller knocks at its own door, so that it has to know the number.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        handler.port = probe.getsockname()[1]
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=handler.port,
        authenticator=authenticate if password else None,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()
