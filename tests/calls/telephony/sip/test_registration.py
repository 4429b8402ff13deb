"""A trunk stays registered, moves on to the next registrar, and is asked how it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

import pytest
from sipmessage import Request

from calls.telephony.protocol import Registration, TrunkHealth
from calls.telephony.sip import registration
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.resolving import Resolver
from tests.calls.telephony.sip.exchange import HOST, carrier, trunk, until
from tests.calls.telephony.sip.test_dialling import Peers, peer
from tests.calls.telephony.sip.test_resolving import zone

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

CHALLENGE = 'Digest realm="house", nonce="n", algorithm=SHA-256, qop="auth,auth-int"'


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    """Registrations of a second, answers within a third of one."""
    with (
        mock.patch.object(registration, "_LEAST_EXPIRES_S", 1),
        mock.patch.object(registration, "ANSWER_S", 0.3),
        mock.patch.object(registration, "RETRY_S", (0.1,)),
    ):
        yield


@asynccontextmanager
async def watched(
    port: int | None, *, resolver: Resolver | None = None, **settings: Any
) -> AsyncIterator[tuple[SipCarrier, Any]]:
    phone = carrier(resolver=resolver)
    values = {"host": HOST, "port": port, "transport": "udp", "options_every_s": 0}
    config = trunk(
        **values | {"register": True, "username": "acme"} | settings,
        secrets={"password": "open"},
    )
    await phone.configure([config])

    def health() -> TrunkHealth:
        return phone.health()[config.id]

    try:
        async with asyncio.timeout(10):
            yield phone, health
    finally:
        await phone.aclose()
        assert phone.agent.held == (0, 0, 0)


def grants(served: Peers, request: Request, *, seconds: int = 1) -> None:
    """Want credentials, then register for so long."""
    if request.method == "REGISTER" and request.headers.get("Authorization") is None:
        served.say(request, 401, WWW_Authenticate=CHALLENGE)
        return
    contact = request.headers.get("Contact") or ""
    served.say(request, 200, Contact=f"{contact};expires={seconds}")


def expiries(served: Peers) -> list[str | None]:
    signed = [r for r in served.asked if r.headers.get("Authorization")]
    return [request.headers.get("Expires") for request in signed]


async def test_it_is_renewed_in_time_and_given_up_in_the_end() -> None:
    async with peer(grants) as served:
        async with watched(served.port) as (_, health):
            await until(lambda: health().registration is Registration.REGISTERED)
            await until(lambda: len(expiries(served)) >= 3)
        await until(lambda: expiries(served)[-1] == "0")
    assert set(expiries(served)[:-1]) == {"600"}
    assert len({request.headers["Call-ID"] for request in served.asked}) == 1
    sequences = [int(r.headers["CSeq"].split()[0]) for r in served.asked]
    assert sequences == sorted(set(sequences))


async def test_a_registrar_that_wants_longer_gets_it() -> None:
    def strict(served: Peers, request: Request) -> None:
        if request.headers.get("Expires") in ("900", "0"):
            grants(served, request, seconds=900)
        else:
            served.say(request, 423, Min_Expires="900")

    async with peer(strict) as served, watched(served.port) as (_, health):
        await until(lambda: health().registration is Registration.REGISTERED)


@pytest.mark.parametrize("code", [401, 403, 404])
async def test_who_is_refused_says_so_and_does_not_insist(code: int) -> None:
    def refuses(served: Peers, request: Request) -> None:
        served.say(request, code, WWW_Authenticate=CHALLENGE)

    async with peer(refuses) as served, watched(served.port) as (_, health):
        await until(lambda: health().registration is Registration.REFUSED)
        assert str(code) in health().detail
        asked = len(served.asked)
        await asyncio.sleep(0.5)
        assert len(served.asked) == asked


async def test_the_next_registrar_is_taken_when_one_is_silent() -> None:
    async with peer(lambda served, request: None) as deaf, peer(grants) as served:
        records = {
            ("_sip._udp.trunk.example.", "SRV"): [
                f"1 1 {deaf.port} one.trunk.example.",
                f"2 1 {served.port} one.trunk.example.",
            ],
            ("one.trunk.example.", "A"): [HOST],
        }
        async with (
            zone(records) as (_, resolver),
            watched(None, resolver=resolver, host="trunk.example") as (_, health),
        ):
            await until(lambda: health().registration is Registration.REGISTERED)
    assert deaf.methods()[0] == "REGISTER"


async def test_a_registrar_that_comes_back_is_found_again() -> None:
    is_there = False

    def sometimes(served: Peers, request: Request) -> None:
        if is_there:
            grants(served, request)

    async with peer(sometimes) as served, watched(served.port) as (_, health):
        await until(lambda: health().registration is Registration.UNREACHABLE)
        is_there = True
        await until(lambda: health().registration is Registration.REGISTERED)


async def test_whatever_it_says_to_a_greeting_it_is_there() -> None:
    def grumpy(served: Peers, request: Request) -> None:
        served.say(request, 404)

    asks: dict[str, Any] = {"register": False, "options_every_s": 15}
    async with peer(grumpy) as served, watched(served.port, **asks) as (_, health):
        await until(lambda: health().is_reachable is not None)
        assert health().is_reachable
        assert health().round_trip_ms is not None
        assert served.methods() == ["OPTIONS"]


async def test_who_does_not_answer_a_greeting_is_away() -> None:
    asks: dict[str, Any] = {"register": False, "options_every_s": 15}
    async with (
        peer(lambda served, request: None) as served,
        watched(served.port, **asks) as (_, health),
    ):
        await until(lambda: health().is_reachable is not None)
        assert health().is_reachable is False
        assert health().detail
