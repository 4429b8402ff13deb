"""Attended transfers that the other side makes: RFC 3891, and REFER with Replaces.

INVITE with Replaces ─▶ the call it names goes on with whoever sent it
REFER with Replaces  ─▶ we INVITE whom it names, in place of a call of theirs
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from sipmessage import URI, Request, Response

from calls.telephony.sip.agent import NoResponse, UserAgent
from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.dialog import Dialog
from calls.telephony.sip.headers import parameter, parse_uri, uri_text
from calls.telephony.sip.messages import (
    ALLOW,
    bracketed,
    new_call_id,
    new_request,
    new_tag,
)
from calls.telephony.sip.negotiation import SDP_TYPE
from calls.telephony.sip.transport import Peer
from calls.telephony.sip.trunk import SipTrunk

MAX_EXTENSION_DIGITS: Final = 6
RING_S: Final = 20.0
_TRIES: Final = 3


@dataclass(frozen=True)
class Replaces:
    """The dialog to be replaced, as the side sees it that gets the INVITE."""

    call_id: str
    to_tag: str
    from_tag: str


def replaces_in(value: str) -> Replaces | None:
    """Read a Replaces header; `None` for one that names no dialog."""
    call_id = value.partition(";")[0].strip()
    to_tag, from_tag = parameter(value, "to-tag"), parameter(value, "from-tag")
    if not (call_id and to_tag and from_tag):
        return None
    return Replaces(call_id, to_tag, from_tag)


@dataclass(frozen=True)
class AttendedTarget:
    """Whom we are to call, and in place of which call of theirs."""

    uri: URI
    replaces: str


def attended_target(refer: Request, trunk: SipTrunk) -> AttendedTarget | None:
    """Return whom a REFER names; `None` for one that we do not follow.

    A blind one would have us dial wherever the other side likes, at our customer's
    expense. So is refused what is not at the trunk, or looks like an outside number.
    """
    whole = uri_text(refer.headers.get("Refer-To") or "")
    address, _, headers = whole.partition("?")
    values = {
        unquote(name).strip().lower(): unquote(value)
        for name, _, value in (piece.partition("=") for piece in headers.split("&"))
    }
    replaces = values.get("replaces", "")
    if any(ord(c) < 32 for c in replaces) or replaces_in(replaces) is None:
        return None
    try:
        uri = parse_uri(address)
    except ValueError:
        return None
    digits = (uri.user or "").lstrip("+")
    if digits.isdigit() and len(digits) > MAX_EXTENSION_DIGITS:
        return None
    if uri.host.strip("[]").lower() not in (trunk.host, trunk.domain):
        return None
    return AttendedTarget(uri, replaces)


async def call_instead(
    agent: UserAgent,
    trunk: SipTrunk,
    auth: AuthSession,
    peer: Peer,
    target: AttendedTarget,
    offer: bytes,
    own_address: str,
) -> tuple[Dialog, Response]:
    """Call the target in place of another call; return the dialog, acknowledged.

    Raises `NoResponse`, with the status in its text, when it is not taken.
    """
    call_id, tag = new_call_id(), new_tag()
    contact = agent.contact(trunk.contact_user, peer)
    response: Response | None = None
    for sequence in range(1, _TRIES + 1):
        invite = new_request(
            "INVITE",
            target.uri,
            from_value=f"<{own_address}>;tag={tag}",
            to_value=f"<{target.uri}>",
            call_id=call_id,
            sequence=sequence,
            body=offer,
            content_type=SDP_TYPE,
        )
        invite.headers.set("Contact", contact)
        invite.headers.set("Allow", ALLOW)
        invite.headers.set("Require", "replaces")
        invite.headers.set("Replaces", target.replaces)
        auth.sign(invite)
        response = await _answer(agent, invite, peer)
        if response.code // 100 == 2:
            dialog = Dialog.as_caller(invite, response, contact, peer)
            agent.send_ack(dialog, dialog.ack(sequence))
            return dialog, response
        if not auth.take(response):
            break
    assert response is not None
    raise NoResponse(f"{response.code} {response.phrase}")


async def _answer(agent: UserAgent, invite: Request, peer: Peer) -> Response:
    final: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

    def take(response: Response | None) -> None:
        if (response is None or response.code >= 200) and not final.done():
            final.set_result(response)

    transaction = agent.send(invite, peer, take)
    try:
        async with asyncio.timeout(RING_S):
            response = await final
    except TimeoutError:
        transaction.end()
        raise NoResponse("408 Request Timeout") from None
    if response is None:
        raise NoResponse(transaction.failure)
    return response


def own_address(trunk: SipTrunk) -> str:
    """Return who we are at a trunk."""
    user = min(trunk.numbers, default=trunk.contact_user)
    return f"sip:{user}@{bracketed(trunk.domain or trunk.host)}"
