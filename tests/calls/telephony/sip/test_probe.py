"""The connection test tells apart what a person can mend, and says how; real peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from calls.permitted import ANYWHERE, Permitted
from calls.telephony.protocol import ProbeStep
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.probe import STEPS, probe
from calls.telephony.sip.resolving import Resolver
from tests.calls.telephony.sip.certificates import tls_listening
from tests.calls.telephony.sip.exchange import Desk, carrier, trunk
from tests.calls.telephony.sip.test_real_peers import SCENARIOS, sipp
from tests.fakes.dns_server import NameServer, name_server
from tests.plugins.servers import free_port
from tests.sip_peers import PASSWORD, kamailio

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

HERE = "127.0.0.1"


def told(steps: tuple[ProbeStep, ...]) -> dict[str, tuple[bool | None, str]]:
    """Return each step's verdict and sentence; the last of a name counts."""
    assert {step.name for step in steps} >= set(STEPS)
    return {step.name: (step.is_ok, step.detail % step.values) for step in steps}


def failed(steps: tuple[ProbeStep, ...]) -> ProbeStep:
    """Return the one step that failed; it says what to do."""
    (step,) = [step for step in steps if step.is_ok is False]
    assert step.advice % step.values
    return step


@asynccontextmanager
async def somebody(**listening: Any) -> AsyncIterator[SipCarrier]:
    phone = carrier(Desk(), **listening)
    await phone.configure([trunk(addresses=HERE)])
    try:
        yield phone
    finally:
        await phone.aclose()
        assert phone.agent.held == (0, 0, 0)


def asking(server: NameServer, permitted: Permitted = ANYWHERE) -> Resolver:
    host, _, port = server.address.partition(":")
    return Resolver([host], int(port), permitted=permitted)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_peer_that_answers_is_good(transport: str) -> None:
    async with somebody() as phone:
        port = phone.agent.transports.port
        steps = await probe(trunk(host=HERE, port=port, transport=transport))
    seen = told(steps)
    assert False not in {is_ok for is_ok, _ in seen.values()}
    assert seen["dns"] == (None, f"{HERE} is an address: there is no name to look up.")
    assert seen["options"][0] is True
    assert seen["connect"][0] is (None if transport == "udp" else True)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_closed_port_is_called_one_at_once(transport: str) -> None:
    async with asyncio.timeout(3):
        steps = await probe(trunk(host=HERE, port=free_port(), transport=transport))
    step = failed(steps)
    assert step.name == "connect"
    assert "Nothing listens" in step.detail
    assert "5061" in step.advice
    assert told(steps)["options"] == (None, "Not reached.")


async def test_whoever_never_answers_may_be_behind_a_firewall() -> None:
    loop = asyncio.get_running_loop()
    deaf, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=(HERE, 0)
    )
    port = deaf.get_extra_info("sockname")[1]
    try:
        step = failed(await probe(trunk(host=HERE, port=port)))
    finally:
        deaf.close()
    assert (step.name, step.values["place"]) == ("options", f"{HERE}:{port}")
    assert "firewall" in step.advice


async def test_a_name_that_is_not_there_is_told_from_name_servers_that_are_away() -> (
    None
):
    with name_server() as server:
        step = failed(await probe(trunk(host="trunk.invalid"), asking(server)))
        assert step.name == "dns"
        assert "spelled" in step.advice
        server.is_silent = True
        step = failed(await probe(trunk(host="trunk.invalid"), asking(server)))
        assert step.name == "dns"
        assert "operator" in step.advice


async def test_the_next_server_is_asked_as_a_call_would() -> None:
    async with somebody() as phone:
        with name_server() as server:
            server.put(
                "_sip._udp.trunk.example",
                "SRV",
                f"1 1 {free_port()} one.trunk.example.",
                f"2 1 {phone.agent.transports.port} one.trunk.example.",
            )
            server.put("one.trunk.example", "A", HERE)
            steps = await probe(
                trunk(host="trunk.example", transport="udp"), asking(server)
            )
    assert [step.is_ok for step in steps if step.name == "connect"] == [None, None]
    assert told(steps)["options"][0] is True
    assert not [step for step in steps if step.is_ok is False]


@pytest.mark.parametrize(
    ("days_left", "host", "is_trusted", "words"),
    [
        (1, HERE, False, "signed itself"),
        (-1, HERE, True, "run out"),
        (1, "edge.example", True, "not for edge.example"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days_left: int,
    host: str,
    is_trusted: bool,
    words: str,
) -> None:
    listening = tls_listening(tmp_path, days_left=days_left)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(listening["tls_certificate"]))
    async with somebody(**listening) as phone:
        with name_server() as server:
            server.put("edge.example", "A", HERE)
            config = trunk(
                host=host, port=phone.agent.transports.tls_port, transport="tls"
            )
            steps = await probe(config, asking(server))
    step = failed(steps)
    assert step.name == "tls"
    assert words in step.detail % step.values
    assert told(steps)["connect"][0] is True


async def test_a_port_without_tls_is_called_one() -> None:
    async with somebody() as phone:
        port = phone.agent.transports.port
        step = failed(await probe(trunk(host=HERE, port=port, transport="tls")))
    assert step.name == "tls"
    assert "does not speak TLS" in step.detail


async def test_over_tls_that_is_trusted_all_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = tls_listening(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(listening["tls_certificate"]))
    async with somebody(**listening) as phone:
        port = phone.agent.transports.tls_port
        steps = await probe(trunk(host=HERE, port=port, transport="tls"))
    seen = told(steps)
    assert seen["tls"] == (
        True,
        f"The way is encrypted, and the certificate is {HERE}'s.",
    )
    assert seen["options"][0] is True


@pytest.mark.servers
@pytest.mark.parametrize(
    ("password", "is_ok", "words"),
    [
        (PASSWORD, True, "accepted the sign-in of alice"),
        ("wrong", False, "refused the sign-in of alice: 401"),
    ],
)
async def test_a_password_is_tried_at_the_registrar(
    tmp_path: Path, password: str, is_ok: bool, words: str
) -> None:
    with kamailio(tmp_path, free_port()) as port:
        steps = await probe(
            trunk(
                host=HERE,
                port=port,
                username="alice",
                secrets={"password": password},
                register=True,
            )
        )
    seen = told(steps)
    assert seen["auth"][0] is is_ok
    assert words in seen["auth"][1]
    if not is_ok:
        assert "password" in failed(steps).advice


@pytest.mark.servers
@pytest.mark.parametrize(
    ("types", "is_ok", "words"),
    [
        ("18 3", False, "the carrier has G729, GSM, the trunk PCMA, PCMU, opus"),
        ("18 8 101", True, "Both sides have PCMA"),
    ],
)
async def test_a_carrier_that_tells_its_codecs_is_believed(
    tmp_path: Path, types: str, is_ok: bool, words: str
) -> None:
    port = free_port()
    file = tmp_path / "tells_codecs.xml"
    scenario = (SCENARIOS / "tells_codecs.xml").read_text()
    file.write_text(scenario.replace("AVP CODECS", f"AVP {types}"))
    own = ["-i", HERE, "-p", str(port), "-m", "1"]
    served = asyncio.create_task(sipp(tmp_path, "-sf", str(file), *own))
    await asyncio.sleep(0.5)
    steps = await probe(trunk(host=HERE, port=port))
    assert await served == 0
    seen = told(steps)
    assert seen["codec"][0] is is_ok
    assert words in seen["codec"][1]


async def test_a_trunk_that_only_calls_in_cannot_be_asked() -> None:
    seen = told(await probe(trunk(addresses="8.8.8.0/24")))
    assert seen["settings"][0] is True
    assert "8.8.8.0/24" in seen["dns"][1]
    assert {seen[name][0] for name in STEPS[2:]} == {None}


async def test_settings_that_contradict_each_other_are_named() -> None:
    step = failed(await probe(trunk(host=HERE, register=True)))
    assert step.name == "settings"
    assert step.values["field"] == "register"
