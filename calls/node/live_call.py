"""One call in this process, from the order to the bill.

    pick up ──▶ link connects ──▶ session runs ──▶ link closed ──▶ recording kept ──▶ finished
                 │ never: no charge      ├ scribe writes
                 │                       └ credit guard holds

Whatever happens on the way, `run` returns, the link is closed and `finish_call` was
tried; what it could not write, the sweeper finds by the lease.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import asdict
from typing import Final

from channels.db import database_sync_to_async
from django.conf import settings

from calls import bus
from calls.media.link import MediaLink, MediaNeverConnected
from calls.media.recording import Recorder
from calls.models import Call
from calls.node import shelf
from calls.node.credit_guard import guard_credits
from calls.node.scribe import Scribe
from calls.node.studio import Studio
from calls.node.voicemail_watch import VoicemailWatch
from calls.services import finish, running
from calls.services.finish import Outcome
from calls.services.recordings import KeptRecording
from calls.services.running import CallOrder
from calls.services.starting import FIRST_HOLD_S
from calls.session.events import EndReason, EventSink, SessionEnded
from calls.session.voice_session import VoiceSession
from calls.telephony.protocol import Leg, NotAnswered
from calls.vendors.errors import ProviderError

logger = logging.getLogger(__name__)

CREDITS_GONE: Final = "Your credits are used up, so this call ends now. Goodbye."
_FINISH_TRIES: Final = 5


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
        self.session: VoiceSession | None = None
        self._studio = studio
        self._created_s = time.monotonic()
        self._connected_s: float | None = None
        self._stop: EndReason | None = None

    async def run(self) -> None:
        """Hold the conversation and leave nothing behind."""
        outcome = Outcome(EndReason.INTERNAL_ERROR, error="The voice process failed.")
        try:
            outcome = await self._converse()
        except asyncio.CancelledError:
            outcome = Outcome(
                self._stop or EndReason.VOICE_PROCESS_LOST,
                duration_ms=self._elapsed_ms(),
                error="The voice process was stopped during the call.",
                fault_owner="platform",
            )
            raise
        except (
            Exception
        ):  # the edge of a call: one that breaks must not take others along
            logger.exception("call broke", extra={"call_id": str(self.order.call_id)})
            outcome = Outcome(
                EndReason.INTERNAL_ERROR,
                duration_ms=self._elapsed_ms(),
                error="The voice process failed.",
                fault_owner="platform",
            )
        finally:
            await self.link.aclose()
            await asyncio.shield(self._finish(outcome))

    async def stop(self, reason: EndReason, message: str = "") -> None:
        """End the call for this reason, at any stage."""
        self._stop = reason
        if self.session is not None:
            await self.session.end(reason, message or None)
        else:
            await self.link.aclose()

    async def _converse(self) -> Outcome:
        refused = await self._connect()
        if refused is not None:
            return refused
        self._connected_s = time.monotonic()
        setup_ms = round((self._connected_s - self._created_s) * 1000)
        await database_sync_to_async(running.mark_connected)(
            order=self.order, setup_ms=setup_ms
        )
        await bus.publish(
            self.order.call_id, {"type": "status", "status": "in-progress"}
        )
        return await self._hold_session()

    async def _connect(self) -> Outcome | None:
        """Wait for audio; return an outcome when there will be none."""
        try:
            if self._leg is not None:
                await database_sync_to_async(running.mark_ringing)(order=self.order)
                await bus.publish(
                    self.order.call_id, {"type": "status", "status": "ringing"}
                )
                await self._leg.wait_answered()
            await self.link.wait_connected(settings.ICE_TIMEOUT_S)
        except NotAnswered as refusal:
            return Outcome(EndReason(refusal.outcome), error=refusal.detail)
        except MediaNeverConnected:
            reason = self._stop or EndReason.NEVER_CONNECTED
            return Outcome(
                reason,
                error="No audio path came about. Check the network or firewall, then try again.",
            )
        if self._stop is not None:
            return Outcome(self._stop)
        return None

    async def _hold_session(self) -> Outcome:
        try:
            vendors = self._studio.vendors(self.order.spec)
        except ProviderError as error:
            return Outcome(
                EndReason.VENDOR_FAILED, error=str(error), fault_owner=error.owner
            )
        scribe = Scribe(self.order)
        recorder = Recorder(shelf.growing_file(self.order.call_id))
        self.link.set_taps(caller=recorder.caller, assistant=recorder.assistant)
        guard: asyncio.Task[None] | None = None
        try:
            guard = self._guard_credits(await self._cover(FIRST_HOLD_S))
            self.session = VoiceSession(
                self.order.spec, self.link, vendors, self._sink(scribe)
            )
            ended = await self.session.run()
        finally:
            if guard is not None:
                guard.cancel()
            self.link.set_taps(caller=None, assistant=None)
            await scribe.aclose()
            await vendors.aclose()
            recording = await asyncio.to_thread(recorder.close)
        kept = await asyncio.to_thread(shelf.keep, self.order.call_id, recording)
        return self._outcome(ended, kept)

    def _guard_credits(self, covered_s: int) -> asyncio.Task[None]:
        return asyncio.create_task(
            guard_credits(
                covered_s=covered_s,
                elapsed_s=lambda: self._elapsed_ms() / 1000,
                cover=self._cover,
                on_empty=lambda: self.stop(
                    EndReason.INSUFFICIENT_CREDITS, CREDITS_GONE
                ),
            ),
            name=f"credits {self.order.call_id}",
        )

    def _sink(self, scribe: Scribe) -> EventSink:
        if self._leg is None or self.order.direction != Call.Direction.OUTBOUND:
            return scribe
        return VoicemailWatch(scribe, self.order.spec, self._leave_message)

    def _outcome(self, ended: SessionEnded, kept: KeptRecording | None) -> Outcome:
        return Outcome(
            ended.reason,
            duration_ms=min(ended.at_ms, self._elapsed_ms()),
            error=ended.error,
            fault_owner=ended.fault_owner,
            usage=asdict(ended.usage),
            quality=asdict(self.link.stats()),
            recording=kept,
        )

    async def _leave_message(self) -> None:
        await self.stop(EndReason.VOICEMAIL, self.order.spec.voicemail_message or "")

    async def _cover(self, total_seconds: int) -> int:
        return await database_sync_to_async(running.cover_seconds)(
            order=self.order, total_seconds=total_seconds
        )

    def _elapsed_ms(self) -> int:
        if self._connected_s is None:
            return 0
        return round((time.monotonic() - self._connected_s) * 1000)

    async def _finish(self, outcome: Outcome) -> None:
        for attempt in range(1, _FINISH_TRIES + 1):
            try:
                await database_sync_to_async(finish.finish_call)(
                    call_id=self.order.call_id, scope=self.order.scope, outcome=outcome
                )
            except Exception:  # the sweeper settles what cannot be written here
                logger.exception("call not finished", extra={"attempt": attempt})
                await asyncio.sleep(attempt)
            else:
                return
