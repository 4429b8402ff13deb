"""Transactions of RFC 3261 section 17 and RFC 6026: who repeats what, and until when.

    client   send ─▶ (again after A/E) ─▶ provisional ─▶ final ─▶ (ACK again) ─▶ gone
    server   100 ─▶ provisional ─▶ final ─▶ (again after G) ─▶ ACK ─▶ gone

All waiting is on the loop's clock, so tests run on virtual time. A transaction always
ends by itself: that is what keeps a peer that disappears, or never meant to answer, from
holding anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sipmessage import Request, Response

from calls.telephony.sip.headers import top_via
from calls.telephony.sip.messages import COOKIE
from calls.telephony.sip.reading import to_bytes
from calls.telephony.sip.transport import Peer, TransportFailed, Transports

logger = logging.getLogger(__name__)

T1_S: Final = 0.5
T2_S: Final = 4.0
T4_S: Final = 5.0
TIMEOUT_S: Final = 64 * T1_S  # timers B, F, H, L, M
SETTLED_S: Final = 32.0  # timer D

Key = tuple[str, str, str]


def server_key(request: Request) -> Key:
    """Return what makes a request the same one again; an ACK's is its INVITE's."""
    method = "INVITE" if request.method == "ACK" else request.method
    via = top_via(request)
    branch = via.parameters.get("branch") or ""
    if not branch.startswith(COOKIE):  # RFC 2543 peers have no branch to go by
        cseq = request.headers["CSeq"].split()[0]
        branch = f"{request.headers['Call-ID']}|{cseq}|{request.headers['From']}"
    return branch, f"{via.host}:{via.port or ''}".lower(), method


class ClientTransaction:
    """One request of ours. `responses` gets each response; None means none will come.

    A final answer other than 2xx to an INVITE is acknowledged here; a 2xx, repetitions
    included, is passed on, for its ACK is the dialog's.
    """

    def __init__(
        self,
        transports: Transports,
        request: Request,
        peer: Peer,
        on_response: Callable[[Response | None], None],
        on_end: Callable[[ClientTransaction], None],
        *,
        silent_s: float = TIMEOUT_S,
    ) -> None:
        self.request, self.peer = request, peer
        self.branch = top_via(request).parameters.get("branch") or ""
        self.key = (self.branch, request.method)
        self.has_provisional = False
        self.failure = ""
        self._transports = transports
        self._data = to_bytes(request)
        self._on_response, self._on_end = on_response, on_end
        self._silent_s = silent_s
        self._is_invite = request.method == "INVITE"
        self._final: Response | None = None
        self._ack: bytes | None = None
        self._wait_s = T1_S
        self._repeat: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._is_over = False

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._silent_s, self._give_up)
        if not self.peer.is_reliable:
            self._repeat = loop.call_later(T1_S, self._send_again)
        self._send(self._data)

    def receive(self, response: Response) -> None:
        """Take a response that is this transaction's."""
        if self._is_over:
            return
        loop = asyncio.get_running_loop()
        if self._final is not None:
            self._receive_again(response)
            return
        if response.code < 200:
            self.has_provisional = True
            if self._is_invite:
                self._cancel_timers()  # it rings as long as its caller lets it
            elif self._repeat is not None:
                self._wait_s = T2_S
            self._on_response(response)
            return
        self._final = response
        self._cancel_timers()
        if self._is_invite and response.code >= 300:
            self._ack = ack_for_failure(self.request, response)
            self._send(self._ack)
            stays_s = 0.0 if self.peer.is_reliable else SETTLED_S
        elif self._is_invite:
            stays_s = TIMEOUT_S
        else:
            stays_s = 0.0 if self.peer.is_reliable else T4_S
        self._deadline = loop.call_later(stays_s, self.end)
        self._on_response(response)

    def end(self) -> None:
        """Forget everything; safe to repeat."""
        if self._is_over:
            return
        self._is_over = True
        self._cancel_timers()
        if self._sending is not None:
            self._sending.cancel()
        self._on_end(self)
        self._on_response = lambda response: None

    def _receive_again(self, response: Response) -> None:
        if self._ack is not None:
            self._send(self._ack)
        elif self._is_invite and response.code // 100 == 2:
            self._on_response(response)

    def _send(self, data: bytes) -> None:
        if not self.peer.is_reliable:
            try:
                self._transports.send_datagram(data, self.peer)
            except TransportFailed as error:
                self._fail(str(error))
            return
        if self._sending is not None and not self._sending.done():
            return
        self._sending = asyncio.create_task(self._send_on_stream(data))

    async def _send_on_stream(self, data: bytes) -> None:
        try:
            await self._transports.send(data, self.peer)
        except TransportFailed as error:
            self._sending = None
            self._fail(str(error))

    def _fail(self, why: str) -> None:
        if self._final is None and not self._is_over:
            self.failure = why
            self._give_up()

    def _send_again(self) -> None:
        self._send(self._data)
        self._wait_s = self._wait_s * 2
        if not self._is_invite:
            self._wait_s = min(self._wait_s, T2_S)
        loop = asyncio.get_running_loop()
        self._repeat = loop.call_later(self._wait_s, self._send_again)

    def _give_up(self) -> None:
        self.failure = self.failure or f"{self.peer} did not answer."
        on_response = self._on_response
        self.end()
        on_response(None)

    def _cancel_timers(self) -> None:
        for timer in (self._repeat, self._deadline):
            if timer is not None:
                timer.cancel()
        self._repeat = self._deadline = None


def ack_for_failure(invite: Request, response: Response) -> bytes:
    """Return the ACK of a final answer other than 2xx: the INVITE's way, its branch."""
    ack = Request("ACK", invite.uri)
    headers = ack.headers
    headers.set("Via", invite.headers.getlist("Via")[0])
    for name in ("Route", "Max-Forwards", "From"):
        for value in invite.headers.getlist(name):
            headers.add(name, value)
    headers.set("To", response.headers["To"])
    headers.set("Call-ID", invite.headers["Call-ID"])
    headers.set("CSeq", f"{invite.headers['CSeq'].split()[0]} ACK")
    return to_bytes(ack)


class ServerTransaction:
    """One request of theirs: repeats our answer when they repeat their question.

    The final answer to an INVITE is repeated until its ACK comes; `on_unanswered` is
    called when it never does.
    """

    def __init__(
        self,
        transports: Transports,
        request: Request,
        peer: Peer,
        on_end: Callable[[ServerTransaction], None],
    ) -> None:
        self.request, self.peer = request, peer
        self.key = server_key(request)
        self.final_code: int | None = None
        self.on_unacknowledged: Callable[[], None] = lambda: None
        self._transports = transports
        self._on_end = on_end
        self._is_invite = request.method == "INVITE"
        self._last: bytes | None = None
        self._wait_s = T1_S
        self._repeat: asyncio.TimerHandle | None = None
        # Whatever happens to who is to answer, the request is not kept forever.
        self._deadline: asyncio.TimerHandle | None = None
        self._is_over = False
        self._is_acknowledged = False

    def respond(self, response: Response) -> None:
        """Send an answer; after a final one nothing more is sent."""
        if self._is_over or self.final_code is not None:
            return
        self._last = to_bytes(response)
        self._transports.answer(self._last, self.peer)
        if response.code < 200:
            return
        self.final_code = response.code
        loop = asyncio.get_running_loop()
        if not self._is_invite:
            stays_s = 0.0 if self.peer.is_reliable else TIMEOUT_S
            self._deadline = loop.call_later(stays_s, self.end)
            return
        self._deadline = loop.call_later(TIMEOUT_S, self._never_acknowledged)
        # A 2xx is repeated on streams as well: its ACK may be lost behind a proxy.
        if response.code < 300 or not self.peer.is_reliable:
            self._repeat = loop.call_later(T1_S, self._send_again)

    def receive_again(self) -> None:
        """The same request came again."""
        if self._last is not None and not self._is_over and not self._is_acknowledged:
            self._transports.answer(self._last, self.peer)

    def acknowledge(self) -> None:
        """The ACK came: be silent, and stay a while for those that come late."""
        if self._is_over or self._is_acknowledged or self.final_code is None:
            return
        self._is_acknowledged = True
        self._cancel_timers()
        stays_s = 0.0 if self.peer.is_reliable else T4_S
        self._deadline = asyncio.get_running_loop().call_later(stays_s, self.end)

    def end(self) -> None:
        """Forget everything; safe to repeat."""
        if self._is_over:
            return
        self._is_over = True
        self._cancel_timers()
        self.on_unacknowledged = lambda: None
        self._on_end(self)

    def _send_again(self) -> None:
        assert self._last is not None
        self._transports.answer(self._last, self.peer)
        self._wait_s = min(2 * self._wait_s, T2_S)
        loop = asyncio.get_running_loop()
        self._repeat = loop.call_later(self._wait_s, self._send_again)

    def _never_acknowledged(self) -> None:
        on_unacknowledged = self.on_unacknowledged
        self.end()
        on_unacknowledged()

    def _cancel_timers(self) -> None:
        for timer in (self._repeat, self._deadline):
            if timer is not None:
                timer.cancel()
        self._repeat = self._deadline = None
