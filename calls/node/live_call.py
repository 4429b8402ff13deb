"""One call in this process, from the order to the bill.

    pick up ──▶ vendors ──▶ link connects ──▶ conversation ──▶ link closed ──▶ finished
                  │ no key        │ never: no charge             recording kept
                  ╰ no charge

Whatever happens on the way, cancellation included, the link is closed and `finish_call`
is tried until `FINISH_PATIENCE_S` have passed; what it could not write, the sweeper
finds by the lease.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import asdict
from typing import Any, Final

from django.conf import settings

from calls import bus
from calls.media.link import MediaLink, MediaNeverConnected
from calls.models import Call
from calls.node import database
from calls.node.conversation import Conversation
from calls.node.studio import Studio
from calls.node.unbroken import unbroken
from calls.services import finish, running
from calls.services.finish import Outcome
from calls.services.running import CallOrder
from calls.services.starting import FIRST_HOLD_S
from calls.session.events import EndReason
from calls.session.release import dissolve, in_time
from calls.telephony.protocol import Leg, NoAnswerOutcome, NotAnswered
from calls.vendors.errors import ProviderError

logger = logging.getLogger(__name__)

NO_AUDIO_PATH: Final = (
    "No audio path came about. Check the network or firewall, then try again."
)
BROKE: Final = "The voice process failed."
START_PATIENCE_S: Final = 4.0  # the caller waits in silence for a database meanwhile
FINISH_PATIENCE_S: Final = 60.0
_CLOSE_S: Final = 10.0

# Nobody is there, or nobody pays: not even what is being said is said to its end.
_AT_ONCE: Final = {EndReason.USER_HANGUP, EndReason.VOICE_PROCESS_LOST}
_REASON_OF: Final = {
    NoAnswerOutcome.BUSY: EndReason.BUSY,
    NoAnswerOutcome.NO_ANSWER: EndReason.NO_ANSWER,
    NoAnswerOutcome.REJECTED: EndReason.REJECTED,
    NoAnswerOutcome.FAILED: EndReason.CARRIER_FAILED,
}


class LiveCall:
    """Holds the link and the session of one call; commands arrive while `run` goes on."""

    def __init__(
        self,
        order: CallOrder,
        link: MediaLink,
        studio: Studio,
        *,
        leg: Leg | None = None,
    ) -> None:
        self.order = order
        self.link = link
        self._leg = leg  # the same as `link` on the telephone; it rings first
        self._studio = studio
        self._created_s = time.monotonic()
        self._is_connected = False
        self._is_leaving = False
        self._conversation: Conversation | None = None
        self._stop: EndReason | None = None
        self._stop_error = ""
        self._hanging_up: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is only being tidied up: from here on no second is billed."""
        conversation = self._conversation
        return self._is_leaving or (conversation is not None and conversation.is_over)

    async def run(self) -> None:
        """Hold the conversation and leave nothing behind."""
        is_cancelled = False
        try:
            outcome = await self._converse()
        except asyncio.CancelledError:
            is_cancelled = True
            outcome = self._outcome(
                self._stop or EndReason.VOICE_PROCESS_LOST,
                error="The voice process was stopped during the call.",
                fault_owner="platform",
            )
        except Exception:  # the edge of a call: one that breaks takes no other along
            logger.exception("call broke", extra={"call_id": str(self.order.call_id)})
            outcome = self._outcome(
                EndReason.INTERNAL_ERROR, error=BROKE, fault_owner="platform"
            )
        self._is_leaving = True
        await unbroken(self._leave(outcome))
        if is_cancelled:
            raise asyncio.CancelledError

    async def stop(
        self, reason: EndReason, message: str = "", *, error: str = ""
    ) -> None:
        """End the call, at any stage; returns at once. The first reason counts."""
        if self._stop is None:
            self._stop, self._stop_error = reason, error
        if self._conversation is not None:
            await self._conversation.session.end(reason, message or None)
        is_gone = not self._is_connected or reason in _AT_ONCE
        if is_gone and self._hanging_up is None:
            self._hanging_up = asyncio.create_task(self.link.aclose())

    async def say(self, text: str, *, end_after: bool) -> None:
        """Say this as soon as the assistant can speak."""
        if self._conversation is not None:
            await self._conversation.session.say(text, end_after=end_after)

    async def inject(self, content: str, *, respond: bool) -> None:
        """Tell the assistant something the caller does not hear."""
        if self._conversation is not None:
            await self._conversation.session.inject(content, respond=respond)

    async def _converse(self) -> Outcome:
        if self.order.refusal:  # before a word, or a sound, goes anywhere
            return self._outcome(
                EndReason.REJECTED,
                error=self.order.refusal,
                fault_owner="organization",
            )
        try:
            vendors = self._studio.vendors(self.order.spec)
        except ProviderError as error:
            return self._outcome(
                EndReason.VENDOR_FAILED, error=str(error), fault_owner=error.owner
            )
        is_dialled = self._leg is not None
        conversation = self._conversation = Conversation(
            self.order,
            self.link,
            vendors,
            watches_for_voicemail=is_dialled
            and self.order.direction == Call.Direction.OUTBOUND,
        )
        refused = await self._connect()
        if refused is not None:
            return refused
        if not await self._mark_connected():  # ended elsewhere, and billed there
            return self._outcome(self._stop or EndReason.VOICE_PROCESS_LOST)
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

    async def _connect(self) -> Outcome | None:
        """Wait for audio; return an outcome when there will be none."""
        try:
            if self._leg is not None and self._stop is None:
                await self._ring(self._leg)
            await self.link.wait_connected(settings.ICE_TIMEOUT_S)
        except NotAnswered as refusal:
            if self._stop is None:
                reason = _REASON_OF[refusal.outcome]
                return self._outcome(reason, error=refusal.detail)
        except MediaNeverConnected:
            if self._stop is None:
                return self._outcome(EndReason.NEVER_CONNECTED, error=NO_AUDIO_PATH)
        if self._stop is not None:
            return self._outcome(self._stop, error=self._stop_error)
        return None

    async def _ring(self, leg: Leg) -> None:
        await database.insist(
            running.mark_ringing, patience_s=START_PATIENCE_S, order=self.order
        )
        await bus.publish(self.order.call_id, {"type": "status", "status": "ringing"})
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
        await in_time("link", self.link.aclose(), _CLOSE_S)
        if self._hanging_up is not None:
            self._hanging_up.cancel()
            await asyncio.wait([self._hanging_up])
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
        except Exception:  # the sweeper settles what cannot be written here
            logger.exception(
                "call not finished", extra={"call_id": str(self.order.call_id)}
            )

    def _outcome(
        self, reason: EndReason, *, error: str = "", fault_owner: str = ""
    ) -> Outcome:
        """Return all that is known of the call by now, under this reason."""
        conversation = self._conversation
        if conversation is None or not self._is_connected:
            return Outcome(reason, error=error, fault_owner=fault_owner)
        ended = conversation.ended
        return Outcome(
            reason,
            duration_ms=conversation.spoken_ms,
            error=error,
            fault_owner=fault_owner,
            usage=asdict(ended.usage) if ended else {},
            quality=self._quality(),
            recording=conversation.recording,
        )

    def _quality(self) -> dict[str, Any]:
        try:
            return asdict(self.link.stats())
        except Exception:  # a transport's own kinds; the bill does not depend on it
            logger.exception("no quality", extra={"call_id": str(self.order.call_id)})
            return {}
