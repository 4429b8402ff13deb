"""Programs that others wrote, run beside ours: Kamailio as the edge, baresip as a telephone."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.spawn import spawn, stop
from tests.plugins.servers import free_port, program

ROOT = Path(__file__).parents[1]
MODULES = Path("/usr/lib/baresip/modules")
PASSWORD = "wonderland"


@contextmanager
def kamailio(folder: Path, voice_port: int) -> Iterator[int]:
    """Run the edge that we ship, with one telephone, alice, that may register."""
    port = free_port()
    tables = folder / "tables"
    tables.mkdir()
    (tables / "version").write_text(
        "table_name(string) table_version(int)\nsubscriber:7\n"
    )
    (tables / "subscriber").write_text(
        "username(string) domain(string) password(string)\n"
        f"alice:127.0.0.1:{PASSWORD}\n"
    )
    listing = folder / "dispatcher.list"
    listing.write_text(f"1 sip:127.0.0.1:{voice_port}\n")
    defines = {
        "LISTEN_ADDRESS": "127.0.0.1",
        "LISTEN_PORT": str(port),
        "DOMAIN": '"127.0.0.1"',
        "DISPATCHER_LIST": f'"{listing}"',
        "DBTEXT": f'"text://{tables}"',
        "PIKE_DENSITY": "1000",
    }
    command = [
        program("kamailio", "kamailio"),
        *["-f", str(ROOT / "deploy/kamailio/kamailio.cfg"), "-DD", "-E", "-m", "32"],
        *[
            part
            for name, value in defines.items()
            for part in ("-A", f"{name}={value}")
        ],
        *["-Y", str(folder), "-P", str(folder / "pid")],
    ]
    with (folder / "kamailio.log").open("wb") as log:
        process = spawn(command, death_signal=signal.SIGTERM, stdout=log)
    try:
        _wait_until_it_answers(port, process, folder / "kamailio.log")
        yield port
    finally:
        stop(process, signal.SIGTERM, within_s=10)


def _wait_until_it_answers(
    port: int, process: subprocess.Popen[bytes], log: Path
) -> None:
    """Ask by OPTIONS until it says something."""
    question = (
        f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKup;rport\r\nMax-Forwards: 9\r\n"
        "From: <sip:up@127.0.0.1>;tag=up\r\nTo: <sip:127.0.0.1>\r\n"
        "Call-ID: up\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        for _ in range(100):
            assert process.poll() is None, log.read_text(errors="replace")[-2_000:]
            probe.sendto(question, ("127.0.0.1", port))
            try:
                probe.recv(2_048)
            except OSError:  # not up yet
                time.sleep(0.05)
                continue
            return
    raise AssertionError("Kamailio does not answer")


@contextmanager
def baresip(
    folder: Path, *, dials: str, says: Path, account: str, stays_s: int = 60
) -> Iterator[Path]:
    """Let a telephone call somebody and say a WAV of 8 kHz; yields where it records.

    What it hears becomes `dump-…-dec.wav` there, complete once it has ended.
    """
    own, recorded = free_port(), folder / "recorded"
    recorded.mkdir()
    modules = ("g711", "aufile", "sndfile")
    (folder / "config").write_text(
        f"module_path {MODULES}\nsip_listen 127.0.0.1:{own}\n"
        f"audio_source aufile,{says}\naudio_player aufile,/dev/null\n"
        + "".join(f"module {name}.so\n" for name in modules)
        + f"snd_path {recorded}\n"
        "module_app account.so\nmodule_app menu.so\nrtp_ports 27000-27400\n"
    )
    (folder / "accounts").write_text(f"{account}\n")
    (folder / "contacts").write_text("")
    command = [
        program("baresip", "baresip-core"),
        *["-f", str(folder), "-e", f"/dial {dials}", "-t", str(stays_s)],
    ]
    with (folder / "baresip.log").open("wb") as log:
        process = spawn(command, death_signal=signal.SIGTERM, stdout=log)
    try:
        yield recorded
    finally:
        stop(process, signal.SIGTERM, within_s=10)
