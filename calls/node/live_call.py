"""One call in this process, from the order to the bill.

    pick up ──▶ vendors ──▶ link connects ──▶ conversation ──▶ link closed ──▶ finished
                  │ no key        │ never: no charge             recording kept
                  ╰ no charge     ╰ no consent: no charge, nothing heard or kept

Whatever happens on the way, cancellation included, the link is closed and `finish_call`
is tried until `FINISH_PATIENCE_S` have passed; what it could not write, the sweeper
finds by the lease.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from django.conf import settings
from django.db import Error

from calls import bus
from calls.media.link import MediaLink, MediaNeverConnected
from calls.media.text_link import TextLink
from calls.models import Call
from calls.node import database
from calls.node.asking import Rejected, ask_for_assistant
from calls.node.consenting import ask_for_consent, asks_for_consent
from calls.node.conversation import Conversation
from calls.node.endings import BROKE, NO_AUDIO_PATH, STOPPED, outcome_of, unanswered
from calls.node.handing_on import HandingOn
from calls.node.mcp_tools import ToolServerAway
from calls.node.opt_out import OptOut
from calls.node.studio import Studio
from calls.node.transferring import Transferring
from calls.node.unbroken import unbroken
from calls.services import finish, running
from calls.services.finish import Outcome
from calls.services.opening import FIRST_HOLD_S
from calls.services.running import CallOrder
from calls.session.events import EndReason
from calls.session.release import dissolve, in_time
from calls.telephony.protocol import IncomingLeg, Leg, NotAnswered
from calls.vendors.errors import ProviderError
from calls.vendors.registry import VendorSet
from common.edges import contained

logger = logging.getLogger(__name__)

START_PATIENCE_S: Final = 4.0  # the caller waits in silence for a database meanwhile
FINISH_PATIENCE_S: Final = 60.0
_CLOSE_S: Final = 10.0

# Nobody is there, or nobody pays: not even what is being said is said to its end.
_AT_ONCE: Final = {EndReason.USER_HANGUP, EndReason.VOICE_PROCESS_LOST}


class LiveCall:
    """Holds the link and the session of one call; commands arrive while `run` goes on."""

    def __init__(
        self,
        order: CallOrder,
        link: MediaLink,
        studio: Studio,
        *,
        leg: Leg | None = None,
        incoming: IncomingLeg | None = None,
        transfer: Transferring | None = None,
    ) -> None:
        self.order = order
        self.link = link
        # The same as `link` on the telephone; it rings first, there or here.
        self._leg: Leg | None = leg or incoming
        self._incoming = incoming
        self._transfer = transfer
        self._studio = studio
        self._created_s = time.monotonic()
        self._is_connected = False
        self._is_leaving = False
        self._conversation: Conversation | None = None
        self._stop: EndReason | None = None
        self._stop_error = ""
        self._hanging_up: asyncio.Task[None] | None = None
        self._handing_on = HandingOn(order.call_id, transfer)
        self._opt_out: OptOut | None = None
        self._is_asking = False  # for consent: there is no session yet that could end

    @property
    def leg(self) -> Leg | None:
        """The telephone's leg; none in a browser call."""
        return self._leg

    @property
    def conversation(self) -> Conversation | None:
        """What goes on, from the order until the bill."""
        return self._conversation

    @property
    def is_over(self) -> bool:
        """Whether it is only being tidied up: from here on no second is billed."""
        conversation = self._conversation
        return self._is_leaving or (conversation is not None and conversation.is_over)

    async def run(self) -> None:
        """Hold the conversation and leave nothing behind."""
        is_cancelled = False
        outcome: Outcome | None = None
        # A call that breaks takes no other along.
        with contained(logger, "call broke", call_id=str(self.order.call_id)):
            try:
                # A refusal comes before a word, or a sound, goes anywhere.
                outcome = (
                    self._refused()
                    or await self._ask_which_assistant()
                    or self._refused()
                    or await self._converse()
                )
            except asyncio.CancelledError:
                is_cancelled = True
                outcome = self._outcome(
                    self._stop or EndReason.VOICE_PROCESS_LOST,
                    error=STOPPED,
                    fault_owner="platform",
                )
        if outcome is None:
            outcome = self._outcome(
                EndReason.INTERNAL_ERROR, error=BROKE, fault_owner="platform"
            )
        self._is_leaving = True
        await unbroken(self._leave(outcome))
        if is_cancelled:
            raise asyncio.CancelledError

    async def _ask_which_assistant(self) -> Outcome | None:
        """Let the customer's system choose before anybody hears anything.

        The front desk has asked about a call that came in, while it rang.
        """
        if self._incoming is not None or self._stop is not None:
            return None
        try:
            self.order = await ask_for_assistant(self.order) or self.order
        except Rejected as rejected:
            return self._outcome(EndReason.REQUEST_REJECTED, error=str(rejected))
        return None

    async def stop(
        self, reason: EndReason, message: str = "", *, error: str = ""
    ) -> None:
        """End the call, at any stage; returns at once. The first reason counts."""
        if self._stop is None:
            self._stop, self._stop_error = reason, error
        if self._conversation is not None:
            await self._conversation.session.end(reason, message or None)
        is_joined = self._conversation is not None and self._conversation.is_joined
        is_gone = (
            not self._is_connected or self._is_asking or is_joined or reason in _AT_ONCE
        )
        if is_gone and self._hanging_up is None:
            self._hanging_up = asyncio.create_task(self.link.aclose())

    async def _leave_with(self, message: str) -> None:
        await self.stop(EndReason.ASSISTANT_HANGUP, message)

    async def say(self, text: str, *, end_after: bool) -> None:
        """Say this as soon as the assistant can speak."""
        if self._conversation is not None:
            await self._conversation.session.say(text, end_after=end_after)

    async def hear(self, text: str) -> None:
        """Take what somebody wrote as what they say."""
        if isinstance(self.link, TextLink):
            self.link.touch()
        if self._conversation is not None:
            await self._conversation.session.hear(text)

    async def inject(self, content: str, *, respond: bool) -> None:
        """Tell the assistant something the caller does not hear."""
        if self._conversation is not None:
            await self._conversation.session.inject(content, respond=respond)

    def begin_transfer(self, destination: str, message: str, asked_by: str) -> None:
        """Hand the caller on, beside whatever comes next; a second wish waits for none."""
        if self._conversation is not None:
            self._handing_on.begin(self._conversation, destination, message, asked_by)

    async def send_digits(self, digits: str) -> None:
        """Press keys on the line; a call without one has none."""
        if self._leg is not None and self._is_connected:
            await self._leg.send_digits(digits)

    async def quiet(self, is_quiet: bool) -> None:
        """Let the assistant neither speak nor listen, or go on as before."""
        if self._conversation is not None:
            self._conversation.session.set_quiet(is_quiet)

    def _refused(self) -> Outcome | None:
        refusal = self.order.refusal
        if not refusal:
            return None
        return self._outcome(
            EndReason.REJECTED, error=refusal, fault_owner="organization"
        )

    async def _converse(self) -> Outcome:
        try:
            return await self._talk()
        except ProviderError as error:  # at the start, or where an assistant comes back
            return self._outcome(
                EndReason.VENDOR_FAILED, error=str(error), fault_owner=error.owner
            )

    async def _talk(self) -> Outcome:
        await self._studio.prepare(self.order.spec, self.order.equipment.keys)
        vendors = self._make_vendors()
        is_dialled = self._leg is not None
        conversation = self._conversation = Conversation(
            self.order,
            self.link,
            vendors,
            make_vendors=self._make_vendors,
            watches_for_voicemail=is_dialled
            and self.order.direction == Call.Direction.OUTBOUND,
            transfer=self._transfer,
        )
        conversation.tools.begin()
        if self._leg is not None and self.order.opt_out_digit:
            self._opt_out = OptOut(self.order, self._leave_with)
            self._leg.set_digit_listener(self._opt_out.hear)
        refused = await self._connect() or await self._take_tools(conversation)
        if refused is not None:
            return refused
        if not await self._mark_connected():  # ended elsewhere, and billed there
            return self._outcome(self._stop or EndReason.VOICE_PROCESS_LOST)
        if (no_consent := await self._ask_for_consent(vendors)) is not None:
            return self._outcome(no_consent)
        covered_s = await database.insist(
            running.cover_seconds,
            patience_s=START_PATIENCE_S,
            order=self.order,
            total_seconds=FIRST_HOLD_S,
        )
        ended = await conversation.run(covered_s)
        if ended.reason is EndReason.INTERNAL_ERROR:  # its text is for the log
            return self._outcome(ended.reason, error=BROKE, fault_owner="platform")
        return self._outcome(
            ended.reason,
            error=ended.error or self._stop_error,
            fault_owner=ended.fault_owner,
        )

    def _make_vendors(self) -> VendorSet:
        """Make whatever recognises, thinks and speaks; raises `ProviderError`."""
        writes = isinstance(self.link, TextLink)
        made = self._studio.writing_vendors if writes else self._studio.vendors
        return made(self.order.spec, self.order.equipment.keys)

    async def _connect(self) -> Outcome | None:
        """Wait for audio; return an outcome when there will be none."""
        try:
            if self._leg is not None and self._stop is None:
                await self._ring(self._leg)
            await self.link.wait_connected(settings.ICE_TIMEOUT_S)
        except NotAnswered as refusal:
            if self._stop is None:
                return self._unanswered(refusal)
        except MediaNeverConnected:
            if self._stop is None:
                return self._outcome(EndReason.NEVER_CONNECTED, error=NO_AUDIO_PATH)
        if self._stop is not None:
            return self._outcome(self._stop, error=self._stop_error)
        return None

    def _unanswered(self, refusal: NotAnswered) -> Outcome:
        if self._incoming is not None:  # whoever called hung up before we answered
            return self._outcome(EndReason.USER_HANGUP)
        return unanswered(refusal)

    async def _ask_for_consent(self, vendors: VendorSet) -> EndReason | None:
        """Return why the call ends when it may not go on.

        Only callers on the telephone are asked: a page has its own words for it.
        """
        if self._incoming is None or not asks_for_consent(self.order):
            return None
        self._is_asking = True
        try:
            refusal = await ask_for_consent(
                self.order,
                self._incoming,
                self._studio,
                vendors,
                patience_s=START_PATIENCE_S,
            )
        finally:
            self._is_asking = False
        return self._stop or refusal

    async def _take_tools(self, conversation: Conversation) -> Outcome | None:
        """Give the session its tools; return an outcome when it must not go without."""
        try:
            await conversation.take_tools()
        except ToolServerAway as error:
            return self._outcome(
                EndReason.TOOL_SERVER_FAILED,
                error=str(error),
                fault_owner="organization",
            )
        return None

    async def _ring(self, leg: Leg) -> None:
        await database.insist(
            running.mark_ringing, patience_s=START_PATIENCE_S, order=self.order
        )
        await bus.publish(self.order.call_id, {"type": "status", "status": "ringing"})
        if self._incoming is not None:
            await self._incoming.answer()
        else:
            await leg.wait_answered()

    async def _mark_connected(self) -> bool:
        setup_ms = round((time.monotonic() - self._created_s) * 1000)
        self._is_connected = await database.insist(
            running.mark_connected,
            patience_s=START_PATIENCE_S,
            order=self.order,
            setup_ms=setup_ms,
        )
        if self._is_connected:
            await bus.publish(
                self.order.call_id, {"type": "status", "status": "in-progress"}
            )
        return self._is_connected

    async def _leave(self, outcome: Outcome) -> None:
        await self._handing_on.aclose()
        await in_time("link", self.link.aclose(), _CLOSE_S)
        if self._hanging_up is not None:
            self._hanging_up.cancel()
            await asyncio.wait([self._hanging_up])
        opt_out, self._opt_out = self._opt_out, None
        if opt_out is not None:
            await opt_out.aclose()
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            await conversation.aclose()
            dissolve(conversation)  # it and its session's sink know each other
        try:
            await database.insist(
                finish.finish_call,
                patience_s=FINISH_PATIENCE_S,
                call_id=self.order.call_id,
                scope=self.order.scope,
                outcome=outcome,
            )
        except Error:  # the sweeper settles what cannot be written here
            logger.exception(
                "call not finished", extra={"call_id": str(self.order.call_id)}
            )

    def _outcome(
        self, reason: EndReason, *, error: str = "", fault_owner: str = ""
    ) -> Outcome:
        """Return all that is known of the call by now, under this reason."""
        if self._conversation is None or not self._is_connected:
            return Outcome(reason, error=error, fault_owner=fault_owner)
        return outcome_of(
            reason,
            self._conversation,
            self.link,
            error=error,
            fault_owner=fault_owner,
        )
