"""A SIP call once it has a dialog: what both directions of calls share.

    in-dialog requests ─▶ on_request ─▶ hold, keys, transfer news, goodbye
    hold, transfer, keys, hang up ─▶ requests of ours

A leg is a `Leg`; its audio is a `PhoneLink`. It ends once, whoever ends it, and then its
ports, its dialog, its timers and its place on the trunk are given back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sipmessage import Request, Response

from calls.media.frames import QueuedAudioInput
from calls.media.link import AudioTap, LinkEnd, LinkStats
from calls.media.output import PulledAudioOutput
from calls.media.phone_link import PhoneLink
from calls.telephony.digits import DigitBox, checked_digits
from calls.telephony.protocol import (
    DigitListener,
    NoAnswerOutcome,
    NotAnswered,
    TransferFailure,
    TransferRefused,
)
from calls.telephony.sip import session_timer
from calls.telephony.sip.agent import NoResponse, UserAgent
from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.dialog import Dialog
from calls.telephony.sip.info import KEY_TYPE, key_body, key_in
from calls.telephony.sip.messages import USER_AGENT
from calls.telephony.sip.negotiation import Negotiation
from calls.telephony.sip.reoffers import Reoffers
from calls.telephony.sip.sdp import BadDescription
from calls.telephony.sip.session_timer import Interval, SessionTimer
from calls.telephony.sip.transactions import ServerTransaction
from calls.telephony.sip.transfer import Referral
from calls.telephony.sip.trunk import SipTrunk

logger = logging.getLogger(__name__)


class SipLeg:
    """The shared half of `OutgoingLeg` and `IncomingLeg`."""

    def __init__(
        self,
        agent: UserAgent,
        trunk: SipTrunk,
        link: PhoneLink,
        negotiation: Negotiation,
        on_end: Callable[[], None],
    ) -> None:
        self.trunk = trunk
        self.link = link
        self._agent = agent
        self._negotiation = negotiation
        self._on_end: Callable[[], None] | None = on_end
        self._auth = AuthSession(trunk.credentials)
        self._dialog: Dialog | None = None
        self._is_confirmed = False
        self._digits = DigitBox()
        link.on_digit = self._digits.press
        self._is_held_by_us = False
        self._offers = Reoffers(
            agent,
            self._auth,
            negotiation,
            on_answer=self._take_reanswer,
            on_gone=lambda: self.end(LinkEnd.LOST),
            is_over=lambda: self.is_closed,
        )
        self._timer = SessionTimer(self._refresh, self._expire)
        self._interval: Interval | None = None
        self._referral: Referral | None = None
        self._invite_answered: ServerTransaction | None = None
        self._awaits_answer_in_ack = False
        loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] = loop.create_future()
        # Nobody may be waiting; an outcome nobody asked for is no error.
        self._answered.add_done_callback(lambda f: f.cancelled() or f.exception())

    # --- MediaLink and Leg ----------------------------------------------------------

    @property
    def audio_input(self) -> QueuedAudioInput:
        return self.link.audio_input

    @property
    def audio_output(self) -> PulledAudioOutput:
        return self.link.audio_output

    @property
    def offset_ms(self) -> int:
        return self.link.offset_ms

    @property
    def is_closed(self) -> bool:
        return self.link.is_closed

    @property
    def is_on_hold(self) -> bool:
        return self._is_held_by_us or self._negotiation.is_held_by_them

    @property
    def is_answered(self) -> bool:
        return self._is_confirmed or self.is_closed

    async def wait_answered(self) -> None:
        await asyncio.shield(self._answered)

    async def wait_connected(self, timeout_s: float) -> None:
        await self.link.wait_connected(timeout_s)

    async def wait_closed(self) -> LinkEnd:
        return await self.link.wait_closed()

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        self.link.set_taps(caller=caller, assistant=assistant)

    def stats(self) -> LinkStats:
        return self.link.stats()

    async def hang_up(self) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self.end(LinkEnd.LOCAL_CLOSE)

    def set_digit_listener(self, listener: DigitListener | None) -> None:
        self._digits.listen(listener)

    async def send_digits(self, digits: str) -> None:
        keys = checked_digits(digits)
        theirs = self._negotiation.theirs
        if theirs is not None and theirs.dtmf_type is not None:
            await self.link.press(keys)
            return
        for key in keys:
            await self._send_info(key)

    async def hold(self) -> None:
        self._is_held_by_us = True
        self._negotiation.direction = "sendonly"
        self._apply()
        await self._offer_again()

    async def resume(self) -> None:
        self._is_held_by_us = False
        self._negotiation.direction = "sendrecv"
        await self._offer_again()
        self._apply()

    async def transfer(self, destination: str) -> None:
        dialog = self._dialog
        if dialog is None or not self._is_confirmed or self.is_closed:
            raise TransferRefused(TransferFailure.FAILED, "The call is not connected.")
        if self._referral is not None:
            raise TransferRefused(
                TransferFailure.REFUSED, "A transfer is already going on."
            )
        self._referral = Referral(
            self._agent, self.trunk, dialog, self._auth, destination
        )
        try:
            await self._referral.run(self.link.wait_closed)
        finally:
            self._referral = None
        self.end(LinkEnd.REMOTE_HANGUP, says_goodbye=True)

    # --- the other side's requests --------------------------------------------------

    def on_request(self, transaction: ServerTransaction) -> None:
        request, dialog = transaction.request, self._dialog
        if dialog is None or not dialog.take(request):
            self._agent.respond(transaction, 500 if dialog else 481)
            return
        dialog.peer = transaction.peer
        method = request.method
        if method == "BYE":
            self._agent.respond(transaction, 200)
            self.end(LinkEnd.REMOTE_HANGUP)
        elif method in ("INVITE", "UPDATE"):
            self._take_offer(transaction)
        elif method == "INFO":
            self._take_info(transaction)
        elif method == "NOTIFY":
            self._take_notify(transaction)
        elif method == "PRACK":
            self._take_prack(transaction)
        elif method == "OPTIONS":
            self._agent.respond(transaction, 200)
        elif method == "REFER":
            self._take_refer(transaction)
        else:
            self._agent.respond(transaction, 405)

    def on_ack(self, request: Request) -> None:
        answered, self._invite_answered = self._invite_answered, None
        if answered is None:
            return
        answered.acknowledge()
        if self._awaits_answer_in_ack:
            self._awaits_answer_in_ack = False
            try:
                self._negotiation.take_answer(request.body)
                self._apply()
            except BadDescription as error:
                logger.info("no audio in an ACK", extra={"why": str(error)})
                self.end(LinkEnd.LOST)
                return
        self._acknowledged()

    def _acknowledged(self) -> None:
        """The other side has our 2xx."""

    def _take_offer(self, transaction: ServerTransaction) -> None:
        """Answer a re-INVITE or an UPDATE: hold, another codec, another address."""
        request, dialog = transaction.request, self._dialog
        assert dialog is not None
        if self._offers.is_asking or not self._is_confirmed:
            self._agent.respond(transaction, 491)
            return
        dialog.refresh_target(request)
        headers = {"Contact": dialog.contact}
        interval = session_timer.as_callee(request)
        if interval is not None:
            refresher = "uas" if interval.is_ours else "uac"
            headers["Session-Expires"] = f"{interval.seconds};refresher={refresher}"
            headers["Require"] = "timer"
            self._timer.start(interval)
        body = b""
        try:
            if request.body:
                is_secure = transaction.peer.transport == "tls"
                body = self._negotiation.answer(request.body, is_secure=is_secure)
                self._apply()
            elif request.method == "INVITE":
                body = self._negotiation.offer()
                self._awaits_answer_in_ack = True
        except BadDescription as error:
            self._agent.respond(
                transaction, 488, headers={"Warning": warning_of(error)}
            )
            return
        if request.method == "INVITE":
            self._invite_answered = transaction
            transaction.on_unacknowledged = lambda: self.end(LinkEnd.LOST)
        self._agent.respond(transaction, 200, headers=headers, body=body)

    def _take_info(self, transaction: ServerTransaction) -> None:
        if key := key_in(transaction.request):
            self._digits.press(key)
        self._agent.respond(transaction, 200)

    def _take_notify(self, transaction: ServerTransaction) -> None:
        event = (transaction.request.headers.get("Event") or "").partition(";")[0]
        if event.strip().lower() != "refer":
            self._agent.respond(transaction, 489)
            return
        self._agent.respond(transaction, 200 if self._referral is not None else 481)
        if self._referral is not None:
            self._referral.notified(transaction.request)

    def _take_refer(self, transaction: ServerTransaction) -> None:
        """Refuse: whoever knows better overrides this."""
        self._agent.respond(transaction, 603)

    def _take_prack(self, transaction: ServerTransaction) -> None:
        self._agent.respond(transaction, 481)

    # --- our requests ---------------------------------------------------------------

    async def _ask(
        self,
        method: str,
        body: bytes = b"",
        content_type: str = "",
        dialog: Dialog | None = None,
        **headers: str,
    ) -> Response:
        """Send a request in a dialog, by default the call's; raise `NoResponse`."""
        dialog = dialog or self._dialog
        if dialog is None:
            raise NoResponse("There is no call.")

        def build() -> Request:
            assert dialog is not None
            request = dialog.request(method, body, content_type)
            for name, value in headers.items():
                request.headers.set(name.replace("_", "-"), value)
            return request

        peer = await self._agent.peer_of(dialog)
        return await self._agent.ask_signed(build, peer, self._auth)

    async def _offer_again(self) -> None:
        """Tell the other side of a change."""
        if self._dialog is not None and self._is_confirmed and not self.is_closed:
            await self._offers.tell(self._dialog, self._interval)

    def _take_reanswer(self, response: Response) -> None:
        self._start_timer(session_timer.as_caller(response))
        try:
            if response.body:
                self._negotiation.take_answer(response.body)
            self._apply()
        except BadDescription as error:
            logger.info("a re-INVITE's answer is no use", extra={"why": str(error)})

    async def _send_info(self, key: str) -> None:
        if key == "w":
            await asyncio.sleep(0.5)
            return
        try:
            await self._ask("INFO", key_body(key), KEY_TYPE)
        except NoResponse as error:
            logger.info("a key was not sent", extra={"why": str(error)})

    # --- inside ---------------------------------------------------------------------

    def _apply(self) -> None:
        """Have the audio follow what is agreed and who holds whom."""
        if not self._negotiation.is_settled:
            return
        held = self._is_held_by_us
        theirs = self._negotiation.theirs
        assert theirs is not None
        self.link.agree(
            self._negotiation.route(),
            sends=not theirs.is_held,
            receives=theirs.sends and not held,
            is_muted=held,
        )

    def _start_timer(self, interval: Interval | None) -> None:
        self._interval = interval
        self._timer.start(interval)

    def _refresh(self) -> None:
        if not self.is_closed:
            self._agent.in_background(self._offer_again())

    def _expire(self) -> None:
        logger.info("a SIP session was not refreshed")
        self.end(LinkEnd.LOST)

    def end(self, end: LinkEnd, *, says_goodbye: bool = False) -> None:
        """End the call once; the other side is told unless it was its own wish.

        One that was handed over left of its own accord, and is told all the same.
        """
        if self._on_end is None:
            return
        on_end, self._on_end = self._on_end, None
        self._timer.stop()
        self.link.finish(end)
        if not self._answered.done():
            self._answered.set_exception(self._why_unanswered(end))
        if self._invite_answered is not None:
            self._invite_answered.on_unacknowledged = lambda: None
        dialog = self._dialog
        tells = says_goodbye or end != LinkEnd.REMOTE_HANGUP
        if dialog is not None and self._is_confirmed and tells:
            self._agent.in_background(self._say_goodbye(dialog))
        elif dialog is not None:
            self._agent.drop_dialog(dialog.call_id, dialog.local_tag)
        on_end()

    def _why_unanswered(self, end: LinkEnd) -> NotAnswered:
        return NotAnswered(NoAnswerOutcome.NO_ANSWER, "Hung up while it rang.")

    async def _say_goodbye(self, dialog: Dialog) -> None:
        try:
            await self._ask("BYE", dialog=dialog)
        except NoResponse:
            logger.info("a BYE got no answer")
        finally:
            self._agent.drop_dialog(dialog.call_id, dialog.local_tag)

    def _confirm(self, dialog: Dialog) -> None:
        self._dialog, self._is_confirmed = dialog, True
        self._agent.add_dialog(dialog.call_id, dialog.local_tag, self)


def warning_of(error: Exception) -> str:
    return f'399 {USER_AGENT} "{str(error)[:120]}"'.replace("\n", " ")
