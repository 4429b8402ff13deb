"""The telephone of a whole installation: real peers, whole sessions, what was really heard."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from calls.media.g711 import G711Encoder
from config.spawn import spawn, stop
from tests.e2e.conftest import Installation
from tests.plugins.servers import program
from tests.sip_peers import PASSWORD, baresip, kamailio
from tests.sound import read_wav, say, words_in

pytestmark = [pytest.mark.servers, pytest.mark.slow]
GREETING = {"hello", "acme", "voice", "how", "can", "i", "help", "you"}


def ask(installation: Installation, path: str, **body: Any) -> dict[str, Any]:
    return send(installation, "POST" if body else "GET", path, body)


def change(installation: Installation, path: str, **values: Any) -> None:
    send(installation, "PATCH", path, values)


def send(
    installation: Installation, method: str, path: str, body: dict[str, Any]
) -> dict[str, Any]:
    key = installation.organization("Acme Voice")["api_key"]
    request = urllib.request.Request(
        installation.said["api_base_url"] + path,
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def calls(installation: Installation, **wanted: str) -> list[dict[str, Any]]:
    found = ask(installation, "/calls?limit=10")["calls"]
    return [c for c in found if all(c[name] == wanted[name] for name in wanted)]


def wait_for(condition: Callable[[], Any], *, within_s: float) -> Any:
    until_s = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < until_s, "not in time"
        time.sleep(1)  # a key may ask a hundred times a minute
    return found


def phonecall(installation: Installation, *words: str) -> dict[str, Any]:
    """Run the command and return its JSON."""
    running = installation.manage("phonecall", "--json", *words)
    output, errors = running.communicate(timeout=120)
    assert running.returncode == 0, output + errors
    return json.loads(output)


def user_said(call: dict[str, Any]) -> str:
    turns = call["transcript"]
    return " ".join(t["text"].lower() for t in turns if t["speaker"] == "user")


def test_the_command_answers_a_call_that_the_assistant_makes(
    installation: Installation, tmp_path: Path
) -> None:
    heard = tmp_path / "heard.wav"
    result = phonecall(
        installation, "--answer", "--say", "goodbye", "--record", str(heard)
    )
    assert result["status"] == "ended"
    assert result["audio"]["speech_ms"] > 1_000
    samples, rate_hz = read_wav(heard)
    assert len(words_in(samples, rate_hz) & GREETING) >= 3
    call = ask(installation, f"/calls/{result['call_id']}")
    assert call["direction"] == "outbound"


def test_a_telephone_behind_the_edge_talks_and_is_handed_on(
    installation: Installation, tmp_path: Path
) -> None:
    """Digest at the edge, a whole session, then REFER through it to another number."""
    voice_port = int(installation.said["sip"]["address"].rpartition(":")[2])
    house = installation.organization("Acme Voice")
    other = installation.organization("Harbour Dental")
    line = tmp_path / "line.wav"
    say(line, (7.0, "what are your opening hours"), length_s=60, rate_hz=8_000)
    (tmp_path / "edge").mkdir()
    (tmp_path / "phone").mkdir()
    with (
        kamailio(tmp_path / "edge", voice_port) as edge,
        baresip(
            tmp_path / "phone",
            dials=f"sip:{house['sip_number']}@127.0.0.1",
            says=line,
            account=f"<sip:alice@127.0.0.1>;auth_user=alice;auth_pass={PASSWORD};"
            f'outbound="sip:127.0.0.1:{edge}";regint=0',
        ) as recorded,
    ):
        [call] = wait_for(
            lambda: calls(installation, direction="inbound", status="in-progress"),
            within_s=30,
        )
        wait_for(
            lambda: "opening" in user_said(ask(installation, f"/calls/{call['id']}")),
            within_s=40,
        )
        time.sleep(5)  # for the answer to be said
        ask(
            installation,
            f"/calls/{call['id']}/control",
            type="transfer",
            destination=other["sip_number"],
        )
        wait_for(
            lambda: (
                ask(installation, f"/calls/{call['id']}")["status"] == "transferred"
            ),
            within_s=30,
        )
        [handed_on] = ask(installation, f"/calls/{call['id']}")["transfers"]
        assert (handed_on["method"], handed_on["status"]) == ("refer", "done")
        time.sleep(5)  # for the other assistant's greeting
    words = set()
    for file in sorted(recorded.glob("*-dec.wav")):
        samples, rate_hz = read_wav(file)
        words |= words_in(samples, rate_hz)
    assert len(words & GREETING) >= 3
    assert len(words & {"open", "nine", "five", "monday", "friday"}) >= 2


COLLEAGUE = "+31205551234"


@contextmanager
def colleague(folder: Path, port: int, *words: str) -> Iterator[None]:
    """Let sipp answer at a port, listen, press 1, and speak from then on."""
    say(folder / "speech.wav", (0.5, " ".join(words)), length_s=6, rate_hz=8_000)
    samples, _ = read_wav(folder / "speech.wav")
    speech = folder / "speech.al"
    speech.write_bytes(G711Encoder("PCMA").encode(samples.tobytes()))
    scenario = folder / "colleague.xml"
    text = (Path(__file__).parent / "colleague.xml").read_text()
    scenario.write_text(text.replace("SPEECH,", f"{speech},"))
    command = [program("sipp", "sip-tester"), "-sf", str(scenario), "-nostdin"]
    # More than one call: a keep-alive of the trunk may come before the call does.
    command += ["-i", "127.0.0.1", "-p", str(port), "-t", "u1"]
    with (folder / "sipp.log").open("wb") as log:
        process = spawn(command, death_signal=signal.SIGKILL, stdout=log)
    try:
        yield
    finally:
        stop(process, signal.SIGKILL, within_s=5)


def test_a_caller_is_announced_to_a_colleague_and_talks_with_them(
    installation: Installation, tmp_path: Path
) -> None:
    """The trunk dials a second telephone, which is told, accepts and is joined."""
    house = installation.organization("Acme Voice")
    path = f"/assistants/{house['assistant_id']}"
    tool = {
        "type": "transfer_call",
        "destinations": [{"type": "number", "number": COLLEAGUE, "mode": "warm"}],
    }
    before = ask(installation, path)["assistant"]["llm_config"]
    change(installation, path, llm_config=before | {"tools": [tool]})
    line = tmp_path / "line.wav"
    say(line, (1.0, "hello"), length_s=60, rate_hz=8_000)
    voice = installation.said["sip"]["address"]
    trunk_calls_at = int(installation.said["sip"]["answers_at"].rpartition(":")[2])
    (tmp_path / "phone").mkdir()
    with (
        colleague(tmp_path, trunk_calls_at, "good morning", "this is the owner"),
        baresip(
            tmp_path / "phone",
            dials=f"sip:{house['sip_number']}@{voice}",
            says=line,
            account="<sip:+31612345678@127.0.0.1>;regint=0",
        ) as recorded,
    ):
        [call] = wait_for(
            lambda: calls(installation, direction="inbound", status="in-progress"),
            within_s=30,
        )
        control = f"/calls/{call['id']}/control"
        ask(installation, control, type="transfer", destination=COLLEAGUE)
        wait_for(
            lambda: (
                ask(installation, f"/calls/{call['id']}")["status"] == "transferred"
            ),
            within_s=60,  # it rings, is told who comes, and presses
        )
        time.sleep(10)  # for the colleague to speak
    change(installation, path, llm_config=before)
    words = set()
    for file in sorted(recorded.glob("*-dec.wav")):
        samples, rate_hz = read_wav(file)
        words |= words_in(samples, rate_hz)
    assert words >= {"good", "morning"}  # the colleague alone says so
