"""A call that comes in: ringing, early media, answered or turned away.

INVITE ─▶ 100 ─▶ ring 180 ─▶ answer 200 ─▶ ACK: answered
             ╰─▶ answer_early 183 ─▶ …     ╰─ never: ended, nothing was said
             ╰─▶ reject 4xx 5xx 6xx
CANCEL ─▶ 487
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from calls.media.link import LinkEnd
from calls.media.phone_link import PhoneLink
from calls.telephony.protocol import NoAnswerOutcome, NotAnswered, RejectReason
from calls.telephony.sip import session_timer
from calls.telephony.sip.agent import UserAgent
from calls.telephony.sip.dialog import Dialog
from calls.telephony.sip.messages import USER_AGENT, new_tag
from calls.telephony.sip.negotiation import Negotiation
from calls.telephony.sip.outcomes import REJECTIONS
from calls.telephony.sip.replaceable import ReplaceableLeg
from calls.telephony.sip.sdp import BadDescription
from calls.telephony.sip.transactions import T1_S, TIMEOUT_S, ServerTransaction
from calls.telephony.sip.trunk import SipTrunk

logger = logging.getLogger(__name__)

RETRY_AFTER_S: Final = 5
_RINGS_ON_S: Final = 60.0  # proxies forget an INVITE that says nothing for 3 minutes


class SipIncomingLeg(ReplaceableLeg):
    """An `IncomingLeg` over an INVITE that has not been answered yet."""

    def __init__(
        self,
        agent: UserAgent,
        trunk: SipTrunk,
        link: PhoneLink,
        negotiation: Negotiation,
        on_end: Callable[[], None],
        transaction: ServerTransaction,
    ) -> None:
        super().__init__(agent, trunk, link, negotiation, on_end)
        self._invite = transaction
        self._tag = new_tag()
        request = transaction.request
        contact = agent.contact(trunk.contact_user, transaction.peer)
        self._early = Dialog.as_callee(request, self._tag, contact, transaction.peer)
        self._dialog = self._early
        agent.add_dialog(self._early.call_id, self._tag, self)
        agent.on_cancel(transaction, self._cancelled)
        required = (request.headers.get("Require") or "").lower()
        self._is_reliable = "100rel" in required
        self._reliable: tuple[int, asyncio.TimerHandle | None] = (0, None)
        self._waiting: tuple[int, bytes] | None = None  # until that one has its PRACK
        self._body = b""
        self._ringing: asyncio.TimerHandle | None = None

    async def ring(self) -> None:
        self._provisional(180)

    async def answer_early(self) -> None:
        if self._is_settled:
            return
        self._body = self._body or self._negotiate()
        self._apply()
        self._provisional(183, self._body)

    async def answer(self) -> None:
        if self._is_settled:
            await self.wait_answered()
            return
        self._body = self._body or self._negotiate()
        self._stop_ringing()
        headers = {"Contact": self._early.contact}
        interval = session_timer.as_callee(self._invite.request)
        if interval is not None:
            refresher = "uas" if interval.is_ours else "uac"
            headers["Session-Expires"] = f"{interval.seconds};refresher={refresher}"
            headers["Require"] = "timer"
        self._invite_answered = self._invite
        self._invite.on_unacknowledged = lambda: self.end(LinkEnd.LOST)
        self._awaits_answer_in_ack = not self._invite.request.body
        self._confirm(self._early)
        self._agent.respond(
            self._invite, 200, to_tag=self._tag, headers=headers, body=self._body
        )
        if not self._awaits_answer_in_ack:
            self._apply()
        self._start_timer(interval)
        await self.wait_answered()

    async def reject(
        self, reason: RejectReason, *, retry_after_s: int | None = None
    ) -> None:
        headers = {}
        if retry_after_s is None and reason is RejectReason.OVER_LIMIT:
            retry_after_s = RETRY_AFTER_S
        if retry_after_s is not None:
            headers["Retry-After"] = str(retry_after_s)
        self._turn_away(REJECTIONS[reason], headers)

    # --- inside ---------------------------------------------------------------------

    @property
    def _is_settled(self) -> bool:
        return self.is_closed or self._invite.final_code is not None

    def _acknowledged(self) -> None:
        if not self.is_closed and not self._answered.done():
            self.link.open_ears()
            self._answered.set_result(None)

    def _negotiate(self) -> bytes:
        """Return our answer to their offer, or our offer where they made none."""
        request = self._invite.request
        if not request.body:
            return self._negotiation.offer()
        try:
            is_secure = self._invite.peer.transport == "tls"
            return self._negotiation.answer(request.body, is_secure=is_secure)
        except BadDescription as error:
            self._turn_away(488, {"Warning": f'399 {USER_AGENT} "{error}"'})
            raise NotAnswered(NoAnswerOutcome.FAILED, str(error), code="488") from error

    def _provisional(self, code: int, body: bytes = b"") -> None:
        if self._is_settled:
            return
        headers = {"Contact": self._early.contact}
        if self._is_reliable:
            number, repeating = self._reliable
            if repeating is not None:  # one at a time: RFC 3262 3
                self._waiting = (code, body) if body else self._waiting
                return
            headers |= {"Require": "100rel", "RSeq": str(number + 1)}
        self._agent.respond(
            self._invite, code, to_tag=self._tag, headers=headers, body=body
        )
        loop = asyncio.get_running_loop()
        if self._is_reliable:
            self._repeat_until_prack(self._reliable[0] + 1, T1_S, loop.time())
        elif code == 180:
            self._stop_ringing()
            self._ringing = loop.call_later(_RINGS_ON_S, self._provisional, 180)

    def _repeat_until_prack(self, number: int, wait_s: float, since_s: float) -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            if self._is_settled:
                return
            if loop.time() - since_s > TIMEOUT_S:
                self._turn_away(504, {})
                return
            self._invite.receive_again()
            self._repeat_until_prack(number, 2 * wait_s, since_s)

        self._reliable = (number, loop.call_later(wait_s, again))

    def _take_prack(self, transaction: ServerTransaction) -> None:
        number, repeating = self._reliable
        acked = (transaction.request.headers.get("RAck") or "").split()
        if repeating is None or not acked or acked[0] != str(number):
            self._agent.respond(transaction, 481)
            return
        repeating.cancel()
        self._reliable = (number, None)
        self._agent.respond(transaction, 200)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._provisional(*waiting)

    def _cancelled(self) -> None:
        """The caller hung up before we answered."""
        self._turn_away(487, {})

    def _turn_away(self, code: int, headers: dict[str, str]) -> None:
        if self._invite.final_code is None:
            self._agent.respond(self._invite, code, to_tag=self._tag, headers=headers)
        self.end(LinkEnd.REMOTE_HANGUP if code == 487 else LinkEnd.LOCAL_CLOSE)

    def _stop_ringing(self) -> None:
        if self._ringing is not None:
            self._ringing.cancel()
            self._ringing = None
        if self._reliable[1] is not None:
            self._reliable[1].cancel()
            self._reliable = (self._reliable[0], None)

    def end(self, end: LinkEnd, *, says_goodbye: bool = False) -> None:
        self._stop_ringing()
        if self._invite.final_code is None:  # hung up by us without a word
            self._agent.respond(self._invite, 480, to_tag=self._tag)
        super().end(end, says_goodbye=says_goodbye)

    def _why_unanswered(self, end: LinkEnd) -> NotAnswered:
        return NotAnswered(
            NoAnswerOutcome.NO_ANSWER, "The caller hung up before it was answered."
        )
