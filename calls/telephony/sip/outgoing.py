"""A call that we make: INVITE, its many possible answers, and one way out of each.

peers of the trunk ─▶ INVITE ─▶ 1xx (early media, PRACK) ─▶ 2xx ─▶ ACK: answered
     ▲                  │ 401 407 422: again, with what was wanted
     ╰── 503, silence ──╯ other finals: `NotAnswered`
hang up or ring timeout ─▶ CANCEL ─▶ 487; a 2xx that crosses it ─▶ ACK, BYE
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sipmessage import CSeq, Request, Response

from calls.media.link import LinkEnd
from calls.media.phone_link import PhoneLink
from calls.telephony.protocol import NoAnswerOutcome, NotAnswered, PlaceRequest
from calls.telephony.sip import outcomes, session_timer
from calls.telephony.sip.agent import NoResponse, UserAgent, target_uri
from calls.telephony.sip.dialog import Dialog
from calls.telephony.sip.headers import tag_of
from calls.telephony.sip.messages import (
    ALLOW,
    SUPPORTED,
    bracketed,
    new_call_id,
    new_request,
    new_tag,
)
from calls.telephony.sip.negotiation import SDP_TYPE, Negotiation
from calls.telephony.sip.replaceable import ReplaceableLeg
from calls.telephony.sip.resolving import CannotResolve
from calls.telephony.sip.sdp import BadDescription
from calls.telephony.sip.session_timer import MIN_SE_S
from calls.telephony.sip.transactions import TIMEOUT_S, ClientTransaction
from calls.telephony.sip.transport import Peer
from calls.telephony.sip.trunk import SipTrunk
from common.edges import contained

logger = logging.getLogger(__name__)

SILENT_S: Final = 5.0  # without any answer, the next peer is tried
MOST_TRIES: Final = 6
_NEXT_PEER: Final = frozenset({408, 500, 502, 503, 504})


class OutgoingLeg(ReplaceableLeg):
    """Rings at `request.destination` from the moment it is made."""

    def __init__(
        self,
        agent: UserAgent,
        trunk: SipTrunk,
        link: PhoneLink,
        negotiation: Negotiation,
        on_end: Callable[[], None],
        request: PlaceRequest,
        peers: list[Peer],
    ) -> None:
        super().__init__(agent, trunk, link, negotiation, on_end)
        self.request = request
        self._peers = peers
        self._call_id = new_call_id()
        self._sequence = 0
        self._tag = new_tag()
        self._session_expires_s = trunk.session_expires_s
        self._responses: asyncio.Queue[Response | None] = asyncio.Queue()
        self._transaction: ClientTransaction | None = None
        self._invite: Request | None = None
        self._is_leaving = False
        self._last_rseq = 0
        self._early_done = False
        self._peer = peers[0]
        self._task = asyncio.create_task(self._dial(), name=f"sip {request.call_id}")

    async def aclose(self) -> None:
        self._give_up(LinkEnd.LOCAL_CLOSE)
        if asyncio.current_task() is not self._task and not self._is_confirmed:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # --- dialling -------------------------------------------------------------------

    async def _dial(self) -> None:
        refusal = NotAnswered(NoAnswerOutcome.FAILED, "The call could not be made.")
        with contained(logger, "dialling over SIP failed"):  # the call must end
            try:
                async with asyncio.timeout(self.request.ring_timeout_s):
                    await self._try_peers()
                return
            except TimeoutError:
                refusal = NotAnswered(
                    NoAnswerOutcome.NO_ANSWER, "Nobody answered in time.", code="408"
                )
            except NotAnswered as error:
                refusal = error
        if not self._answered.done():
            self._answered.set_exception(refusal)
        self._give_up(LinkEnd.LOST)

    async def _try_peers(self) -> None:
        for number, peer in enumerate(self._peers, 1):
            is_last = number == len(self._peers)
            try:
                await self._try(peer, TIMEOUT_S if is_last else SILENT_S)
                return
            except NoResponse as error:
                self._agent.resolver.shun(peer)
                if is_last:
                    raise NotAnswered(
                        NoAnswerOutcome.FAILED, f"The trunk did not answer: {error}"
                    ) from error
            except NotAnswered as refusal:
                if is_last or int(refusal.code or 0) not in _NEXT_PEER:
                    raise
                self._agent.resolver.shun(peer)

    async def _try(self, peer: Peer, silent_s: float) -> None:
        """Ring at one peer; return when answered, raise when not."""
        self._peer = peer
        for _ in range(MOST_TRIES):
            response = await self._ring(peer, silent_s)
            if response.code // 100 == 2:
                self._take_answer(response, peer)
                return
            if response.code == 422:
                wanted_s = session_timer.seconds_of(response, "Min-SE") or 0
                if self._session_expires_s < wanted_s <= session_timer.MOST_S:
                    self._session_expires_s = wanted_s
                    continue
            if not self._auth.take(response):
                raise outcomes.not_answered(response)
        raise NotAnswered(NoAnswerOutcome.FAILED, "The trunk asks again and again.")

    async def _ring(self, peer: Peer, silent_s: float) -> Response:
        self._invite = self._new_invite(peer)
        responses: asyncio.Queue[Response | None] = asyncio.Queue()
        self._responses = responses
        self._early_done, self._last_rseq = False, 0
        invite = self._invite
        self._transaction = self._agent.send(
            invite,
            peer,
            lambda response: self._take_response(responses, invite, response),
            silent_s=silent_s,
        )
        while True:
            response = await responses.get()
            if response is None:
                raise NoResponse(self._transaction.failure)
            if response.code >= 200:
                return response
            self._take_provisional(response, peer)

    def _new_invite(self, peer: Peer) -> Request:
        trunk, request = self.trunk, self.request
        self._sequence += 1
        host = trunk.host
        port = trunk.port
        number = trunk.dialled(request.destination)
        uri = target_uri(host, number, port)
        domain = bracketed(trunk.domain)
        caller = trunk.dialled(request.caller_id)
        from_value = f"<sip:{caller}@{domain}>"
        if not caller:
            from_value = '"Anonymous" <sip:anonymous@anonymous.invalid>'
        invite = new_request(
            "INVITE",
            uri,
            from_value=f"{from_value};tag={self._tag}",
            to_value=f"<{uri}>",
            call_id=self._call_id,
            sequence=self._sequence,
            body=self._negotiation.offer(),
            content_type=SDP_TYPE,
        )
        headers = invite.headers
        headers.set("Contact", self._agent.contact(trunk.contact_user, peer))
        headers.set("Allow", ALLOW)
        headers.set("Supported", ", ".join(SUPPORTED))
        headers.set("Session-Expires", str(self._session_expires_s))
        headers.set("Min-SE", str(MIN_SE_S))
        if caller and trunk.asserts_identity:
            headers.set("P-Asserted-Identity", f"<sip:{caller}@{domain}>")
        if not caller:
            headers.set("Privacy", "id")
        self._auth.sign(invite)
        return invite

    # --- responses ------------------------------------------------------------------

    def _take_response(
        self,
        responses: asyncio.Queue[Response | None],
        invite: Request,
        response: Response | None,
    ) -> None:
        """Hand a response on; once nobody waits, tidy up what still comes in."""
        if response is not None and response.code // 100 == 2:
            dialog = self._dialog
            if self._is_confirmed and dialog is not None:
                sequence = CSeq.parse(invite.headers["CSeq"]).sequence
                if tag_of(response.headers["To"]) == dialog.remote_tag:
                    self._agent.send_ack(dialog, dialog.ack(sequence))
                else:  # a second telephone answered as well
                    self._decline(invite, response)
                return
            if self._is_leaving:
                self._decline(invite, response)
                return
        if self._is_leaving:
            if response is not None and response.code < 200:
                self._send_cancel()
            return
        responses.put_nowait(response)

    def _take_provisional(self, response: Response, peer: Peer) -> None:
        if response.code == 100 or not tag_of(response.headers["To"]):
            return
        assert self._invite is not None
        contact = self._invite.headers["Contact"]
        dialog = Dialog.as_caller(self._invite, response, contact, peer)
        if response.body and not self._early_done:
            try:
                self._negotiation.take_answer(response.body)
                self._early_done = True
                self._apply()
            except BadDescription as error:
                logger.info("early media is no use", extra={"why": str(error)})
        self._acknowledge_provisional(dialog, response)

    def _acknowledge_provisional(self, dialog: Dialog, response: Response) -> None:
        required = response.headers.get("Require") or ""
        rseq = (response.headers.get("RSeq") or "").strip()
        if "100rel" not in required.lower() or not (rseq.isascii() and rseq.isdigit()):
            return
        if int(rseq[:10]) <= self._last_rseq:
            return  # the same one again
        self._last_rseq = int(rseq[:10])
        cseq = CSeq.parse(response.headers["CSeq"])

        async def prack() -> None:
            def build() -> Request:
                dialog.local_sequence = self._sequence
                request = dialog.request("PRACK")
                self._sequence = dialog.local_sequence
                request.headers.set("RAck", f"{rseq} {cseq.sequence} {cseq.method}")
                return request

            try:
                target = await self._agent.peer_of(dialog)
                await self._agent.ask_signed(build, target, self._auth)
            except NoResponse as error:
                logger.info("a PRACK got no answer", extra={"why": str(error)})

        self._agent.in_background(prack())

    def _take_answer(self, response: Response, peer: Peer) -> None:
        assert self._invite is not None
        contact = self._invite.headers["Contact"]
        dialog = Dialog.as_caller(self._invite, response, contact, peer)
        sequence, dialog.local_sequence = dialog.local_sequence, self._sequence
        self._agent.send_ack(dialog, dialog.ack(sequence))
        self._confirm(dialog)
        try:
            if response.body:
                self._negotiation.take_answer(response.body)
            elif not self._early_done:
                raise BadDescription("The answer has no session description.")
            self._apply()
        except BadDescription as error:
            refusal = NotAnswered(NoAnswerOutcome.FAILED, str(error), code="488")
            self._answered.set_exception(refusal)
            self.end(LinkEnd.LOST)
            return
        self._start_timer(session_timer.as_caller(response))
        self.link.open_ears()
        if not self._answered.done():
            self._answered.set_result(None)

    # --- leaving --------------------------------------------------------------------

    def _give_up(self, end: LinkEnd) -> None:
        """Stop, at any stage."""
        if not self._is_leaving and not self._is_confirmed:
            self._is_leaving = True
            self._send_cancel()
            while not self._responses.empty():  # an answer nobody has looked at yet
                response = self._responses.get_nowait()
                if response is not None and response.code // 100 == 2:
                    assert self._invite is not None
                    self._decline(self._invite, response)
        self.end(end)

    def _send_cancel(self) -> None:
        """Cancel the INVITE, if it has been heard; else when it is: RFC 3261 9.1."""
        transaction, invite = self._transaction, self._invite
        if transaction is None or invite is None or not transaction.has_provisional:
            return
        self._transaction = None
        cancel = Request("CANCEL", invite.uri)
        for name in ("Via", "Max-Forwards", "From", "To", "Call-ID", "Route"):
            for value in invite.headers.getlist(name)[:1]:
                cancel.headers.set(name, value)
        cancel.headers.set("CSeq", f"{invite.headers['CSeq'].split()[0]} CANCEL")
        self._agent.send(cancel, transaction.peer, lambda response: None)

    def _decline(self, invite: Request, response: Response) -> None:
        """End a call that was answered when we wanted it no more."""
        contact = invite.headers["Contact"]
        dialog = Dialog.as_caller(invite, response, contact, self._peer)
        self._agent.send_ack(dialog, dialog.ack(dialog.local_sequence))

        async def say_goodbye() -> None:
            try:
                peer = await self._agent.peer_of(dialog)
                await self._agent.ask_signed(
                    lambda: dialog.request("BYE"), peer, self._auth
                )
            except NoResponse:
                logger.info("a BYE got no answer")

        self._agent.in_background(say_goodbye())


async def peers_of(agent: UserAgent, trunk: SipTrunk) -> list[Peer]:
    """Return where a trunk's requests may go; raise `NotAnswered`."""
    host, port = trunk.next_host
    try:
        return await agent.resolver.resolve(host, port, trunk.transport)
    except CannotResolve as error:
        raise NotAnswered(NoAnswerOutcome.FAILED, str(error)) from error
