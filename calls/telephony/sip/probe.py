"""A connection test of a trunk: what DNS, the network, OPTIONS, credentials and SDP say.

It runs in any process, on a socket of its own that takes any port, and tells each step
in words for the person who typed the settings. It makes no call that rings: the codecs
are asked by OPTIONS, for whose answer a trunk puts its SDP if it tells it at all.
"""

from __future__ import annotations

from time import monotonic
from typing import Final

from sipmessage import Request, Response

from calls.telephony.protocol import BadTrunk, ProbeStep, TrunkConfig
from calls.telephony.sip import outcomes, sdp
from calls.telephony.sip.agent import NoResponse, UserAgent, target_uri
from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.messages import bracketed, new_call_id, new_request, new_tag
from calls.telephony.sip.resolving import CannotResolve, Resolver
from calls.telephony.sip.transport import Listening, Peer, TransportFailed
from calls.telephony.sip.trunk import SipTrunk, trunk_from

ANSWER_S: Final = 6.0
STEPS: Final = ("settings", "dns", "connect", "options", "auth", "codec")


async def probe(
    config: TrunkConfig, resolver: Resolver | None = None
) -> tuple[ProbeStep, ...]:
    """Return every step of `STEPS`, also those that were not reached."""
    try:
        trunk = trunk_from(config)
    except BadTrunk as error:
        return _complete([ProbeStep("settings", False, f"{error.field}: {error}")])
    settings = ProbeStep("settings", True, "The settings can be used.")
    if not trunk.can_dial:
        networks = ", ".join(str(network) for network in trunk.networks)
        detail = f"Calls are taken from {networks}. There is no host to be asked."
        return _complete([settings, ProbeStep("dns", None, detail)])
    agent = UserAgent(
        Listening(port=0),
        resolver=resolver or Resolver(),
        trusts=lambda request, peer: False,
        on_invite=lambda transaction: None,
    )
    try:
        await agent.open()
        return _complete([settings, *await _look(agent, trunk)])
    finally:
        await agent.aclose()


def _complete(steps: list[ProbeStep]) -> tuple[ProbeStep, ...]:
    seen = {step.name for step in steps}
    missing = [
        ProbeStep(name, None, "Not reached.") for name in STEPS if name not in seen
    ]
    return (*steps, *missing)


async def _look(agent: UserAgent, trunk: SipTrunk) -> list[ProbeStep]:
    host, port = trunk.next_host
    try:
        peers = await agent.resolver.resolve(host, port, trunk.transport)
    except CannotResolve as error:
        return [ProbeStep("dns", False, str(error))]
    steps = [ProbeStep("dns", True, f"{host} is {', '.join(map(str, peers))}.")]
    peer, connected = await _connect(agent, peers)
    steps.append(connected)
    if peer is None:
        return steps
    started_s = monotonic()
    try:
        response = await agent.ask(_request("OPTIONS", trunk), peer, silent_s=ANSWER_S)
    except NoResponse as error:
        detail = f"{error} A firewall, or another port or transport?"
        return [*steps, ProbeStep("options", False, detail)]
    took_ms = round((monotonic() - started_s) * 1000)
    said = f"{peer} answered {outcomes.phrase_of(response)} in {took_ms} ms."
    steps.append(ProbeStep("options", True, said))
    steps.append(await _authenticate(agent, trunk, peer))
    steps.append(_codec(trunk, response))
    return steps


async def _connect(
    agent: UserAgent, peers: list[Peer]
) -> tuple[Peer | None, ProbeStep]:
    """Connect where there is something to connect; UDP is known by its answer."""
    detail = ""
    for peer in peers:
        if not peer.is_reliable:
            return peer, ProbeStep("connect", None, "UDP has no connection to test.")
        try:
            await agent.transports.send(b"\r\n\r\n", peer)
        except TransportFailed as error:
            detail = str(error)
            continue
        kind = "TLS, with a trusted certificate" if peer.transport == "tls" else "TCP"
        return peer, ProbeStep("connect", True, f"Connected to {peer} over {kind}.")
    return None, ProbeStep("connect", False, detail)


async def _authenticate(agent: UserAgent, trunk: SipTrunk, peer: Peer) -> ProbeStep:
    """Ask which contacts are registered, which changes nothing: RFC 3261 10.2.3."""
    if trunk.credentials is None:
        detail = "No credentials: the trunk must know us by our address."
        return ProbeStep("auth", None, detail)
    auth = AuthSession(trunk.credentials)
    was_challenged = False

    def build() -> Request:
        return _request("REGISTER", trunk)

    try:
        request = build()
        response = await agent.ask(request, peer, silent_s=ANSWER_S)
        while auth.take(response):
            was_challenged = True
            request = build()
            auth.sign(request)
            response = await agent.ask(request, peer, silent_s=ANSWER_S)
    except NoResponse as error:
        return ProbeStep("auth", False, str(error))
    phrase = outcomes.phrase_of(response)
    if response.code // 100 == 2:
        detail = "The credentials were accepted."
        if not was_challenged:
            detail = "The trunk asked for no credentials."
        return ProbeStep("auth", True, detail)
    if response.code in (401, 403, 407):
        return ProbeStep("auth", False, f"The credentials were refused: {phrase}.")
    detail = f"The trunk takes no REGISTER ({phrase}); calls will show."
    return ProbeStep("auth", None, detail)


def _codec(trunk: SipTrunk, response: Response) -> ProbeStep:
    ours = ", ".join(codec.name for codec in trunk.codecs)
    if not response.body:
        detail = f"The trunk does not tell its codecs; we offer {ours}."
        return ProbeStep("codec", None, detail)
    try:
        theirs = {format_.codec for format_ in sdp.read(response.body).formats}
    except sdp.BadDescription:
        detail = f"The trunk's codecs cannot be read; we offer {ours}."
        return ProbeStep("codec", None, detail)
    common = [codec.name for codec in trunk.codecs if codec in theirs]
    if common:
        return ProbeStep("codec", True, f"In common: {', '.join(common)}.")
    return ProbeStep("codec", False, f"No codec in common; we offer {ours}.")


def _request(method: str, trunk: SipTrunk) -> Request:
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
