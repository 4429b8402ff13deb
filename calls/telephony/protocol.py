"""The port every carrier implements: calls made, calls taken in, and their legs.

A leg is a `MediaLink` that rings first. Carriers know no database: what a call is, who
pays for it and whether it may be made was decided before they are asked. Which trunks
there are they are told (`configure`); whoever calls in they show to the `Receptionist`.

    place() ──▶ ringing ──▶ answered ──▶ closed            Receptionist.receive()
                   └──────▶ NotAnswered ──▶ closed             │
                                                     ring() ─▶ answer() ─▶ closed
                                                        └────▶ reject() ─▶ closed
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
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
    """The call did not reach a person. `detail` is for the operator, in plain words.

    `code` is the carrier's own (a SIP status, a vendor's error), `retry_after_s` how
    long the carrier asks to be left alone.
    """

    def __init__(
        self,
        outcome: NoAnswerOutcome,
        detail: str = "",
        *,
        code: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail or str(outcome))
        self.outcome = outcome
        self.detail = detail
        self.code = code
        self.retry_after_s = retry_after_s


class RejectReason(StrEnum):
    """Why a call that came in is not taken; each carrier has its own word for it."""

    BUSY = "busy"  # SIP 486
    UNKNOWN_NUMBER = "unknown_number"  # 404
    UNAVAILABLE = "unavailable"  # 480: no assistant, switched off
    DECLINED = "declined"  # 603
    FORBIDDEN = "forbidden"  # 403: suspended, out of credits
    OVER_LIMIT = "over_limit"  # 503 with Retry-After
    FAILED = "failed"  # 500


class TransferFailure(StrEnum):
    """Why a caller could not be handed over."""

    NOT_SUPPORTED = "not_supported"  # this carrier or trunk takes no REFER
    REFUSED = "refused"  # it does, and said no to this one
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    BAD_DESTINATION = "bad_destination"
    FAILED = "failed"  # the network, or the call ended meanwhile


class TransferRefused(Exception):
    """A transfer did not come about and the call goes on as before."""

    def __init__(
        self, reason: TransferFailure, detail: str = "", *, code: str = ""
    ) -> None:
        super().__init__(detail or str(reason))
        self.reason = reason
        self.detail = detail
        self.code = code


class BadTrunk(ValueError):
    """A trunk's settings cannot be used; `field` names the one at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class TrunkConfig:
    """One trunk as the node hands it to a carrier: plain values, secrets opened.

    `settings` and `secrets` have the keys of the carrier's own form. `holds_registration`
    is true in one voice process at a time, so that a trunk has one contact.
    """

    id: UUID
    carrier: str
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_channels: int = 0  # 0: as many as the process takes
    calls_per_second: int = 0  # 0: no limit
    holds_registration: bool = True
    numbers: frozenset[str] = frozenset()  # E.164; tells trunks of one carrier apart


@dataclass(frozen=True)
class PlaceRequest:
    """One call to make. Numbers are E.164; `call_id` is the idempotency key."""

    call_id: UUID
    caller_id: str
    destination: str
    ring_timeout_s: float = 45.0
    trunk_id: UUID | None = None


# Called with one of 0-9 * # A-D, once for each key the other side pressed.
DigitListener = Callable[[str], None]


class Leg(MediaLink, Protocol):
    """One telephone call, from the first ring on."""

    async def wait_answered(self) -> None:
        """Return once somebody answers.

        Raises:
            NotAnswered: busy, rung out, rejected or failed; and also after `hang_up`.
        """

    async def hang_up(self) -> None:
        """End the call at any time, also while it rings; the same as `aclose`."""

    def set_digit_listener(self, listener: DigitListener | None) -> None:
        """Hear keys pressed. Those pressed while nobody listened come first, 32 at most."""

    async def send_digits(self, digits: str) -> None:
        """Press keys, one after another; `w` waits half a second.

        Raises:
            ValueError: for anything but 0-9 * # A-D w.
        """

    @property
    def is_on_hold(self) -> bool:
        """Whether either side has put the other on hold."""

    async def hold(self) -> None:
        """Stop the audio both ways until `resume`; the other side may play music."""

    async def resume(self) -> None:
        """Take up the audio again."""

    async def transfer(self, destination: str) -> None:
        """Hand the other side over to a number and leave; returns once it is taken.

        Raises:
            TransferRefused: and the call goes on.
        """


class IncomingLeg(Leg, Protocol):
    """A leg that rings at us. One of `answer` and `reject` ends the ringing, once."""

    async def ring(self) -> None:
        """Tell the caller that it rings."""

    async def answer_early(self) -> None:
        """Open the audio before answering: for announcements that cost the caller nothing."""

    async def answer(self) -> None:
        """Take the call; audio flows when this returns.

        Raises:
            NotAnswered: the caller hung up before.
        """

    async def reject(
        self, reason: RejectReason, *, retry_after_s: int | None = None
    ) -> None:
        """Turn the caller away; safe after the caller has gone."""


@dataclass(frozen=True)
class IncomingCall:
    """A call that came in. Numbers are as the carrier gave them, E.164 where it could.

    `reference` names it at the carrier: the same one again is the same call. Trunks of
    one carrier share its addresses: then `trunk_id` is the one that has the called
    number, and `trunk_ids` are all that it may have come by.
    """

    carrier: str
    trunk_id: UUID | None
    reference: str
    caller: str  # empty when it was withheld
    called: str
    leg: IncomingLeg
    caller_name: str = ""
    trunk_ids: tuple[UUID, ...] = ()


class Receptionist(Protocol):
    """Who a carrier shows its callers to."""

    async def receive(self, call: IncomingCall) -> None:
        """Ring, answer or reject; runs in a task of its own.

        A call that is still ringing when it returns or raises is turned away.
        """


class Registration(StrEnum):
    """Where a trunk's registration stands."""

    OFF = "off"  # it needs none, or another process holds it
    TRYING = "trying"
    REGISTERED = "registered"
    REFUSED = "refused"  # credentials; tried again slowly
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class TrunkHealth:
    """What a voice process knows of a trunk now."""

    trunk_id: UUID
    registration: Registration = Registration.OFF
    is_reachable: bool | None = None  # None: not asked yet
    round_trip_ms: float | None = None
    checked_at: datetime | None = None
    detail: str = ""  # the last thing that went wrong, in plain words
    live_calls: int = 0


@dataclass(frozen=True)
class ProbeStep:
    """One thing a connection test looked at. `is_ok` None: not reached, or not needed.

    `detail` and `advice` are for the person who set the trunk up. They are English
    sentences marked for translation, with `values` for their placeholders: a worker sees
    what is so, and whoever opens the page reads it in their language.
    """

    name: str  # "dns", "connect", "options", "auth", "codec" …
    is_ok: bool | None
    detail: str  # what was seen
    advice: str = ""  # what to do now, where there is something to do
    values: Mapping[str, str] = field(default_factory=dict)


class Carrier(Protocol):
    """Makes and takes calls for one voice process."""

    async def start(self) -> None:
        """Open what listens for calls; a carrier that only dials has nothing to open."""

    async def configure(self, trunks: Sequence[TrunkConfig]) -> None:
        """Use these trunks from now on: all of them, each time. Running calls go on.

        One that cannot be used costs no other: it is told by `health`.
        """

    def health(self) -> dict[UUID, TrunkHealth]:
        """Return what is known of every configured trunk."""

    async def place(self, request: PlaceRequest) -> Leg:
        """Start to ring. The same call id again gives the same leg, no second ring."""

    async def aclose(self) -> None:
        """Hang up every leg and release everything; safe to call twice."""


@dataclass(frozen=True)
class CarrierSetup:
    """What a voice process gives a carrier when it makes one."""

    receptionist: Receptionist | None = None


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


def no_trouble(config: TrunkConfig) -> None:
    """Accept any settings: for carriers that have none."""


@dataclass(frozen=True)
class CarrierSpec:
    """What is known of a carrier before one is made: its name, label and readiness.

    Listing carriers loads none of their code: `on_use` names it by path.

    `check` raises `BadTrunk` for settings that cannot work, without any network.
    `probe` tries a trunk for real and tells what it saw, from any process.
    """

    name: str
    label: str | Promise
    factory: Callable[[CarrierSetup], Carrier]
    checklist: Callable[[], Checklist] = Checklist
    check: Callable[[TrunkConfig], None] = no_trouble
    probe: Callable[[TrunkConfig], Awaitable[tuple[ProbeStep, ...]]] | None = None
    # Where it computes, as the catalogue says it, by the region that a trunk chose of its
    # own (`Trunk.data_region`). None: wherever the trunk's own host is.
    places: Mapping[str, str] = field(default_factory=dict)
    takes_calls: bool = False  # opened when the process starts, not with the first call
