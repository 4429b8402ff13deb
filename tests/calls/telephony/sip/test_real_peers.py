"""Programs that others wrote: sipp calls and is called, Kamailio registers and routes,
baresip speaks."""

from __future__ import annotations

import asyncio
import shutil
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from calls.media.link import LinkEnd
from calls.telephony.protocol import (
    IncomingCall,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    Registration,
    TransferFailure,
    TransferRefused,
    TrunkConfig,
)
from calls.telephony.sip.carrier import SipCarrier
from tests.calls.telephony.sip.exchange import (
    CALLED,
    CALLER,
    Desk,
    answer,
    carrier,
    hear,
    say,
    strongest_hz,
    trunk,
    until,
)
from tests.plugins.servers import free_port
from tests.sip_peers import kamailio

SCENARIOS = Path(__file__).parent / "scenarios"

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.asyncio]


def program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    assert path is not None, f"{name} is not installed; see config/bootstrap.py"
    return path


async def sipp(folder: Path, *arguments: str, within_s: float = 30) -> int:
    """Run sipp to its end and return its exit code: 0 says every call went well."""
    process = await asyncio.create_subprocess_exec(
        program("sipp"),
        "-nostdin",
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(within_s):
            return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def our_phone(
    acts: Callable[[IncomingCall], Awaitable[None]] = answer, **settings: object
) -> AsyncIterator[tuple[SipCarrier, Desk, int]]:
    desk = Desk(acts)
    phone = carrier(desk)
    await phone.configure([trunk(addresses="127.0.0.1", **settings)])
    try:
        yield phone, desk, phone.agent.transports.port
    finally:
        await phone.aclose()
        assert phone.agent.held == (0, 0, 0)
        assert phone.ports.in_use == 0


@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_sipp_calls_and_hangs_up(tmp_path: Path, transport: str) -> None:
    async with our_phone() as (phone, desk, port):
        target = ["-sn", "uac", f"127.0.0.1:{port}", "-s", "+31201234567"]
        load = ["-m", "20", "-r", "10", "-d", "300", "-t", transport]
        own = ["-i", "127.0.0.1", "-p", str(free_port())]
        assert await sipp(tmp_path, *target, *load, *own) == 0
        assert [call.called for call in desk.calls] == [CALLED] * 20
        await until(lambda: phone.ports.in_use == 0)


async def test_fifty_calls_a_second_are_cut_to_the_twenty_allowed(
    tmp_path: Path,
) -> None:
    """The rest get 503 with Retry-After, and nothing of them stays."""
    when: list[float] = []

    async def note(call: IncomingCall) -> None:
        when.append(time.monotonic())
        await call.leg.answer()

    async with our_phone(note, calls_per_second=20) as (phone, _, port):
        scenario = ["-sf", str(SCENARIOS / "limited_caller.xml"), f"127.0.0.1:{port}"]
        load = ["-m", "150", "-r", "50", "-i", "127.0.0.1", "-p", str(free_port())]
        assert await sipp(tmp_path, *scenario, *load, "-s", "+31201234567") == 0
        spans = np.array(when[20:]) - np.array(when[:-20])
        assert spans.min() > 0.95  # no second has more than twenty
        seconds = int(when[-1] - when[0])
        assert 20 * seconds <= len(when) <= 20 * (seconds + 1)
        assert len(when) < 100
        await until(lambda: phone.ports.in_use == 0)
        assert sum(health.live_calls for health in phone.health().values()) == 0


async def dial(phone: SipCarrier, port: int, **settings: object) -> object:
    config = trunk(host="127.0.0.1", port=port, options_every_s=0, **settings)
    await phone.configure([config])
    return await phone.place(PlaceRequest(uuid4(), CALLER, CALLED, 10, config.id))


async def test_sipp_answers_our_calls(tmp_path: Path) -> None:
    port = free_port()
    own = ["-i", "127.0.0.1", "-p", str(port), "-m", "3", "-t", "u1"]
    served = asyncio.create_task(sipp(tmp_path, "-sn", "uas", *own))
    await asyncio.sleep(0.5)
    phone = carrier()
    for _ in range(3):
        leg = await dial(phone, port)
        await leg.wait_answered()
        await asyncio.sleep(0.1)
        await leg.hang_up()
    assert await served == 0
    await phone.aclose()


@pytest.mark.parametrize(
    ("scenario", "outcome", "code"),
    [
        ("busy", NoAnswerOutcome.BUSY, "486"),
        ("declines", NoAnswerOutcome.REJECTED, "603"),
        ("full", NoAnswerOutcome.FAILED, "503"),
    ],
)
async def test_a_refusal_of_sipp_is_told_apart(
    tmp_path: Path, scenario: str, outcome: NoAnswerOutcome, code: str
) -> None:
    port = free_port()
    text = (SCENARIOS / "refuses.xml").read_text()
    words = {"486": "Busy Here", "603": "Decline", "503": "Service Unavailable"}
    file = tmp_path / f"{scenario}.xml"
    file.write_text(text.replace("CODE", code).replace("PHRASE", words[code]))
    own = ["-i", "127.0.0.1", "-p", str(port), "-m", "1"]
    served = asyncio.create_task(sipp(tmp_path, "-sf", str(file), *own))
    await asyncio.sleep(0.5)
    phone = carrier()
    leg = await dial(phone, port)
    with pytest.raises(NotAnswered) as refusal:
        await leg.wait_answered()
    assert (refusal.value.outcome, refusal.value.code) == (outcome, code)
    assert refusal.value.retry_after_s == 7
    assert await served == 0
    await phone.aclose()


@pytest.mark.parametrize(
    ("status", "is_taken"), [("200 OK", True), ("486 Busy", False)]
)
async def test_a_transfer_is_followed_to_its_end(
    tmp_path: Path, status: str, is_taken: bool
) -> None:
    port = free_port()
    file = tmp_path / "transfers.xml"
    file.write_text((SCENARIOS / "transfers.xml").read_text().replace("STATUS", status))
    own = ["-i", "127.0.0.1", "-p", str(port), "-m", "1"]
    served = asyncio.create_task(sipp(tmp_path, "-sf", str(file), *own))
    await asyncio.sleep(0.5)
    phone = carrier()
    leg = await dial(phone, port)
    await leg.wait_answered()
    if is_taken:
        await leg.transfer("+31205550001")
        assert await leg.wait_closed() is LinkEnd.REMOTE_HANGUP
    else:
        with pytest.raises(TransferRefused) as refusal:
            await leg.transfer("+31205550001")
        assert refusal.value.reason is TransferFailure.BUSY
        assert not leg.is_closed
        await leg.hang_up()
    assert await served == 0
    await phone.aclose()


def alice(port: int, password: str = "wonderland") -> TrunkConfig:
    return trunk(
        host="127.0.0.1",
        port=port,
        username="alice",
        register=True,
        options_every_s=0,
        secrets={"password": password},
    )


async def test_we_register_with_kamailio_and_are_called_through_it(
    tmp_path: Path,
) -> None:
    voice, desk = carrier(), Desk()
    home = carrier(desk)
    await voice.start()
    with kamailio(tmp_path, voice.agent.transports.port) as port:
        registered = alice(port)
        await home.configure([registered])
        await until(
            lambda: home.health()[registered.id].registration is Registration.REGISTERED
        )
        out = trunk(host="127.0.0.1", port=port, options_every_s=0)
        await voice.configure([out])
        leg = await voice.place(PlaceRequest(uuid4(), CALLER, "alice", 10, out.id))
        await leg.wait_answered()
        assert desk.calls[0].trunk_id == registered.id
        assert desk.calls[0].caller == CALLER
        await say(leg, 0.6, hz=500)
        heard = await hear(desk.calls[0].leg, 0.5)
        assert strongest_hz(heard) == pytest.approx(500, abs=20)
        await leg.hang_up()
        await desk.calls[0].leg.wait_closed()
        await home.aclose()
    await voice.aclose()


async def test_a_wrong_password_is_told_and_not_tried_again_at_once(
    tmp_path: Path,
) -> None:
    home = carrier(Desk())
    with kamailio(tmp_path, 9) as port:
        wrong = alice(port, "looking-glass")
        await home.configure([wrong])
        await until(
            lambda: home.health()[wrong.id].registration is Registration.REFUSED
        )
        assert "401" in home.health()[wrong.id].detail
        await home.aclose()


async def test_a_telephone_of_the_edge_calls_a_voice_process(tmp_path: Path) -> None:
    """It has to prove who it is first: the edge challenges its INVITE."""
    desk, home = Desk(), carrier()
    voice = carrier(desk)
    await voice.configure([trunk(addresses="127.0.0.1")])
    with kamailio(tmp_path, voice.agent.transports.port) as port:
        config = alice(port)
        await home.configure([config])
        leg = await home.place(PlaceRequest(uuid4(), CALLER, CALLED, 10, config.id))
        await leg.wait_answered()
        assert desk.calls[0].called == CALLED
        other = desk.calls[0].leg
        await say(other, 0.6, hz=900)
        assert strongest_hz(await hear(leg, 0.5)) == pytest.approx(900, abs=20)
        await other.hang_up()
        assert await leg.wait_closed() is LinkEnd.REMOTE_HANGUP
        await home.aclose()
    await voice.aclose()


async def test_baresip_speaks_with_us(tmp_path: Path) -> None:
    """It plays a tone into the call; we hear that tone."""
    at = np.arange(8_000 * 5)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        tone = 8_000 * np.sin(at * 2 * np.pi * 620 / 8_000)
        file.writeframes(tone.astype(np.int16).tobytes())
    modules = Path("/usr/lib/baresip/modules")
    own = free_port()
    (tmp_path / "config").write_text(
        f"module_path {modules}\nsip_listen 127.0.0.1:{own}\n"
        f"audio_source aufile,{tmp_path}/tone.wav\naudio_player aufile,{tmp_path}/heard.wav\n"
        "module g711.so\nmodule aufile.so\nmodule auconv.so\nmodule auresamp.so\n"
        "module_app account.so\nmodule_app menu.so\nrtp_ports 27000-27100\n"
    )
    (tmp_path / "accounts").write_text("<sip:bob@127.0.0.1>;regint=0;answermode=auto\n")
    (tmp_path / "contacts").write_text("")
    async with our_phone() as (phone, desk, port):
        process = await asyncio.create_subprocess_exec(
            program("baresip"),
            *["-f", str(tmp_path), "-e", f"/dial sip:+31201234567@127.0.0.1:{port}"],
            *["-t", "8"],
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await asyncio.wait_for(desk.arrived.wait(), 6)
            leg = desk.calls[0].leg
            await leg.wait_answered()
            heard = await hear(leg, 2.0)
            assert strongest_hz(heard[8_000:]) == pytest.approx(620, abs=10)
            assert leg.stats().received_packets > 50
        finally:
            process.terminate()
            await process.wait()
        await until(lambda: phone.ports.in_use == 0)
