"""The port every carrier implements: place one call and get its leg.

A leg is a `MediaLink` that rings first. Carriers know no database: what a call is, who
pays for it and whether it may be made was decided before they are asked.

    place() ──▶ ringing ──▶ answered ──▶ closed
                   └──────▶ NotAnswered ──▶ closed
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from django.utils.functional import Promise

from calls.media.link import MediaLink


class NoAnswerOutcome(StrEnum):
    """Why nobody can be spoken to."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    FAILED = "failed"  # the network or the carrier, not the person


class NotAnswered(Exception):
    """The call did not reach a person. `detail` is for the operator, in plain words."""

    def __init__(self, outcome: NoAnswerOutcome, detail: str = "") -> None:
        super().__init__(detail or str(outcome))
        self.outcome = outcome
        self.detail = detail


@dataclass(frozen=True)
class PlaceRequest:
    """One call to make. Numbers are E.164; `call_id` is the idempotency key."""

    call_id: UUID
    caller_id: str
    destination: str
    ring_timeout_s: float = 45.0


class Leg(MediaLink, Protocol):
    """One telephone call, from the first ring on."""

    async def wait_answered(self) -> None:
        """Return once somebody answers.

        Raises:
            NotAnswered: busy, rung out, rejected or failed; and also after `hang_up`.
        """

    async def hang_up(self) -> None:
        """End the call at any time, also while it rings; the same as `aclose`."""


class Carrier(Protocol):
    """Makes calls for one voice process."""

    async def place(self, request: PlaceRequest) -> Leg:
        """Start to ring. The same call id again gives the same leg, no second ring."""

    async def aclose(self) -> None:
        """Hang up every leg and release everything; safe to call twice."""


@dataclass(frozen=True)
class SetupStep:
    """One thing that must be so before a carrier can be used, as an instruction."""

    instruction: str | Promise
    is_done: bool


@dataclass(frozen=True)
class Checklist:
    """What is left to do; readiness is derived from the steps, never claimed."""

    steps: tuple[SetupStep, ...] = ()

    @classmethod
    def from_steps(cls, *steps: SetupStep) -> Checklist:
        return cls(steps)

    @property
    def is_ready(self) -> bool:
        return all(step.is_done for step in self.steps)


@dataclass(frozen=True)
class CarrierSpec:
    """What is known of a carrier before one is made: its name, label and readiness."""

    name: str
    label: str | Promise
    factory: Callable[[], Carrier]
    checklist: Callable[[], Checklist] = Checklist
