"""Keeps a trunk registered and asks how it is: one task a trunk, on the loop's clock.

REGISTER ─▶ 200, expires ─▶ … ─▶ REGISTER again well before
    │ 401 407: with credentials; refused again: REFUSED, tried again slowly
    ╰ nothing: the next peer; none left: UNREACHABLE, tried again soon, then slower
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from sipmessage import Request, Response

from calls.telephony.protocol import Registration, TrunkHealth
from calls.telephony.sip import outcomes
from calls.telephony.sip.agent import NoResponse, UserAgent, target_uri
from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.headers import parameter, split_list, uri_text
from calls.telephony.sip.messages import bracketed, new_call_id, new_request, new_tag
from calls.telephony.sip.resolving import CannotResolve
from calls.telephony.sip.transport import Peer
from calls.telephony.sip.trunk import SipTrunk
from common.edges import contained

logger = logging.getLogger(__name__)

ANSWER_S: Final = 8.0
RETRY_S: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
REFUSED_RETRY_S: Final = 300.0
_LEAST_EXPIRES_S: Final = 30
_LOOKED_UP_EVERY_S: Final = 300.0


class TrunkWatch:
    """One trunk's registration and reachability, from `start` to `aclose`."""

    def __init__(self, agent: UserAgent, trunk: SipTrunk) -> None:
        self.trunk = trunk
        self.health = TrunkHealth(trunk.id)
        self.addresses: frozenset[str] = frozenset()  # where the trunk's host is
        self._agent = agent
        self._auth = AuthSession(trunk.credentials)
        self._call_id, self._tag = new_call_id(), new_tag()
        self._sequence = 0
        self._expires_s = trunk.expires_s
        self._registered_at: Peer | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        if not self.trunk.can_dial:
            return
        if self.trunk.registers and self.trunk.holds_registration:
            self._set(registration=Registration.TRYING)
            self._tasks.append(asyncio.create_task(self._keep_registered()))
        self._tasks.append(asyncio.create_task(self._keep_asking()))

    async def aclose(self) -> None:
        """Stop; the registrar is told, if it can be told quickly."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        peer, self._registered_at = self._registered_at, None
        if peer is not None:
            self._agent.in_background(self._unregister(peer))

    # --- registration ---------------------------------------------------------------

    async def _keep_registered(self) -> None:
        failures = 0
        while True:
            wait_s = RETRY_S[-1]
            with contained(logger, "registering failed"):  # no trunk is given up
                try:
                    wait_s = await self._register()
                    failures = 0
                except NoResponse as error:
                    self._registered_at = None
                    self._set(registration=Registration.UNREACHABLE, detail=str(error))
                    wait_s = RETRY_S[min(failures, len(RETRY_S) - 1)]
                    failures += 1
            # Spread out: a thousand trunks must not come back in the same second.
            await asyncio.sleep(wait_s * random.uniform(0.9, 1.0))  # noqa: S311

    async def _register(self) -> float:
        """Register once at the first peer that answers; return when to do it again."""
        error = NoResponse("The trunk has no address.")
        for peer in await self._peers():
            try:
                response = await self._ask_register(peer, self._expires_s)
            except NoResponse as silent:
                self._agent.resolver.shun(peer)
                error = silent
                continue
            return self._take(response, peer)
        raise error

    async def _ask_register(self, peer: Peer, expires_s: int) -> Response:
        def build() -> Request:
            self._sequence += 1
            trunk = self.trunk
            own = f"<sip:{self._user()}@{bracketed(trunk.domain)}>"
            request = new_request(
                "REGISTER",
                target_uri(trunk.domain, None, trunk.port),
                from_value=f"{own};tag={self._tag}",
                to_value=own,
                call_id=self._call_id,
                sequence=self._sequence,
            )
            contact = self._agent.contact(trunk.contact_user, peer)
            request.headers.set("Contact", contact)
            request.headers.set("Expires", str(expires_s))
            return request

        return await self._agent.ask_signed(build, peer, self._auth, silent_s=ANSWER_S)

    def _take(self, response: Response, peer: Peer) -> float:
        if response.code // 100 == 2:
            self._registered_at = peer
            self._set(registration=Registration.REGISTERED, detail="")
            granted_s = self._granted(response)
            # Early enough for a second try.
            return max(_LEAST_EXPIRES_S / 2, granted_s * 0.8 - 5)
        self._registered_at = None
        if response.code == 423:
            wanted = response.headers.get("Min-Expires") or ""
            if wanted.isdigit() and self._expires_s < int(wanted[:6]) <= 86_400:
                self._expires_s = int(wanted[:6])
                return 0.1
        detail = f"The registrar answered {outcomes.phrase_of(response)}."
        if response.code in (401, 403, 404, 407):
            self._set(registration=Registration.REFUSED, detail=detail)
            self._auth = AuthSession(self.trunk.credentials)
            return REFUSED_RETRY_S
        self._set(registration=Registration.UNREACHABLE, detail=detail)
        return float(outcomes.retry_after_of(response) or RETRY_S[2])

    def _granted(self, response: Response) -> int:
        """Return for how long our own contact is known, of perhaps several."""
        for value in response.headers.getlist("Contact"):
            for item in split_list(value):
                expires = parameter(item, "expires") or ""
                if self.trunk.contact_user in uri_text(item) and expires.isdigit():
                    return max(_LEAST_EXPIRES_S, int(expires[:6]))
        expires = response.headers.get("Expires") or ""
        known = int(expires[:6]) if expires.isdigit() else self._expires_s
        return max(_LEAST_EXPIRES_S, known)

    async def _unregister(self, peer: Peer) -> None:
        try:
            await self._ask_register(peer, 0)
        except NoResponse:
            logger.info("a trunk could not be told that we leave")

    def _user(self) -> str:
        credentials = self.trunk.credentials
        return credentials.username if credentials else self.trunk.contact_user

    # --- health ---------------------------------------------------------------------

    async def _keep_asking(self) -> None:
        """Ask every so often; a trunk that is never asked is at least looked up."""
        every_s = self.trunk.options_every_s
        while True:
            with contained(logger, "asking a trunk failed"):  # it is asked again
                try:
                    await (self._ask_options() if every_s else self._peers())
                except NoResponse as error:
                    logger.info("a trunk was not found", extra={"why": str(error)})
            await asyncio.sleep(every_s or _LOOKED_UP_EVERY_S)

    async def _ask_options(self) -> None:
        """Ask each peer until one answers; whatever it says, it is there."""
        try:
            peers = await self._peers()
        except NoResponse as error:
            self._seen(False, None, str(error))
            return
        detail = ""
        for peer in peers:
            started_s = monotonic()
            try:
                await self._agent.ask(self._options(), peer, silent_s=ANSWER_S)
            except NoResponse as error:
                self._agent.resolver.shun(peer)
                detail = str(error)
                continue
            self._seen(True, round((monotonic() - started_s) * 1000, 1), "")
            return
        self._seen(False, None, detail)

    def _options(self) -> Request:
        trunk = self.trunk
        uri = target_uri(trunk.host, None, trunk.port)
        own = f"<sip:{self._user()}@{bracketed(trunk.domain)}>"
        return new_request(
            "OPTIONS",
            uri,
            from_value=f"{own};tag={new_tag()}",
            to_value=f"<{uri}>",
            call_id=new_call_id(),
            sequence=1,
        )

    async def _peers(self) -> list[Peer]:
        host, port = self.trunk.next_host
        try:
            peers = await self._agent.resolver.resolve(host, port, self.trunk.transport)
        except CannotResolve as error:
            raise NoResponse(str(error)) from error
        self.addresses = frozenset(peer.host for peer in peers)
        return peers

    def _seen(self, is_reachable: bool, round_trip_ms: float | None, why: str) -> None:
        self.health = replace(
            self.health,
            is_reachable=is_reachable,
            round_trip_ms=round_trip_ms,
            checked_at=datetime.now(UTC),
            detail=why or self._standing_detail(),
        )

    def _standing_detail(self) -> str:
        is_fine = self.health.registration in (
            Registration.OFF,
            Registration.REGISTERED,
            Registration.TRYING,
        )
        return "" if is_fine else self.health.detail

    def _set(self, *, registration: Registration, detail: str = "") -> None:
        if registration != self.health.registration:
            logger.info("trunk registration", extra={"state": str(registration)})
        self.health = replace(self.health, registration=registration, detail=detail)
