"""A blind transfer by REFER: asked, and followed by its NOTIFYs to the end.

REFER ─▶ 202 ─▶ NOTIFY 100, 180 … ─▶ NOTIFY 200: taken, or a refusal with a reason
   ╰──▶ 4xx: refused, the call goes on
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sipmessage import Request

from calls.telephony.protocol import TransferFailure, TransferRefused
from calls.telephony.sip import outcomes
from calls.telephony.sip.agent import NoResponse, UserAgent
from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.dialog import Dialog
from calls.telephony.sip.headers import parse_uri
from calls.telephony.sip.messages import bracketed
from calls.telephony.sip.trunk import SipTrunk

PATIENCE_S: Final = 60.0
_STATUS: Final = re.compile(r"SIP/2\.0\s+(\d{3})")
_NUMBER: Final = re.compile(r"\+?[0-9*#]{2,20}\Z")


class Referral:
    """One REFER of one call."""

    def __init__(
        self,
        agent: UserAgent,
        trunk: SipTrunk,
        dialog: Dialog,
        auth: AuthSession,
        destination: str,
    ) -> None:
        self._agent, self._trunk = agent, trunk
        self._dialog, self._auth = dialog, auth
        self._uri = refer_to(destination, trunk, dialog)
        self._outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self, wait_closed: Callable[[], Awaitable[Any]]) -> None:
        """Return once the other side is with somebody else.

        A peer that says yes and hangs up without another word has taken it as well.
        Raises `TransferRefused`.
        """
        try:
            peer = await self._agent.peer_of(self._dialog)
            response = await self._agent.ask_signed(self._build, peer, self._auth)
        except NoResponse as error:
            raise TransferRefused(TransferFailure.FAILED, str(error)) from error
        if response.code >= 300:
            raise _refused(response.code, outcomes.phrase_of(response))
        closed = asyncio.ensure_future(wait_closed())
        try:
            await asyncio.wait(
                {closed, self._outcome},
                timeout=PATIENCE_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            closed.cancel()
        if self._outcome.done():
            code = self._outcome.result()
            if code >= 300:
                raise _refused(code, f"The destination answered {code}.")
        elif not (closed.done() and not closed.cancelled()):
            raise TransferRefused(
                TransferFailure.NO_ANSWER, "The trunk did not tell how it went."
            )

    def notified(self, request: Request) -> None:
        """Take the news of a NOTIFY."""
        status = _STATUS.match(request.body[:200].decode("latin-1").strip())
        code = int(status[1]) if status else 0
        state = (request.headers.get("Subscription-State") or "").lower()
        if not self._outcome.done() and (code >= 200 or "terminated" in state):
            # A subscription that ends while it rings: its peer let go, and so do we.
            self._outcome.set_result(code if code >= 200 else 200)

    def _build(self) -> Request:
        request = self._dialog.request("REFER")
        request.headers.set("Refer-To", f"<{self._uri}>")
        own = self._dialog.local.partition(";tag=")[0]
        request.headers.set("Referred-By", own)
        return request


def refer_to(destination: str, trunk: SipTrunk, dialog: Dialog) -> str:
    """Return the URI of a number or of a SIP address; raise `TransferRefused`."""
    text = destination.strip()
    if text.lower().startswith(("sip:", "sips:")):
        try:
            return str(parse_uri(text))
        except ValueError:
            raise TransferRefused(
                TransferFailure.BAD_DESTINATION, "The SIP address is malformed."
            ) from None
    if not _NUMBER.match(text):
        raise TransferRefused(
            TransferFailure.BAD_DESTINATION,
            "This is neither a number nor a SIP address.",
        )
    domain = trunk.domain or dialog.target.host
    return f"sip:{trunk.dialled(text)}@{bracketed(domain)}"


def _refused(code: int, detail: str) -> TransferRefused:
    return TransferRefused(outcomes.transfer_failure(code), detail, code=str(code))
