"""The user agent: matches what comes in to transactions and dialogs, and sends.

    bytes ─▶ read ─▶ response ─▶ client transaction
                 ╰─▶ request ──▶ server transaction (repeated) ─▶ dialog, or `on_request`

Nothing that comes in may raise out of here, whatever it is. What is held because of a
message is bounded: by `MAX_TRANSACTIONS`, by each transaction's own end, and by the
guard that answers strangers a limited number of times a second and nobody twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from sipmessage import URI, Parameters, Request, Response, Via

from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.dialog import Dialog, direct_peer
from calls.telephony.sip.headers import tag_of, top_via
from calls.telephony.sip.messages import bracketed, new_branch
from calls.telephony.sip.reading import Unreadable, read, to_bytes
from calls.telephony.sip.replies import Replies, refusal_of
from calls.telephony.sip.resolving import CannotResolve, Resolver
from calls.telephony.sip.transactions import (
    TIMEOUT_S,
    ClientTransaction,
    Key,
    ServerTransaction,
    server_key,
)
from calls.telephony.sip.transport import Listening, Peer, TransportFailed, Transports
from common.edges import contained

logger = logging.getLogger(__name__)

MAX_TRANSACTIONS: Final = 20_000
_LAST_WORDS_S: Final = 2.0
_MOST_TRIES: Final = 4  # challenges, old nonces


class NoResponse(Exception):
    """A request of ours got no final answer; the text says why."""


class DialogOwner(Protocol):
    """Who a request inside a dialog is for: a call."""

    def on_request(self, transaction: ServerTransaction) -> None:
        """Answer it, in the end."""

    def on_ack(self, request: Request) -> None:
        """Our 2xx arrived."""


# A request outside every dialog, with its transaction.
OnRequest = Callable[[ServerTransaction], None]


class UserAgent:
    """One SIP user agent on its sockets. `trusts` tells whose requests are looked at."""

    def __init__(
        self,
        listening: Listening,
        *,
        resolver: Resolver,
        trusts: Callable[[Request, Peer], bool],
        on_invite: OnRequest,
    ) -> None:
        self.transports = Transports(listening, self._receive)
        self.resolver = resolver
        self._trusts = trusts
        self._on_invite = on_invite
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._dialogs: dict[tuple[str, str], DialogOwner] = {}
        self._cancels: dict[Key, Callable[[], None]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self._replies = Replies(self.transports)
        self.respond = self._replies.respond

    async def open(self) -> None:
        await self.transports.open()

    async def aclose(self) -> None:
        """Let goodbyes that are on their way arrive, then close everything."""
        if self._background:
            _, late = await asyncio.wait(set(self._background), timeout=_LAST_WORDS_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        for client in list(self._clients.values()):
            client.end()
        for server in list(self._servers.values()):
            server.end()
        await self.transports.aclose()

    @property
    def held(self) -> tuple[int, int, int]:
        """Client transactions, server transactions and dialogs there are now."""
        return len(self._clients), len(self._servers), len(self._dialogs)

    # --- dialogs --------------------------------------------------------------------

    def add_dialog(self, call_id: str, local_tag: str, owner: DialogOwner) -> None:
        self._dialogs[call_id, local_tag] = owner

    def drop_dialog(self, call_id: str, local_tag: str) -> None:
        self._dialogs.pop((call_id, local_tag), None)

    def on_cancel(self, invite: ServerTransaction, action: Callable[[], None]) -> None:
        """Have `action` called when this INVITE, not yet answered, is cancelled."""
        self._cancels[invite.key] = action

    # --- sending --------------------------------------------------------------------

    def contact(self, user: str, peer: Peer) -> str:
        """Return our Contact as this peer can reach it."""
        host = bracketed(self.transports.local_host(peer.host))
        port = self.transports.port
        if peer.transport == "tls" and self.transports.tls_port is not None:
            port = self.transports.tls_port
        suffix = "" if peer.transport == "udp" else f";transport={peer.transport}"
        return f"<sip:{user}@{host}:{port}{suffix}>"

    def send(
        self,
        request: Request,
        peer: Peer,
        on_response: Callable[[Response | None], None],
        *,
        silent_s: float = TIMEOUT_S,
        branch: str = "",
    ) -> ClientTransaction:
        """Start a transaction; `None` comes when no answer will."""
        if not request.headers.getlist("Via"):
            self._add_via(request, peer, branch or new_branch())
        transaction = ClientTransaction(
            self.transports,
            request,
            peer,
            on_response,
            self._forget_client,
            silent_s=silent_s,
        )
        self._clients[transaction.key] = transaction
        transaction.start()
        return transaction

    async def ask(
        self, request: Request, peer: Peer, *, silent_s: float = TIMEOUT_S
    ) -> Response:
        """Send a request other than INVITE and return its final answer.

        Raises `NoResponse`.
        """
        loop = asyncio.get_running_loop()
        final: asyncio.Future[Response | None] = loop.create_future()

        def take(response: Response | None) -> None:
            if not final.done() and (response is None or response.code >= 200):
                final.set_result(response)

        transaction = self.send(request, peer, take, silent_s=silent_s)
        try:
            response = await final
        finally:
            if not final.done() or final.cancelled():
                transaction.end()
        if response is None:
            raise NoResponse(transaction.failure)
        return response

    async def ask_signed(
        self,
        build: Callable[[], Request],
        peer: Peer,
        auth: AuthSession,
        *,
        silent_s: float = TIMEOUT_S,
    ) -> Response:
        """Ask, and ask again with credentials as often as makes sense."""
        for _ in range(_MOST_TRIES):
            request = build()
            auth.sign(request)
            response = await self.ask(request, peer, silent_s=silent_s)
            if not auth.take(response):
                return response
        return response

    def send_ack(self, dialog: Dialog, ack: Request) -> None:
        """Send the ACK of a 2xx; it is its own transaction and gets no answer."""
        self.in_background(self._send_ack(dialog, ack))

    async def _send_ack(self, dialog: Dialog, ack: Request) -> None:
        try:
            peer = await self.peer_of(dialog)
            self._add_via(ack, peer, new_branch())
            await self.transports.send(to_bytes(ack), peer)
        except (TransportFailed, NoResponse) as error:
            logger.info("an ACK could not be sent", extra={"why": str(error)})

    async def peer_of(self, dialog: Dialog) -> Peer:
        """Return where a dialog's next request goes; raise `NoResponse`."""
        uri = dialog.next_hop()
        peer = direct_peer(uri, dialog.peer, self.resolver.permitted)
        if peer is not None:
            return peer
        transport = (uri.parameters.get("transport") or "").lower()
        try:
            found = await self.resolver.resolve(
                uri.host,
                uri.port,
                "tls" if uri.scheme == "sips" else transport or dialog.peer.transport,
            )
        except CannotResolve as error:
            raise NoResponse(str(error)) from error
        return found[0]

    def in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something nobody waits for, which `aclose` gives a last chance."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("SIP work failed", exc_info=error)

    def _add_via(self, request: Request, peer: Peer, branch: str) -> None:
        port = self.transports.port
        if peer.transport == "tls" and self.transports.tls_port is not None:
            port = self.transports.tls_port
        via = Via(
            peer.transport.upper(),
            bracketed(self.transports.local_host(peer.host)),
            port,
            Parameters(rport=None, branch=branch),
        )
        vias = request.headers.getlist("Via")
        request.headers.remove("Via")
        # First, before the headers that are there: many look no further.
        request.headers._list.insert(0, ("Via", [str(via), *vias]))

    def _forget_client(self, transaction: ClientTransaction) -> None:
        self._clients.pop(transaction.key, None)

    def _forget_server(self, transaction: ServerTransaction) -> None:
        self._servers.pop(transaction.key, None)
        self._cancels.pop(transaction.key, None)

    # --- receiving ------------------------------------------------------------------

    def _receive(self, data: bytes, peer: Peer) -> None:
        guard = self._replies.guard
        # No message may take the agent down, nor fill the log.
        with contained(
            logger,
            "a SIP message broke its handler",
            may_log=lambda: guard.may_log("broken"),
        ):
            try:
                message = read(data, is_stream=peer.is_reliable)
                if isinstance(message, Response):
                    self._take_response(message)
                elif message is not None:
                    self._take_request(message, peer)
            except Unreadable as error:
                self._replies.to_unreadable(error, peer)

    def _take_response(self, response: Response) -> None:
        branch = top_via(response).parameters.get("branch") or ""
        method = response.headers["CSeq"].split()[-1]
        transaction = self._clients.get((branch, method))
        if transaction is not None:
            transaction.receive(response)

    def _take_request(self, request: Request, peer: Peer) -> None:
        key = server_key(request)
        known = self._servers.get(key)
        if request.method == "ACK":
            self._take_ack(request, known)
            return
        if known is not None:
            known.receive_again()
            return
        if request.method == "CANCEL" and self._take_cancel(request, peer):
            return
        owner = self._owner_of(request)
        if owner is None and not self._trusts(request, peer):
            self._replies.to_stranger(request, peer)
            return
        if len(self._servers) >= MAX_TRANSACTIONS:
            self._replies.once(request, peer, 503)
            return
        transaction = ServerTransaction(
            self.transports, request, peer, self._forget_server
        )
        self._servers[key] = transaction
        self._dispatch(transaction, owner)

    def _dispatch(
        self, transaction: ServerTransaction, owner: DialogOwner | None
    ) -> None:
        request, is_broken = transaction.request, True
        try:
            if owner is not None:
                owner.on_request(transaction)
            elif tag_of(request.headers["To"]):
                self.respond(transaction, 481)
            elif (refusal := refusal_of(request)) is not None:
                self.respond(transaction, *refusal)
            elif request.method == "INVITE":
                self._on_invite(transaction)
            elif request.method == "OPTIONS":
                self.respond(transaction, 200)
            else:
                self.respond(transaction, 481)
            is_broken = False
        finally:
            if is_broken:
                self.respond(transaction, 500)
                transaction.end()

    def _owner_of(self, request: Request) -> DialogOwner | None:
        tag = tag_of(request.headers["To"])
        return self._dialogs.get((request.headers["Call-ID"], tag)) if tag else None

    def _take_ack(self, request: Request, known: ServerTransaction | None) -> None:
        if known is not None and (known.final_code or 0) >= 300:
            known.acknowledge()
            return
        owner = self._owner_of(request)
        if owner is not None:
            owner.on_ack(request)

    def _take_cancel(self, request: Request, peer: Peer) -> bool:
        """Cancel an INVITE; False when there is none, which is dealt with as usual."""
        branch, sent_by, _ = server_key(request)
        invite = self._servers.get((branch, sent_by, "INVITE"))
        if invite is None:
            return False
        self._replies.once(request, peer, 200)
        action = self._cancels.pop(invite.key, None)
        if action is not None and invite.final_code is None:
            action()
        return True


def target_uri(host: str, user: str | None = None, port: int | None = None) -> URI:
    """Return a request's URI."""
    return URI(scheme="sip", host=bracketed(host), user=user, port=port)
