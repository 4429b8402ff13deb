"""Hands a caller to a person: by the network where it can, else through this process.

    blind   REFER ──▶ taken: the caller is gone from here
              └─ not possible ─▶ dial, answered ──▶ joined here
    warm    dial, answered ──▶ brief ──▶ 1 ──▶ joined here
                                 └──▶ 2, no key, a voicemail: back to the assistant

Whatever goes wrong, the caller is still with the assistant, and the reason is written
down with the call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from django.utils import timezone

from calls import bus
from calls.media.ambience import Ambience
from calls.media.output import PulledAudioOutput
from calls.media.tones import ringing
from calls.models import Transfer as TransferRow
from calls.node import database
from calls.node.announcement import announce
from calls.node.stepping_in import Person
from calls.node.unbroken import unbroken
from calls.services import transfers
from calls.services.running import CallOrder
from calls.services.transfers import WORDS, Failure, TransferNotPossible, TransferPlan
from calls.session.ports import TransferFailed
from calls.session.release import in_time
from calls.telephony import pace
from calls.telephony.protocol import (
    Leg,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    TransferFailure,
    TransferRefused,
)
from calls.telephony.registry import OpenCarriers, UnknownCarrier

if TYPE_CHECKING:
    from calls.node.live_call import LiveCall
    from calls.node.studio import Studio

logger = logging.getLogger(__name__)

RING_S: Final = 25.0
ACCEPT_S: Final = 12.0
PATIENCE_S: Final = 4.0
_CLOSE_S: Final = 5.0

_OF_OUTCOME: Final = {
    NoAnswerOutcome.BUSY: Failure.BUSY,
    NoAnswerOutcome.NO_ANSWER: Failure.NO_ANSWER,
    NoAnswerOutcome.REJECTED: Failure.REFUSED,
    NoAnswerOutcome.FAILED: Failure.FAILED,
}
_OF_REFUSAL: Final = {
    TransferFailure.BUSY: Failure.BUSY,
    TransferFailure.NO_ANSWER: Failure.NO_ANSWER,
    TransferFailure.BAD_DESTINATION: Failure.BAD_DESTINATION,
    TransferFailure.FAILED: Failure.FAILED,
}
# A trunk that takes no REFER can still be dialled, and so can one that refused this.
_DIAL_INSTEAD: Final = {TransferFailure.NOT_SUPPORTED, TransferFailure.REFUSED}

BRIEFS: Final = {
    "en": "A call for you{caller}. {brief} Press 1 to take it, or 2 to decline.",
    "nl": "Een gesprek voor u{caller}. {brief} Toets 1 om het aan te nemen, of 2 "
    "om het af te wijzen.",
    "de": "Ein Anruf für Sie{caller}. {brief} Drücken Sie die 1, um ihn anzunehmen, "
    "oder die 2, um ihn abzulehnen.",
    "fr": "Un appel pour vous{caller}. {brief} Appuyez sur 1 pour le prendre, ou sur 2 "
    "pour le refuser.",
    "es": "Una llamada para usted{caller}. {brief} Pulse 1 para aceptarla, o 2 para "
    "rechazarla.",
    "it": "Una chiamata per lei{caller}. {brief} Prema 1 per accettarla, o 2 per "
    "rifiutarla.",
}


class Transferring:
    """The `Transfer` port of one call's session."""

    def __init__(
        self,
        order: CallOrder,
        carriers: OpenCarriers,
        studio: Studio,
        call: Callable[[], LiveCall | None],
        know: Callable[[UUID | None], Awaitable[None]] | None = None,
    ) -> None:
        """`know` has the carriers look a trunk up that they may not have heard of."""
        self._order, self._carriers, self._studio = order, carriers, studio
        self._call, self._know = call, know
        self.asked_by = "assistant"

    async def transfer(self, destination: str, message: str | None) -> None:
        """Return when somebody has taken the caller, or raise `TransferFailed`."""
        try:
            plan = await database.insist(
                transfers.plan_transfer,
                patience_s=PATIENCE_S,
                order=self._order,
                destination=destination,
                brief=message or "",
                asked_by=self.asked_by,
            )
        except TransferNotPossible as error:
            await self._show("failed", error.failure)
            raise TransferFailed(str(error)) from error
        try:
            await self._try(plan)
        except _Failed as failed:
            await unbroken(self._fail(plan, failed.failure, failed.detail))
            raise TransferFailed(WORDS[failed.failure]) from failed
        except asyncio.CancelledError:
            await unbroken(self._fail(plan, Failure.CALLER_LEFT, ""))
            raise

    async def _try(self, plan: TransferPlan) -> None:
        if plan.kind == TransferRow.Kind.BLIND and await self._refer(plan):
            return
        with self._ringing():
            leg = await self._dial(plan)
            if plan.kind == TransferRow.Kind.WARM:
                await self._announced(plan, leg)
        try:
            call = self._call()
            conversation = call.conversation if call is not None else None
            if conversation is None or conversation.session.is_ending:
                raise _Failed(Failure.CALLER_LEFT)
            conversation.go_on_with(Person(leg))
        except BaseException:
            await unbroken(in_time("leg", leg.aclose(), _CLOSE_S))
            raise
        await self._note(plan, "bridged", method="bridge")

    async def _refer(self, plan: TransferPlan) -> bool:
        """Let the network hand the caller over; False when it has to be dialled."""
        call = self._call()
        leg = call.leg if call is not None else None
        if call is None or leg is None or call.conversation is None:
            return False
        line = call.conversation.line
        line.hold_news()
        try:
            await leg.transfer(plan.destination)
        except TransferRefused as refusal:
            if refusal.reason in _DIAL_INSTEAD:
                return False
            raise _Failed(_OF_REFUSAL[refusal.reason], refusal.detail) from refusal
        finally:
            asyncio.get_running_loop().call_later(0.2, line.tell_news)
        await self._note(plan, "done", method="refer")
        return True

    async def _wait_for_line(self, plan: TransferPlan) -> None:
        """Take a line of the trunk and wait for the moment at which it may be dialled."""
        is_late = True
        while is_late:
            try:
                dial_at = await database.insist(
                    transfers.take_line,
                    patience_s=PATIENCE_S,
                    order=self._order,
                    plan=plan,
                )
            except TransferNotPossible as error:
                raise _Failed(error.failure) from error
            if dial_at is None:
                break
            await asyncio.sleep(max(0.0, (dial_at - timezone.now()).total_seconds()))
            is_late = pace.is_late(dial_at.timestamp(), timezone.now().timestamp())
        await self._show("ringing")

    async def _dial(self, plan: TransferPlan) -> Leg:
        await self._wait_for_line(plan)
        await self._look_up(plan.trunk_id)
        request = PlaceRequest(
            call_id=plan.id,
            caller_id=plan.caller_id,
            destination=plan.destination,
            ring_timeout_s=RING_S,
            trunk_id=plan.trunk_id,
        )
        try:
            leg = await self._carriers.get(plan.carrier).place(request)
        except NotAnswered as refusal:  # before the first ring, such as a full trunk
            raise _Failed(_OF_OUTCOME[refusal.outcome], refusal.detail) from refusal
        except (UnknownCarrier, OSError, TimeoutError) as error:
            logger.exception("transfer not dialled", extra={"carrier": plan.carrier})
            raise _Failed(Failure.FAILED, str(error)) from error
        try:
            async with asyncio.timeout(RING_S + 5):
                await leg.wait_answered()
                await leg.wait_connected(5.0)
        except NotAnswered as refusal:
            await in_time("leg", leg.aclose(), _CLOSE_S)
            raise _Failed(_OF_OUTCOME[refusal.outcome], refusal.detail) from refusal
        except TimeoutError as error:
            await in_time("leg", leg.aclose(), _CLOSE_S)
            raise _Failed(Failure.NO_ANSWER) from error
        except BaseException:
            await unbroken(in_time("leg", leg.aclose(), _CLOSE_S))
            raise
        return leg

    async def _look_up(self, trunk_id: UUID | None) -> None:
        """Have a trunk known that was added a moment ago."""
        if self._know is None:
            return
        try:
            await self._know(trunk_id)
        except database.AWAY:  # the trunk may be known all the same; the carrier says
            logger.warning("trunk not looked up", exc_info=True)

    @contextmanager
    def _ringing(self) -> Iterator[None]:
        """Let the caller hear that it rings, under whatever the assistant still says."""
        call = self._call()
        output = call.link.audio_output if call is not None else None
        if not isinstance(output, PulledAudioOutput):
            yield
            return
        before = output.ambience
        samples = np.frombuffer(ringing(output.sample_rate_hz), np.int16)
        ours = output.ambience = Ambience(samples, volume=1.0)
        try:
            yield
        finally:
            if output.ambience is ours:
                output.ambience = before

    async def _announced(self, plan: TransferPlan, leg: Leg) -> None:
        """Have whoever answered take the caller; else their line is closed."""
        try:
            await self._brief(plan, leg)
        except BaseException:
            await unbroken(in_time("leg", leg.aclose(), _CLOSE_S))
            raise

    async def _brief(self, plan: TransferPlan, leg: Leg) -> None:
        """Tell whoever answered who comes, and wait for their 1."""
        await self._note(plan, "briefing")
        keys: asyncio.Queue[str] = asyncio.Queue()
        leg.set_digit_listener(keys.put_nowait)
        voices = [self._studio.announcer(self._order.spec.language)]
        speaking = asyncio.create_task(announce(leg, voices, self._words(plan)))
        closed = asyncio.ensure_future(leg.wait_closed())
        pressing = asyncio.create_task(_decided(keys))
        try:
            await asyncio.wait(
                {speaking, closed, pressing}, return_when=asyncio.FIRST_COMPLETED
            )
            if not pressing.done() and not closed.done():
                await asyncio.wait(
                    {closed, pressing},
                    timeout=ACCEPT_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            if not pressing.done():
                raise _Failed(Failure.NOT_ACCEPTED)
            if pressing.result() != "1":
                raise _Failed(Failure.DECLINED)
        finally:
            leg.set_digit_listener(None)
            for task in (speaking, closed, pressing):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            leg.audio_output.clear_buffer()

    def _words(self, plan: TransferPlan) -> str:
        language = self._order.spec.language.partition("-")[0].lower()
        number = self._order.caller_number
        spoken = ", " + " ".join(number.removeprefix("+")) if number else ""
        return BRIEFS.get(language, BRIEFS["en"]).format(
            caller=spoken, brief=plan.brief.strip()
        )

    async def _note(self, plan: TransferPlan, status: str, **changes: Any) -> None:
        await database.insist(
            transfers.note_transfer,
            patience_s=PATIENCE_S,
            order=self._order,
            transfer_id=plan.id,
            status=status,
            **changes,
        )
        await self._show(status)

    async def _fail(self, plan: TransferPlan, failure: Failure, detail: str) -> None:
        await self._note(plan, "failed", reason=str(failure), detail=detail)

    async def _show(self, status: str, reason: str = "") -> None:
        event = {"type": "transfer", "status": status, "reason": str(reason)}
        await bus.publish(self._order.call_id, event)


class _Failed(Exception):
    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(detail or failure)
        self.failure, self.detail = failure, detail


async def _decided(keys: asyncio.Queue[str]) -> str:
    while (key := await keys.get()) not in ("1", "2"):
        pass
    return key
