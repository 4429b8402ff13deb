"""The sign-in of a connection test: what a REGISTER without a contact says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_noop
from sipmessage import Request, Response

from calls.telephony.protocol import ProbeStep
from calls.telephony.sip import outcomes
from calls.telephony.sip.agent import NoResponse, UserAgent, target_uri
from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.messages import bracketed, new_call_id, new_request, new_tag
from calls.telephony.sip.reaching import CHECK_FIREWALL, place
from calls.telephony.sip.transport import Peer
from calls.telephony.sip.trunk import SipTrunk

CHALLENGED: Final = (401, 407)
_ANSWER_S: Final = 6.0


async def sign_in(
    agent: UserAgent, trunk: SipTrunk, peer: Peer, greeting: Response
) -> ProbeStep:
    """Return what the carrier says of the trunk's credentials.

    It is asked which contacts are registered, which changes nothing: RFC 3261 10.2.3.
    """
    if trunk.credentials is None:
        return _without_sign_in(greeting)
    auth = AuthSession(trunk.credentials)
    times = 0

    def build() -> Request:
        nonlocal times
        times += 1
        return question("REGISTER", trunk)

    values = {"user": trunk.credentials.username, "place": place(peer)}
    try:
        response = await agent.ask_signed(build, peer, auth, silent_s=_ANSWER_S)
    except NoResponse:
        detail = gettext_noop("%(place)s did not answer when we signed in.")
        return ProbeStep("auth", False, detail, CHECK_FIREWALL, values)
    values["phrase"] = outcomes.phrase_of(response)
    return _signed_in(response, times > 1, trunk.registers, values)


def _without_sign_in(greeting: Response) -> ProbeStep:
    if greeting.code in CHALLENGED:
        return ProbeStep(
            "auth",
            False,
            gettext_noop("The carrier asks for a sign-in, and the trunk has none."),
            gettext_noop(
                "Enter the user name and the password that the carrier gave you, or have"
                " the carrier take calls from the address of this installation."
            ),
        )
    detail = gettext_noop(
        "The trunk has no sign-in: the carrier must know this installation's address."
    )
    return ProbeStep("auth", None, detail)


def _signed_in(
    response: Response,
    was_challenged: bool,
    registers: bool,
    values: Mapping[str, str],
) -> ProbeStep:
    code = response.code
    if code // 100 == 2:
        accepted = gettext_noop("The carrier accepted the sign-in of %(user)s.")
        unasked = gettext_noop("The carrier let us in without asking for a password.")
        detail = accepted if was_challenged else unasked
        return ProbeStep("auth", True, detail, values=values)
    if code in CHALLENGED and not was_challenged:
        return ProbeStep(
            "auth",
            False,
            gettext_noop("The carrier wants a kind of sign-in that is not known here."),
            gettext_noop("Ask the carrier for digest sign-in with MD5 or SHA-256."),
            values,
        )
    if code in CHALLENGED or (code == 403 and (was_challenged or registers)):
        return ProbeStep(
            "auth",
            False,
            gettext_noop("The carrier refused the sign-in of %(user)s: %(phrase)s."),
            gettext_noop(
                "Enter the user name and the password again. Many carriers have a"
                " password for telephones that is not the one of their portal."
            ),
            values,
        )
    if registers:
        return ProbeStep(
            "auth",
            False,
            gettext_noop("The carrier takes no registration: %(phrase)s."),
            gettext_noop(
                "Switch “Register with the carrier” off and name the addresses its calls"
                " come from, or ask the carrier for an account that registers."
            ),
            values,
        )
    detail = gettext_noop(
        "The carrier takes no registration (%(phrase)s), so the password is tried with"
        " the first call."
    )
    return ProbeStep("auth", None, detail, values=values)


def question(method: str, trunk: SipTrunk) -> Request:
    """Return a request outside any call, from the trunk's own address there."""
    user = trunk.credentials.username if trunk.credentials else trunk.contact_user
    own = f"<sip:{user}@{bracketed(trunk.domain)}>"
    host = trunk.domain if method == "REGISTER" else trunk.host
    uri = target_uri(host, None, trunk.port)
    request = new_request(
        method,
        uri,
        from_value=f"{own};tag={new_tag()}",
        to_value=own if method == "REGISTER" else f"<{uri}>",
        call_id=new_call_id(),
        sequence=1,
    )
    request.headers.set("Accept", "application/sdp")
    return request
