"""The `Carrier` over SIP: one user agent, its trunks, and the calls on them."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sipmessage import Request

from calls.media.phone_link import PhoneLink
from calls.media.rtp_format import OPUS
from calls.media.rtp_ports import NoPortFree, PortPair, RtpPorts
from calls.telephony.protocol import (
    BadTrunk,
    IncomingCall,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    Receptionist,
    RejectReason,
    TrunkConfig,
    TrunkHealth,
)
from calls.telephony.receiving import show
from calls.telephony.sip.addressing import called_of, caller_name_of, caller_of
from calls.telephony.sip.admission import TrunkGate
from calls.telephony.sip.agent import UserAgent
from calls.telephony.sip.incoming import RETRY_AFTER_S, SipIncomingLeg
from calls.telephony.sip.messages import UNDERSTOOD
from calls.telephony.sip.negotiation import Negotiation
from calls.telephony.sip.outgoing import OutgoingLeg, peers_of
from calls.telephony.sip.registration import TrunkWatch
from calls.telephony.sip.replaces import replaces_in
from calls.telephony.sip.resolving import Resolver
from calls.telephony.sip.session_timer import MIN_SE_S, seconds_of
from calls.telephony.sip.transactions import ServerTransaction
from calls.telephony.sip.transport import Listening, Peer
from calls.telephony.sip.trunk import SipTrunk, trunk_from

logger = logging.getLogger(__name__)

REMEMBERED_LEGS: Final = 1_000


@dataclass
class _Trunk:
    """A trunk in use: its settings, its limits, and what watches it."""

    config: TrunkConfig
    settings: SipTrunk
    gate: TrunkGate
    watch: TrunkWatch


class SipCarrier:
    """Registers, dials and is called, on every trunk it was told."""

    def __init__(
        self,
        listening: Listening,
        ports: RtpPorts,
        *,
        receptionist: Receptionist | None = None,
        resolver: Resolver,
    ) -> None:
        self.ports = ports
        self.agent = UserAgent(
            listening,
            resolver=resolver,
            trusts=self._trusts,
            on_invite=self._on_invite,
        )
        self._receptionist = receptionist
        self._trunks: dict[UUID, _Trunk] = {}
        self._unusable: dict[UUID, TrunkHealth] = {}
        self._placed: OrderedDict[UUID, OutgoingLeg] = OrderedDict()
        self._legs: set[SipIncomingLeg | OutgoingLeg] = set()
        self._receptions: set[asyncio.Task[None]] = set()
        self._opening: asyncio.Task[None] | None = None
        self._is_closed = False

    # --- Carrier --------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; once, whoever asks first. Raises `OSError` when a port is taken."""
        if self._opening is None:
            self._opening = asyncio.create_task(self.agent.open())
        try:
            await asyncio.shield(self._opening)
        except OSError:
            self._opening = None
            raise

    async def configure(self, trunks: Sequence[TrunkConfig]) -> None:
        await self.start()
        wanted = {config.id: config for config in trunks}
        for trunk_id in [key for key in self._trunks if key not in wanted]:
            await self._trunks.pop(trunk_id).watch.aclose()
        self._unusable = {}
        for config in wanted.values():
            try:
                await self._use(config)
            except BadTrunk as error:
                logger.warning("trunk cannot be used", extra={"field": error.field})
                detail = f"{error.field}: {error}"
                self._unusable[config.id] = TrunkHealth(config.id, detail=detail)
                if (known := self._trunks.pop(config.id, None)) is not None:
                    await known.watch.aclose()

    def health(self) -> dict[UUID, TrunkHealth]:
        known = {
            trunk_id: replace(trunk.watch.health, live_calls=trunk.gate.live)
            for trunk_id, trunk in self._trunks.items()
        }
        return known | self._unusable

    async def place(self, request: PlaceRequest) -> OutgoingLeg:
        leg = self._placed.get(request.call_id)
        if leg is not None:
            return leg
        await self.start()
        trunk = self._trunk_for(request)
        peers = await peers_of(self.agent, trunk.settings)
        if (leg := self._placed.get(request.call_id)) is not None:
            return leg  # the same order came again meanwhile
        refusal = trunk.gate.enter()
        if refusal:
            raise NotAnswered(
                NoAnswerOutcome.FAILED, refusal, code="503", retry_after_s=1
            )
        try:
            link, negotiation = self._audio(trunk.settings, peers[0])
        except NoPortFree as error:
            trunk.gate.leave()
            raise NotAnswered(NoAnswerOutcome.FAILED, str(error)) from error
        leg = OutgoingLeg(
            self.agent,
            trunk.settings,
            link,
            negotiation,
            lambda: self._ended(leg, trunk.gate),
            request,
            peers,
        )
        self._placed[request.call_id] = leg
        self._legs.add(leg)
        self._forget_ended()
        return leg

    async def aclose(self) -> None:
        self._is_closed = True
        for task in list(self._receptions):
            task.cancel()
        for leg in list(self._legs):
            await leg.aclose()
        for trunk in self._trunks.values():
            await trunk.watch.aclose()
        self._trunks.clear()
        self._placed.clear()
        if self._receptions:
            await asyncio.wait(set(self._receptions))
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
        await self.agent.aclose()

    # --- trunks ---------------------------------------------------------------------

    async def _use(self, config: TrunkConfig) -> None:
        """Take a trunk, or what changed of it; its calls and its counts go on."""
        known = self._trunks.get(config.id)
        if known is not None and known.config == config:
            return
        settings = trunk_from(config)
        limits = {
            "max_channels": config.max_channels,
            "calls_per_second": config.calls_per_second,
        }
        if known is None:
            gate = TrunkGate(**limits)
        else:
            gate = known.gate
            gate.configure(**limits)
            await known.watch.aclose()
        watch = TrunkWatch(self.agent, settings)
        self._trunks[config.id] = _Trunk(config, settings, gate, watch)
        watch.start()

    def _trunk_for(self, request: PlaceRequest) -> _Trunk:
        if request.trunk_id is not None:
            trunk = self._trunks.get(request.trunk_id)
            if trunk is not None and trunk.settings.can_dial:
                return trunk
            detail = "The trunk is not known to this voice process."
            if (bad := self._unusable.get(request.trunk_id)) is not None:
                detail = f"The trunk cannot be used: {bad.detail}"
            raise NotAnswered(NoAnswerOutcome.FAILED, detail)
        for trunk in self._trunks.values():
            if request.caller_id in trunk.settings.numbers and trunk.settings.can_dial:
                return trunk
        raise NotAnswered(NoAnswerOutcome.FAILED, "No trunk has this number.")

    # --- calls coming in ------------------------------------------------------------

    def _trusts(self, request: Request, peer: Peer) -> bool:
        return bool(self._candidates(request, peer))

    def _candidates(self, request: Request, peer: Peer) -> list[_Trunk]:
        """Return the trunks a request may be from: by our contact, or by its address.

        An address of our own network is nobody's trunk, unless the operator says so.
        """
        if request.uri.user:
            for trunk in self._trunks.values():
                if trunk.settings.contact_user == request.uri.user:
                    return [trunk]
        try:
            ipaddress.ip_address(peer.host)
        except ValueError:
            return []
        if peer.host not in self.agent.resolver.permitted:
            return []
        return [
            trunk
            for trunk in self._trunks.values()
            if peer.host in trunk.watch.addresses or trunk.settings.trusts(peer.host)
        ]

    def _on_invite(self, transaction: ServerTransaction) -> None:
        request, peer = transaction.request, transaction.peer
        candidates = self._candidates(request, peer)
        if self._receptionist is None or self._is_closed or not candidates:
            self.agent.respond(transaction, 503, headers=_soon())
            return
        if (unknown := _unknown_extensions(request)) is not None:
            self.agent.respond(transaction, 420, headers={"Unsupported": unknown})
            return
        expires_s = seconds_of(request)
        if expires_s is not None and expires_s < MIN_SE_S:
            self.agent.respond(transaction, 422, headers={"Min-SE": str(MIN_SE_S)})
            return
        if request.body and "sdp" not in (request.headers.get("Content-Type") or ""):
            accept = {"Accept": "application/sdp"}
            self.agent.respond(transaction, 415, headers=accept)
            return
        if (replaced := request.headers.get("Replaces")) is not None:
            self._replace(transaction, candidates, replaced)
            return
        called = called_of(request, candidates[0].settings)
        trunk = None
        for candidate in candidates:
            number = called_of(request, candidate.settings)
            if number in candidate.settings.numbers:
                trunk, called = candidate, number
        if trunk is None and len(candidates) > 1:
            # Many customers share the carrier, and none of them has this number.
            self.agent.respond(transaction, 404)
            return
        self._take_in(transaction, trunk or candidates[0], candidates, called)

    def _replace(
        self, transaction: ServerTransaction, candidates: list[_Trunk], value: str
    ) -> None:
        """Let a call of the same trunk go on with whoever sent this INVITE."""
        wanted = replaces_in(value)
        if wanted is None:
            self.agent.respond(transaction, 400, "Malformed Replaces")
            return
        trunks = {trunk.settings.id for trunk in candidates}
        for leg in self._legs:
            if leg.trunk.id in trunks and leg.is_dialog(wanted):
                leg.go_on_in(transaction)
                return
        self.agent.respond(transaction, 481)

    def _take_in(
        self,
        transaction: ServerTransaction,
        trunk: _Trunk,
        candidates: list[_Trunk],
        called: str,
    ) -> None:
        refusal = trunk.gate.enter()
        if refusal:
            self.agent.respond(transaction, 503, headers=_soon(1))
            return
        try:
            link, negotiation = self._audio(
                trunk.settings, transaction.peer, transaction.request
            )
        except NoPortFree:
            trunk.gate.leave()
            self.agent.respond(transaction, 503, headers=_soon())
            return
        self.agent.respond(transaction, 100)
        leg = SipIncomingLeg(
            self.agent,
            trunk.settings,
            link,
            negotiation,
            lambda: self._ended(leg, trunk.gate),
            transaction,
        )
        self._legs.add(leg)
        request = transaction.request
        call = IncomingCall(
            carrier="sip",
            trunk_id=trunk.settings.id,
            reference=request.headers["Call-ID"][:200],
            caller=caller_of(request, trunk.settings),
            called=called,
            leg=leg,
            caller_name=caller_name_of(request),
            trunk_ids=tuple(t.settings.id for t in candidates),
        )
        task = asyncio.create_task(self._receive(call, leg), name="sip reception")
        self._receptions.add(task)
        task.add_done_callback(self._receptions.discard)

    async def _receive(self, call: IncomingCall, leg: SipIncomingLeg) -> None:
        assert self._receptionist is not None
        reason = RejectReason.UNAVAILABLE
        try:
            reason = await show(call, self._receptionist)
            if reason is RejectReason.FAILED and leg.is_answered:
                await leg.aclose()  # nobody talks to the caller any more
        finally:
            if not leg.is_answered:
                await leg.reject(reason)

    # --- inside ---------------------------------------------------------------------

    def _audio(
        self, trunk: SipTrunk, peer: Peer, invite: Request | None = None
    ) -> tuple[PhoneLink, Negotiation]:
        """Take ports for one call; raise `NoPortFree`."""
        transports = self.agent.transports
        pair = self.ports.take(transports.media_host(peer.host))
        # Speech for Opus is made at its own rate; for G.711 at the line's.
        takes_opus = OPUS in trunk.codecs and (
            invite is None or b"opus" in invite.body.lower()
        )
        link = self._link(pair, takes_opus=takes_opus)
        negotiation = Negotiation(
            host=transports.local_host(peer.host),
            port=pair.port,
            codecs=trunk.codecs,
            encrypts=trunk.encrypts,
        )
        return link, negotiation

    def _link(self, pair: PortPair, *, takes_opus: bool) -> PhoneLink:
        return PhoneLink(
            pair,
            takes_opus=takes_opus,
            may_reach=self.agent.resolver.permitted.__contains__,
        )

    def _ended(self, leg: Any, gate: TrunkGate) -> None:
        self._legs.discard(leg)
        gate.leave()

    def _forget_ended(self) -> None:
        if len(self._placed) <= 2 * REMEMBERED_LEGS:
            return
        ended = [key for key, leg in self._placed.items() if leg.is_closed]
        for key in ended[:-REMEMBERED_LEGS]:
            del self._placed[key]


def _soon(seconds: int = RETRY_AFTER_S) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def _unknown_extensions(request: Request) -> str | None:
    required = [
        item.strip().lower()
        for value in request.headers.getlist("Require")
        for item in value.split(",")
    ]
    unknown = [item for item in required if item and item not in UNDERSTOOD]
    return ", ".join(unknown)[:200] if unknown else None
