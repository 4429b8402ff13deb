"""Re-INVITEs of ours: the other side is told of a hold, a refresh, a change; one at a time.

offer ─▶ 2xx ─▶ ACK: agreed
  ├────▶ 491: both asked at once; again after a while
  └────▶ 408 481: there is no call any more
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sipmessage import Request, Response

from calls.telephony.sip.agent import NoResponse, UserAgent
from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.dialog import Dialog
from calls.telephony.sip.negotiation import SDP_TYPE, Negotiation
from calls.telephony.sip.session_timer import Interval

logger = logging.getLogger(__name__)

_TRIES: Final = 3
_GLARE_S: Final = 2.1


class Reoffers:
    """`on_answer` gets each 2xx, acknowledged by then; `on_gone` is called without a call."""

    def __init__(
        self,
        agent: UserAgent,
        auth: AuthSession,
        negotiation: Negotiation,
        *,
        on_answer: Callable[[Response], None],
        on_gone: Callable[[], None],
        is_over: Callable[[], bool],
    ) -> None:
        self._agent, self._auth, self._negotiation = agent, auth, negotiation
        self._on_answer, self._on_gone, self._is_over = on_answer, on_gone, is_over
        self._asking = asyncio.Lock()

    @property
    def is_asking(self) -> bool:
        return self._asking.locked()

    async def tell(self, dialog: Dialog, interval: Interval | None) -> None:
        """Offer what we want now. One that does not take it hears silence."""
        async with self._asking:
            for _ in range(_TRIES):
                try:
                    code = await self._ask(dialog, interval, self._negotiation.offer())
                except NoResponse as error:
                    logger.info("a re-INVITE got no answer", extra={"why": str(error)})
                    return
                if code != 491 or self._is_over():
                    return
                await asyncio.sleep(_GLARE_S)

    async def _ask(self, dialog: Dialog, interval: Interval | None, body: bytes) -> int:
        """Send one re-INVITE, acknowledge its answer and use it."""
        code = 0
        for _ in range(_TRIES):
            request = dialog.request("INVITE", body, SDP_TYPE)
            if interval is not None:
                refresher = "uac" if interval.is_ours else "uas"
                value = f"{interval.seconds};refresher={refresher}"
                request.headers.set("Session-Expires", value)
                request.headers.set("Supported", "timer")
            self._auth.sign(request)
            response = await self._sent(dialog, request)
            code = response.code
            if code // 100 == 2:
                self._on_answer(response)
                return code
            if code in (408, 481):
                self._on_gone()
                return code
            if not self._auth.take(response):
                return code
        return code

    async def _sent(self, dialog: Dialog, request: Request) -> Response:
        """Return the final answer; 2xx that come again are acknowledged again."""
        peer = await self._agent.peer_of(dialog)
        loop = asyncio.get_running_loop()
        final: asyncio.Future[Response | None] = loop.create_future()
        sequence = dialog.local_sequence

        def take(response: Response | None) -> None:
            if response is not None and response.code < 200:
                return
            if response is not None and response.code < 300:
                dialog.refresh_target(response)
                self._agent.send_ack(dialog, dialog.ack(sequence))
            if not final.done():
                final.set_result(response)

        transaction = self._agent.send(request, peer, take)
        response = await final
        if response is None:
            raise NoResponse(transaction.failure)
        return response
