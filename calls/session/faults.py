"""What a vendor's failures mean for a call: try again, put up with it, or end.

One judge for all stages. A failure that a retry healed is told (`VendorTrouble`) and
forgotten; the first one that left the caller without an answer ends the call, because a
second try would let them wait as long again. Recognition is judged by silence too: a
recogniser that owes a transcript three times in a row is taken for dead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from livekit.agents import APIError

from calls.session.clock import CallClock
from calls.session.events import SessionEvent, VendorReplaced, VendorTrouble
from calls.session.ports import Vendors

logger = logging.getLogger(__name__)

MAX_SILENCES = 3  # recognitions owed in a row
MAX_CUT_REPLIES = 2  # replies in a row that broke off in the middle


@dataclass(frozen=True)
class Fault:
    """The failure a call ends for."""

    stage: str
    provider: str
    owner: str
    message: str

    def __str__(self) -> str:
        return f"{self.stage} ({self.provider}): {self.message}"


class VendorHung(APIError):
    """A vendor took the request and then said nothing for too long."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(f"no answer within {waited_s:g} s", retryable=True)


class Faults:
    """Counts failures and calls `on_fatal` once, with the one that ends the call."""

    def __init__(
        self,
        vendors: Vendors,
        clock: CallClock,
        put: Callable[[SessionEvent], None],
        on_fatal: Callable[[Fault], None],
    ) -> None:
        self._vendors: Vendors | None = vendors
        self._clock, self._put, self._on_fatal = clock, put, on_fatal
        self._cut_replies, self._cut_stage = 0, ""
        self._connections_lost = 0
        self._silences = 0
        self.fatal: Fault | None = None

    def trouble(self, stage: str, error: BaseException, *, is_fatal: bool) -> None:
        """Tell of a failure, and end the call when nothing helps against it."""
        if self._vendors is None:
            return  # the call is over
        found = self._vendors.trouble(stage, error)
        # A wait that we gave up is ours to tell.
        message = str(error) if isinstance(error, VendorHung) else found.reason
        fault = Fault(stage, found.provider, str(found.owner), message)
        is_first_fatal = is_fatal and self.fatal is None
        logger.warning(
            "vendor failed",
            extra={"stage": stage, "provider": fault.provider, "is_fatal": is_fatal},
        )
        if self.fatal is None:
            self._put(
                VendorTrouble(
                    stage=stage,
                    provider=fault.provider,
                    message=fault.message,
                    owner=fault.owner,
                    is_fatal=is_fatal,
                    at_ms=self._clock.now_ms(),
                )
            )
        if is_first_fatal:
            self.fatal = fault
            self._on_fatal(fault)

    def replaced(self, stage: str, error: BaseException) -> bool:
        """Let the next vendor of a stage take over, and tell; False when none is left.

        Whatever counted against the old one is forgotten.
        """
        vendors = self._vendors
        if vendors is None or self.fatal is not None or not vendors.has_stand_in(stage):
            return False
        failed = vendors.providers.get(stage, "unknown")
        self.trouble(stage, error, is_fatal=False)
        if not vendors.take_over(stage):
            return False
        self._cut_replies = 0
        if stage == "stt":
            self._connections_lost = self._silences = 0
        self._put(
            VendorReplaced(
                stage=stage,
                provider=failed,
                stand_in=vendors.providers.get(stage, "unknown"),
                at_ms=self._clock.now_ms(),
            )
        )
        return True

    def can_retry(self, stage: str, error: BaseException) -> bool:
        """Whether another try may help."""
        return (
            self._vendors is not None and self._vendors.trouble(stage, error).retryable
        )

    def reply_cut(self, stage: str, error: BaseException) -> None:
        """A reply broke off after its first words: one is put up with."""
        self._cut_replies = self._cut_replies + 1 if self._cut_stage == stage else 1
        self._cut_stage = stage
        self.trouble(stage, error, is_fatal=self._cut_replies >= MAX_CUT_REPLIES)

    def reply_whole(self, stage: str) -> None:
        """A reply came to its end at this stage."""
        if self._cut_stage == stage:
            self._cut_replies = 0

    def recogniser_lost(self, error: BaseException, *, attempts: int) -> None:
        """A recognition stream ended; it is opened anew unless that keeps failing."""
        self._connections_lost += 1
        is_last = self._connections_lost >= attempts or not self.can_retry("stt", error)
        self.trouble("stt", error, is_fatal=is_last)

    def recogniser_spoke(self) -> None:
        self._connections_lost = self._silences = 0

    def recogniser_silent(self, waited_s: float) -> int:
        """Speech went without a transcript; return how many times in a row."""
        self._silences += 1
        is_last = self._silences >= MAX_SILENCES
        self.trouble("stt", VendorHung(waited_s), is_fatal=is_last)
        return self._silences

    def release(self) -> None:
        """Let go of the call."""
        self._put = self._on_fatal = _nothing
        self._vendors = None


def _nothing(*args: object) -> None:
    """The call is over."""
