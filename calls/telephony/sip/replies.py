"""Our answers to requests: those a transaction repeats, and those that keep nothing."""

from __future__ import annotations

import logging
from typing import Final

from sipmessage import Request, Response

from calls.telephony.sip.admission import StrangerGuard
from calls.telephony.sip.headers import tag_of
from calls.telephony.sip.messages import ALLOW, SUPPORTED, new_tag, response_to
from calls.telephony.sip.reading import Unreadable, to_bytes
from calls.telephony.sip.transactions import ServerTransaction
from calls.telephony.sip.transport import Peer, Transports

logger = logging.getLogger(__name__)

_KNOWN: Final = frozenset(
    ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK", "NOTIFY")
)


class Replies:
    """Answers for one user agent. Strangers get a limited number, and a log line a minute."""

    def __init__(self, transports: Transports) -> None:
        self.guard = StrangerGuard()
        self._transports = transports
        self._tag = new_tag()  # of answers that open nothing

    def respond(
        self,
        transaction: ServerTransaction,
        code: int,
        phrase: str = "",
        *,
        to_tag: str = "",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        """Answer a transaction's request, with all that every answer carries."""
        peer = transaction.peer
        response = response_to(
            transaction.request,
            code,
            phrase,
            to_tag=to_tag or self._tag,
            source=(peer.host, peer.port),
        )
        if 180 <= code < 300 or code == 405:
            response.headers.set("Allow", ALLOW)
            response.headers.set("Supported", ", ".join(SUPPORTED))
        if code == 200 and transaction.request.method == "OPTIONS":
            response.headers.set("Accept", "application/sdp")
        for name, value in (headers or {}).items():
            response.headers.set(name, value)
        if body:
            response.headers.set("Content-Type", "application/sdp")
            response.body = body
        transaction.respond(response)
        return response

    def once(self, request: Request, peer: Peer, code: int, phrase: str = "") -> None:
        """Answer without keeping anything."""
        response = response_to(
            request, code, phrase, to_tag=self._tag, source=(peer.host, peer.port)
        )
        self._transports.answer(to_bytes(response), peer)

    def to_unreadable(self, error: Unreadable, peer: Peer) -> None:
        if self.guard.may_log("unreadable"):
            logger.info(
                "unreadable SIP message",
                extra={"why": error.phrase, "pii.peer": str(peer)},
            )
        if error.request is not None and self.guard.may_answer(peer.host):
            self.once(error.request, peer, error.code, error.phrase)

    def to_stranger(self, request: Request, peer: Peer) -> None:
        """Answer at most so often, keep nothing, and tell the log once a minute."""
        refused = self.guard.count_refusal()
        if self.guard.may_log("stranger"):
            logger.warning(
                "SIP requests from strangers are refused",
                extra={"refused": refused, "pii.peer": str(peer)},
            )
        if request.method == "CANCEL" or not self.guard.may_answer(peer.host):
            return
        code = 200 if request.method == "OPTIONS" else 403
        if request.method not in ("OPTIONS", "INVITE") and tag_of(
            request.headers["To"]
        ):
            code = 481
        self.once(request, peer, code)


def refusal_of(request: Request) -> tuple[int, str] | None:
    """Return why a request outside a dialog cannot be looked at, if so."""
    if request.method not in _KNOWN:
        return 405 if request.method.isupper() else 501, ""
    forwards = request.headers.get("Max-Forwards")
    if forwards is not None and not (forwards.isascii() and forwards.isdigit()):
        return 400, "Malformed Max-Forwards"
    if forwards is not None and int(forwards[:9]) == 0 and request.method != "OPTIONS":
        return 483, ""
    return None
