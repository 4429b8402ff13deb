"""Receives the calls that carriers bring: decides, rings, asks, and lets them in.

receive ──▶ decide ──▶ nobody's number: rejected, no row
               ├─────▶ turned away: the number's message, then rejected
               └─────▶ ringing ──▶ assistant-request ──▶ a call of this process
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from calls.node import database
from calls.node.announcement import announce
from calls.node.asking import Rejected
from calls.node.live_call import FINISH_PATIENCE_S, START_PATIENCE_S
from calls.node.studio import Studio
from calls.services import finish, inbound
from calls.services.finish import Outcome
from calls.services.inbound import Caller, Taken, TurnedAway
from calls.services.running import CallOrder
from calls.session.events import EndReason
from calls.telephony.protocol import (
    IncomingCall,
    IncomingLeg,
    NotAnswered,
    RejectReason,
)

logger = logging.getLogger(__name__)

MESSAGE_LIMIT_S: Final = 40.0
RETRY_AFTER_S: Final = 10

REJECT_AS: Final = {
    None: RejectReason.UNKNOWN_NUMBER,
    EndReason.NUMBER_INACTIVE: RejectReason.UNAVAILABLE,
    EndReason.NO_ASSISTANT: RejectReason.UNAVAILABLE,
    EndReason.ORGANIZATION_SUSPENDED: RejectReason.FORBIDDEN,
    EndReason.MINUTES_USED_UP: RejectReason.FORBIDDEN,
    EndReason.SPENDING_LIMIT: RejectReason.UNAVAILABLE,  # over within the day
    EndReason.INSUFFICIENT_CREDITS: RejectReason.FORBIDDEN,
    EndReason.TOO_MANY_CALLS: RejectReason.BUSY,
    EndReason.NO_CAPACITY: RejectReason.OVER_LIMIT,
    EndReason.REQUEST_REJECTED: RejectReason.DECLINED,
}


class AskedBefore(Protocol):
    """Asks the customer's own system which assistant answers a call, while it rings.

    Returns the order as it is answered now; `None` lets it be as it was. A rejection is
    told by `Rejected`.
    """

    async def __call__(self, order: CallOrder) -> CallOrder | None: ...


class FrontDesk:
    """The `Receptionist` of one voice process."""

    def __init__(
        self,
        node_id: UUID,
        studio: Studio,
        admit: Callable[[CallOrder, IncomingLeg], asyncio.Task[None]],
        *,
        ask: AskedBefore | None = None,
    ) -> None:
        self._node_id, self._studio, self._admit = node_id, studio, admit
        self._ask = ask
        self.is_open = True

    async def receive(self, call: IncomingCall) -> None:
        """Take the call in and stay until it is over, or turn it away."""
        if not self.is_open:
            await call.leg.reject(RejectReason.OVER_LIMIT, retry_after_s=RETRY_AFTER_S)
            return
        decision = await database.insist(
            inbound.take_call,
            patience_s=START_PATIENCE_S,
            caller=Caller(
                carrier=call.carrier,
                trunk_id=call.trunk_id,
                reference=call.reference,
                caller=call.caller,
                called=call.called,
                trunk_ids=call.trunk_ids,
            ),
            node_id=self._node_id,
        )
        match decision:
            case Taken(order):
                await self._let_in(order, call.leg)
            case TurnedAway():
                await self._turn_away(call.leg, decision)
            case None:
                await call.leg.reject(RejectReason.FAILED)

    async def _let_in(self, order: CallOrder, leg: IncomingLeg) -> None:
        try:
            await leg.ring()
            if self._ask is not None:
                order = await self._ask(order) or order
        except Rejected as rejected:
            await self._reject(order, leg, str(rejected))
            return
        except BaseException:
            await self._finish(order, EndReason.INTERNAL_ERROR, "The call broke.")
            raise
        await asyncio.wait({self._admit(order, leg)})

    async def _reject(self, order: CallOrder, leg: IncomingLeg, words: str) -> None:
        turned_away = TurnedAway(
            EndReason.REQUEST_REJECTED, words, order.spec.language, order.call_id
        )
        await self._turn_away(leg, turned_away)
        await self._finish(order, EndReason.REQUEST_REJECTED, words)

    async def _turn_away(self, leg: IncomingLeg, why: TurnedAway) -> None:
        """Say the message, if there is one, before the call is answered: it costs nothing.

        It is said by the voice built in, so that a refusal costs us nothing either.
        """
        if why.message:
            try:
                async with asyncio.timeout(MESSAGE_LIMIT_S):
                    await leg.answer_early()
                    voice = self._studio.announcer(why.language)
                    await announce(leg, [voice], why.message)
            except TimeoutError:
                logger.warning("message took too long")
            except (
                NotAnswered,
                OSError,
            ):  # gone, or no audio: turned away all the same
                logger.warning("message not said", exc_info=True)
        await leg.reject(
            REJECT_AS.get(why.reason, RejectReason.UNAVAILABLE),
            retry_after_s=RETRY_AFTER_S
            if why.reason is EndReason.NO_CAPACITY
            else None,
        )

    async def _finish(self, order: CallOrder, reason: EndReason, error: str) -> None:
        await database.insist(
            finish.finish_call,
            patience_s=FINISH_PATIENCE_S,
            call_id=order.call_id,
            scope=order.scope,
            outcome=Outcome(reason, error=error),
        )
