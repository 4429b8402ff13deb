"""A connection test of a trunk: what DNS, the network, OPTIONS, credentials and SDP say.

It runs in any process, on a socket of its own that takes any port, and tells each step
in words for the person who typed the settings, with what to do where there is something
to do. It makes no call that rings: the codecs are asked by OPTIONS, for whose answer a
trunk puts its SDP if it tells it at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Final

from django.utils.translation import gettext_noop
from sipmessage import Response

from calls.telephony.probing import unusable
from calls.telephony.protocol import BadTrunk, ProbeStep, TrunkConfig
from calls.telephony.sip import outcomes, sdp
from calls.telephony.sip.agent import NoResponse, UserAgent
from calls.telephony.sip.opening import resolver_from_settings
from calls.telephony.sip.reaching import CHECK_FIREWALL, place, reach
from calls.telephony.sip.resolving import CannotResolve, NotPermitted, Resolver
from calls.telephony.sip.signing_in import CHALLENGED, question, sign_in
from calls.telephony.sip.transport import Listening, Peer
from calls.telephony.sip.trunk import SipTrunk, trunk_from

ANSWER_S: Final = 6.0  # of the last peer that is asked
NEXT_PEER_S: Final = 3.0
MOST_PEERS: Final = 3
STEPS: Final = ("settings", "dns", "connect", "options", "auth", "codec")
_ALIVE_ALL_THE_SAME: Final = (501, 505)  # 5xx of whoever knows no OPTIONS
_NO_CODEC: Final = (415, 488, 606)
_OPEN_NETWORK: Final = gettext_noop(
    "Enter the address that the carrier has on the internet. If it is a telephone system"
    " in your own network, ask the operator of this installation to open that network to"
    " trunks, by the setting SIP_ALLOWED_NETWORKS."
)


async def probe(
    config: TrunkConfig, resolver: Resolver | None = None
) -> tuple[ProbeStep, ...]:
    """Return every step of `STEPS`, also those that were not reached."""
    try:
        trunk = trunk_from(config)
    except BadTrunk as error:
        return _complete([unusable(error)])
    resolver = resolver or resolver_from_settings()
    settings = _usable(trunk, resolver)
    if not trunk.can_dial:
        return _complete([settings, _only_called(trunk)])
    host, port = trunk.next_host
    try:
        peers = await resolver.resolve(host, port, trunk.transport)
    except NotPermitted:
        return _complete([settings, _out_of_bounds(host)])
    except CannotResolve:
        return _complete([settings, await _nowhere(resolver, host)])
    steps = [settings, _found(host, peers)]
    agent = await _agent(resolver, peers)
    try:
        return _complete([*steps, *await _look(agent, trunk, peers[:MOST_PEERS])])
    finally:
        await agent.aclose()


def _usable(trunk: SipTrunk, resolver: Resolver) -> ProbeStep:
    closed = [str(n) for n in trunk.networks if not resolver.permitted.covers(n)]
    if not closed:
        return ProbeStep("settings", True, gettext_noop("The settings can be used."))
    return ProbeStep(
        "settings",
        False,
        gettext_noop(
            "Calls from %(networks)s are not taken: this is a private network, and this"
            " installation opens none of those to trunks."
        ),
        _OPEN_NETWORK,
        {"networks": ", ".join(closed)},
    )


async def _agent(resolver: Resolver, peers: list[Peer]) -> UserAgent:
    """Return an agent that reaches these peers, by IPv6 where there is such a thing."""
    own = ["::"] if any(":" in peer.host for peer in peers) else []
    for host in (*own, "0.0.0.0"):  # noqa: S104  # whatever way out there is
        agent = UserAgent(
            Listening(host, port=0),
            resolver=resolver,
            trusts=lambda request, peer: False,
            on_invite=lambda transaction: None,
        )
        try:
            await agent.open()
        except OSError:
            if host != "::":
                raise
            continue
        break
    return agent


def _complete(steps: list[ProbeStep]) -> tuple[ProbeStep, ...]:
    seen = {step.name for step in steps}
    not_reached = gettext_noop("Not reached.")
    missing = [ProbeStep(name, None, not_reached) for name in STEPS if name not in seen]
    return (*steps, *missing)


def _only_called(trunk: SipTrunk) -> ProbeStep:
    return ProbeStep(
        "dns",
        None,
        gettext_noop(
            "Calls are taken from %(networks)s. There is no address that could be asked."
        ),
        gettext_noop("Enter the carrier's address as well if calls are to go out."),
        {"networks": ", ".join(str(network) for network in trunk.networks)},
    )


async def _look(
    agent: UserAgent, trunk: SipTrunk, peers: list[Peer]
) -> list[ProbeStep]:
    """Ask one peer after another, as a call does, until one answers."""
    passed: list[ProbeStep] = []
    for peer in peers:
        silent_s = ANSWER_S if peer is peers[-1] else NEXT_PEER_S
        seen, response = await _greet(agent, trunk, peer, silent_s)
        if response is not None:
            signed = await sign_in(agent, trunk, peer, response)
            return [*passed, *seen, signed, _codec(trunk, response)]
        if peer is peers[-1]:
            return [*passed, *seen]
        # Another one may take the calls: then this is a remark and no failure.
        passed += [replace(s, is_ok=None) if s.is_ok is False else s for s in seen]
    return passed


async def _nowhere(resolver: Resolver, host: str) -> ProbeStep:
    if await resolver.is_unheard(host):
        return ProbeStep(
            "dns",
            False,
            gettext_noop("The name servers did not say where %(host)s is."),
            gettext_noop(
                "Test again in a minute. If it stays so, tell the operator of this"
                " installation: its own name servers are at fault."
            ),
            {"host": host},
        )
    return ProbeStep(
        "dns",
        False,
        gettext_noop("There is no %(host)s: no name server knows an address for it."),
        gettext_noop(
            "Check how the address is spelled: the carrier's portal shows it. A name that"
            " was made today may take hours to be known everywhere."
        ),
        {"host": host},
    )


def _out_of_bounds(host: str) -> ProbeStep:
    return ProbeStep(
        "dns",
        False,
        gettext_noop(
            "%(host)s is in a private network, and this installation opens none of those"
            " to trunks. Nothing was sent there."
        ),
        _OPEN_NETWORK,
        {"host": host},
    )


def _found(host: str, peers: list[Peer]) -> ProbeStep:
    if all(peer.host == host for peer in peers):
        detail = gettext_noop("%(host)s is an address: there is no name to look up.")
        return ProbeStep("dns", None, detail, values={"host": host})
    places = ", ".join(place(peer) for peer in peers)
    detail = gettext_noop("%(host)s is at %(places)s.")
    return ProbeStep("dns", True, detail, values={"host": host, "places": places})


async def _greet(
    agent: UserAgent, trunk: SipTrunk, peer: Peer, silent_s: float
) -> tuple[list[ProbeStep], Response | None]:
    """Connect and ask for OPTIONS; without a response it cannot go on with this peer."""
    steps = await reach(agent.transports, peer)
    if steps[-1].is_ok is False:
        return steps, None
    started_s = monotonic()
    values = {"place": place(peer), "limit": f"{silent_s:.0f}"}
    try:
        response = await agent.ask(question("OPTIONS", trunk), peer, silent_s=silent_s)
    except NoResponse:
        detail = gettext_noop("%(place)s did not answer within %(limit)s seconds.")
        silence = ProbeStep("options", False, detail, CHECK_FIREWALL, values)
        return [*steps, silence], None
    values["took_ms"] = str(round((monotonic() - started_s) * 1000))
    values["phrase"] = outcomes.phrase_of(response)
    return [*steps, _greeted(response.code, values)], response


def _greeted(code: int, values: Mapping[str, str]) -> ProbeStep:
    if code // 100 == 5 and code not in _ALIVE_ALL_THE_SAME:
        return ProbeStep(
            "options",
            False,
            gettext_noop("%(place)s is there, but takes no calls now: %(phrase)s."),
            gettext_noop("The address is right. Ask the carrier, or test again later."),
            values,
        )
    if code == 403:
        return ProbeStep(
            "options",
            None,
            gettext_noop("%(place)s is there, but does not talk to us: %(phrase)s."),
            gettext_noop(
                "Tell the carrier the address of this installation, if it takes calls"
                " only from addresses it knows."
            ),
            values,
        )
    if code in CHALLENGED:
        detail = gettext_noop(
            "%(place)s answered in %(took_ms)s ms and asks for a sign-in."
        )
        return ProbeStep("options", True, detail, values=values)
    detail = gettext_noop("%(place)s answered in %(took_ms)s ms: %(phrase)s.")
    return ProbeStep("options", True, detail, values=values)


def _codec(trunk: SipTrunk, response: Response) -> ProbeStep:
    values = {"ours": ", ".join(codec.name for codec in trunk.codecs)}
    theirs: list[str] = []
    with suppress(sdp.BadDescription):  # too long to be read: as good as not told
        theirs = sdp.codec_names(response.body)
    values["theirs"] = ", ".join(theirs)[:200]
    common = [codec.name for codec in trunk.codecs if codec.name.upper() in theirs]
    if common:
        detail = gettext_noop("Both sides have %(common)s.")
        values["common"] = ", ".join(common)
        return ProbeStep("codec", True, detail, values=values)
    if theirs or response.code in _NO_CODEC:
        has_told = gettext_noop(
            "There is no audio format in common: the carrier has %(theirs)s, the trunk"
            " %(ours)s."
        )
        has_not = gettext_noop(
            "There is no audio format in common: the carrier does not take %(ours)s."
        )
        return ProbeStep(
            "codec",
            False,
            has_told if theirs else has_not,
            gettext_noop(
                "Switch PCMA or PCMU (G.711) on at the carrier, and leave “Audio formats”"
                " of the trunk empty to offer all."
            ),
            values,
        )
    detail = gettext_noop(
        "The carrier does not tell its audio formats; the trunk offers %(ours)s."
    )
    return ProbeStep("codec", None, detail, values=values)
