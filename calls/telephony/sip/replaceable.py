"""A leg whose other end may change: by an attended transfer over there.

    INVITE with Replaces ─▶ go_on_in ──╮
    REFER with Replaces ─▶ call_instead ┴▶ the new dialog; a BYE in the old one

Audio, recording and bill go on: to the session it is the same call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from calls.media.link import LinkEnd
from calls.media.phone_link import PhoneLink
from calls.telephony.sip.agent import NoResponse, UserAgent
from calls.telephony.sip.dialog import Dialog, direct_peer
from calls.telephony.sip.leg import SipLeg, warning_of
from calls.telephony.sip.messages import new_tag
from calls.telephony.sip.negotiation import Negotiation
from calls.telephony.sip.replaces import (
    AttendedTarget,
    Replaces,
    attended_target,
    call_instead,
    own_address,
)
from calls.telephony.sip.sdp import BadDescription
from calls.telephony.sip.transactions import ServerTransaction
from calls.telephony.sip.trunk import SipTrunk

logger = logging.getLogger(__name__)


class ReplaceableLeg(SipLeg):
    """What both directions of calls are, once answered."""

    def __init__(
        self,
        agent: UserAgent,
        trunk: SipTrunk,
        link: PhoneLink,
        negotiation: Negotiation,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(agent, trunk, link, negotiation, on_end)
        self._moving: asyncio.Task[None] | None = None  # to whom a REFER named

    def _take_refer(self, transaction: ServerTransaction) -> None:
        """Follow an attended transfer; a blind one is not ours to follow."""
        target = attended_target(transaction.request, self.trunk)
        if target is None or self._moving is not None or not self._is_confirmed:
            self._agent.respond(transaction, 603)
            return
        self._agent.respond(transaction, 202)
        self._moving = self._agent.in_background(self._move_to(target))

    async def _move_to(self, target: AttendedTarget) -> None:
        """Go on with whom a REFER named; the one who sent it is told how it went."""
        old = self._dialog
        assert old is not None
        try:
            await self._tell_progress(old, "100 Trying")
            dialog, response = await call_instead(
                self._agent,
                self.trunk,
                self._auth,
                direct_peer(target.uri, old.peer, self._agent.resolver.permitted)
                or old.peer,
                target,
                self._negotiation.offer(),
                own_address(self.trunk),
            )
        except NoResponse as error:
            await self._tell_progress(old, str(error))
            return
        finally:
            self._moving = None
        if self.is_closed:  # hung up meanwhile
            await self._say_goodbye(dialog)
            return
        self._confirm(dialog)
        self._take_reanswer(response)
        await self._tell_progress(old, "200 OK")
        await self._say_goodbye(old)

    async def _tell_progress(self, dialog: Dialog, status: str) -> None:
        is_final = not status.startswith("1")
        try:
            await self._ask(
                "NOTIFY",
                f"SIP/2.0 {status}\r\n".encode(),
                "message/sipfrag",
                dialog=dialog,
                Event="refer",
                Subscription_State="terminated;reason=noresource"
                if is_final
                else "active;expires=60",
            )
        except NoResponse as error:
            logger.info("a NOTIFY got no answer", extra={"why": str(error)})

    def is_dialog(self, wanted: Replaces) -> bool:
        """Whether this call, answered and going on, is the one named."""
        dialog = self._dialog
        return (
            dialog is not None
            and self._is_confirmed
            and not self.is_closed
            and (dialog.call_id, dialog.local_tag, dialog.remote_tag)
            == (wanted.call_id, wanted.to_tag, wanted.from_tag)
        )

    def go_on_in(self, transaction: ServerTransaction) -> None:
        """Answer an INVITE that replaces this call's dialog; the old one is ended."""
        request, old, tag = transaction.request, self._dialog, new_tag()
        assert old is not None
        try:
            is_secure = transaction.peer.transport == "tls"
            body = self._negotiation.answer(request.body, is_secure=is_secure)
        except BadDescription as error:
            self._agent.respond(
                transaction, 488, headers={"Warning": warning_of(error)}
            )
            return
        contact = self._agent.contact(self.trunk.contact_user, transaction.peer)
        dialog = Dialog.as_callee(request, tag, contact, transaction.peer)
        self._confirm(dialog)
        self._invite_answered = transaction
        transaction.on_unacknowledged = lambda: self.end(LinkEnd.LOST)
        self._agent.respond(
            transaction, 200, to_tag=tag, headers={"Contact": contact}, body=body
        )
        self._apply()
        self._start_timer(None)
        self._agent.in_background(self._say_goodbye(old))
