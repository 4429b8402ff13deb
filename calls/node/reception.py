"""Takes commands for one voice process's calls, and takes calls in.

offer ──▶ pick up ──▶ WebRTC link ──▶ call, answer        (a browser)
place ──▶ pick up ──▶ carrier rings ──▶ call              (a telephone)
carrier ──▶ front desk ──▶ call                           (a telephone that calls us)
everything else ──▶ the call that is going on; for a call that is not, nothing
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from calls import bus
from calls.media.offer import BadSignal
from calls.media.text_link import TextLink
from calls.media.webrtc import WebRTCLink
from calls.node import database
from calls.node.asking import ask_for_assistant
from calls.node.endings import unanswered
from calls.node.front_desk import FrontDesk
from calls.node.listening import LISTENER_COMMANDS, Listeners
from calls.node.live_call import FINISH_PATIENCE_S, LiveCall
from calls.node.studio import Studio
from calls.node.transferring import Transferring
from calls.services import finish, pace as moments, running, trunk_news
from calls.services.finish import Outcome
from calls.services.running import CallOrder
from calls.services.trunk_checks import trunk_configs
from calls.services.trunks import TrunkFull
from calls.session.events import EndReason
from calls.telephony import pace
from calls.telephony.protocol import (
    CarrierSetup,
    IncomingLeg,
    NotAnswered,
    PlaceRequest,
    TrunkConfig,
)
from calls.telephony.registry import OpenCarriers, UnknownCarrier
from calls.telephony.simulator.carrier import SimulatorCarrier
from common.edges import contained

logger = logging.getLogger(__name__)

RING_TIMEOUT_S: Final = 30.0
_ASK_BEFORE_S: Final = 0.1
_STOPPED: Final = EndReason.OPERATOR_HANGUP
PLACE_LIMIT_S: Final = 8.0  # the lease of a call that was picked up lasts 10 s


class Reception:
    """Acts on commands, those of one call one after another (`calls.node.lanes`)."""

    def __init__(
        self,
        node_id: UUID,
        studio: Studio,
        calls: dict[UUID, LiveCall],
        start: Callable[[LiveCall], asyncio.Task[None]],
    ) -> None:
        self._node_id = node_id
        self._studio = studio
        self._calls = calls
        self._start = start
        self._desk = FrontDesk(node_id, studio, self._admit, ask=ask_for_assistant)
        self._carriers = OpenCarriers(CarrierSetup(receptionist=self._desk))
        self._trunks: list[TrunkConfig] = []
        self._configuring = asyncio.Lock()
        self._listeners = Listeners(studio, calls)
        self._is_open = True

    async def start(self) -> None:
        """Listen for the calls that carriers bring."""
        await self._carriers.start()
        await self.configure()

    async def configure(self) -> None:
        """Let the carriers know the trunks there are now, when something changed."""
        async with self._configuring:  # what was read last is what counts
            trunks = await database.ask(trunk_configs, node_id=self._node_id)
            if trunks != self._trunks:
                await self._carriers.configure(trunks)
                self._trunks = trunks

    def close(self) -> None:
        """Take no more calls in; those here go on being looked after."""
        self._is_open = self._desk.is_open = False

    async def aclose(self) -> None:
        """Hang up whatever still rings, and let go of whoever listens."""
        await self._listeners.aclose()
        await self._carriers.aclose()

    async def obey(self, command: str, call_id: UUID, data: dict[str, Any]) -> None:
        """Do what a command says; one that comes too late changes nothing."""
        call = self._calls.get(call_id)
        if command == "offer":
            await self._offer(call_id, call, data["sdp"])
        elif command == "begin":
            await self._begin(call_id, call)
        elif command == "place":
            await self._place(call_id)
        elif command == "call_in":
            self._simulate(call_id, data["caller"], data["called"])
        elif command == trunk_news.COMMAND:
            await self.configure()
        elif command in LISTENER_COMMANDS:
            await self._listeners.obey(command, call_id, data)
        elif call is None:
            logger.info("command for no call", extra={"command": command})
        else:
            await self._obey_in_call(call, command, data)

    async def _obey_in_call(
        self, call: LiveCall, command: str, data: dict[str, Any]
    ) -> None:
        if command == "candidate":
            await self._add_candidate(call, data["candidate"])
        elif command == "hangup":
            await call.stop(EndReason.USER_HANGUP)
        elif command == "end":
            await call.stop(EndReason.OPERATOR_HANGUP, data.get("message", ""))
        elif command == "say":
            await call.say(data["text"], end_after=data["end_after"])
        elif command == "text":
            await call.hear(data["text"])
        elif command == "inject":
            await call.inject(data["content"], respond=data["respond"])
        elif command == "transfer":
            call.begin_transfer(data["destination"], data["message"], data["asked_by"])
        elif command == "digits":
            await call.send_digits(data["digits"])
        elif command == "quiet":
            await call.quiet(data["quiet"])
        # "mute" is for watchers: a muted page sends silence by itself.

    async def _offer(self, call_id: UUID, call: LiveCall | None, sdp: str) -> None:
        """Answer the first offer of a call, or a new one after the network changed."""
        is_first = call is None
        if call is None:
            order = await self._pick_up(call_id)
            if order is None:
                await _tell(call_id, "call_over", "This call is over. Start a new one.")
                return
            link = WebRTCLink(configuration=self._studio.rtc_configuration(call_id))
            call = LiveCall(
                order, link, self._studio, transfer=self._transferring(order)
            )
            self._start(call)
        if not isinstance(call.link, WebRTCLink):
            return
        # What breaks with the first offer ends the call, which says why.
        with contained(logger, "offer not answered", call_id=str(call_id)) as offer:
            try:
                answer = await call.link.answer(sdp)
            except BadSignal as error:
                if call.is_over:  # which is what watchers are told, with the reason
                    return
                await _tell(call_id, error.code, str(error))
                if is_first:
                    await call.stop(EndReason.NEVER_CONNECTED, error=str(error))
                return
            await bus.publish(call_id, {"type": "answer", "sdp": answer})
        if offer.error is not None and is_first:
            kind = type(offer.error).__name__
            await call.stop(EndReason.INTERNAL_ERROR, error=kind)

    async def _begin(self, call_id: UUID, call: LiveCall | None) -> None:
        """Begin a conversation in writing; a second time, after a lost socket, goes on."""
        if call is not None:
            return
        order = await self._pick_up(call_id)
        if order is None:
            await _tell(call_id, "call_over", "This call is over. Start a new one.")
            return
        # Whoever writes takes their time, and is not asked whether they are there.
        spec = order.spec.model_copy(update={"autonomous_silence_handling": False})
        order = replace(order, spec=spec)
        self._start(LiveCall(order, TextLink(), self._studio))

    async def _add_candidate(self, call: LiveCall, candidate: object) -> None:
        if not isinstance(call.link, WebRTCLink):
            return
        try:
            await call.link.add_candidate(candidate)
        except BadSignal as error:
            await _tell(call.order.call_id, error.code, str(error))

    async def _place(self, call_id: UUID) -> None:
        order = await self._pick_up(call_id)
        if order is None:
            return
        await self._know(order.trunk_id)
        try:
            is_wanted = await self._wait_for_moment(order)
        except TrunkFull as refusal:
            await self._refuse(order, str(refusal))
            return
        if not is_wanted:
            await self._refuse(order, "It is not wanted any more.", _STOPPED)
            return
        request = PlaceRequest(
            call_id=order.call_id,
            caller_id=order.caller_number,
            destination=order.callee_number,
            ring_timeout_s=RING_TIMEOUT_S,
            trunk_id=order.trunk_id,
        )
        try:
            async with asyncio.timeout(PLACE_LIMIT_S):
                leg = await self._carriers.get(order.carrier).place(request)
        except NotAnswered as refusal:  # before the first ring, such as a full trunk
            await self._finish(order, unanswered(refusal))
            return
        except (UnknownCarrier, OSError, TimeoutError) as error:
            logger.exception("carrier failed", extra={"carrier": order.carrier})
            await self._refuse(order, str(error) or "The carrier did not answer.")
            return
        self._start(
            LiveCall(
                order, leg, self._studio, leg=leg, transfer=self._transferring(order)
            )
        )

    def _simulate(self, reference: UUID, caller: str, called: str) -> None:
        """Let a simulated person call one of our numbers."""
        carrier = self._carriers.get("simulator")
        if self._is_open and isinstance(carrier, SimulatorCarrier):
            carrier.call_in(reference=reference, caller=caller, called=called)

    def _admit(self, order: CallOrder, leg: IncomingLeg) -> asyncio.Task[None]:
        """Begin a call that came in."""
        return self._start(
            LiveCall(
                order,
                leg,
                self._studio,
                incoming=leg,
                transfer=self._transferring(order),
            )
        )

    def _transferring(self, order: CallOrder) -> Transferring:
        calls, call_id = self._calls, order.call_id
        return Transferring(
            order,
            self._carriers,
            self._studio,
            lambda: calls.get(call_id),
            know=self._know,
        )

    async def _pick_up(self, call_id: UUID) -> CallOrder | None:
        if not self._is_open:
            return None
        return await database.ask(
            running.pick_up, call_id=call_id, node_id=self._node_id
        )

    async def _know(self, trunk_id: UUID | None) -> None:
        """Read the trunks anew when this one was added a moment ago."""
        if trunk_id is not None and all(known.id != trunk_id for known in self._trunks):
            await self.configure()

    async def _wait_for_moment(self, order: CallOrder) -> bool:
        """Wait until this call may start on its trunk; `False` when it no longer may.

        Campaigns bring a moment; other calls on a trunk ask for one. Whether it is still
        wanted is asked shortly before, so that the answer does not make it late. Late
        all the same, it asks for another moment.
        """
        dial_at = order.dial_at
        if dial_at is None:
            if order.trunk_id is None:
                return True
            dial_at = await database.ask(moments.another_moment, call_id=order.call_id)
        while dial_at is not None:
            if not pace.is_late(dial_at.timestamp(), time.time()):
                await asyncio.sleep(dial_at.timestamp() - _ASK_BEFORE_S - time.time())
                if not await database.ask(moments.is_wanted, call_id=order.call_id):
                    return False
                await asyncio.sleep(dial_at.timestamp() - time.time())
            if not pace.is_late(dial_at.timestamp(), time.time()):
                return True
            dial_at = await database.ask(moments.another_moment, call_id=order.call_id)
        return False

    async def _refuse(
        self,
        order: CallOrder,
        error: str,
        reason: EndReason = EndReason.CARRIER_FAILED,
    ) -> None:
        await self._finish(order, Outcome(reason, error=error))

    async def _finish(self, order: CallOrder, outcome: Outcome) -> None:
        await database.insist(
            finish.finish_call,
            patience_s=FINISH_PATIENCE_S,
            call_id=order.call_id,
            scope=order.scope,
            outcome=outcome,
        )


async def _tell(call_id: UUID, code: str, message: str) -> None:
    await bus.publish(call_id, {"type": "error", "code": code, "message": message})
