#!/usr/bin/env python3
"""Make .venv from the locked requirements: `python3 config/bootstrap.py [demo|test]`.

Only the standard library: this runs before anything is installed. Every package is
checked against the hashes of the lock. A stamp remembers what was installed, so that a
second start costs nothing. System packages come through apt when we are root; otherwise
what is missing is named, with the command that installs it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"demo": "requirements.txt", "test": "requirements-dev.txt"}
INSTALLER_LOCK = "requirements-installer.txt"
OLDEST, TOO_NEW = (3, 11), (3, 14)
APT_TIMEOUT_S = 900

# Program or file that shows a Debian package is there, and the package.
FOR_DEMO = {"flite": "flite"}
FOR_TESTS = FOR_DEMO | {
    "redis-server": "redis-server",
    "rabbitmq-server": "rabbitmq-server",
    "chromium": "chromium",
    "sipp": "sip-tester",
    "sox": "sox",
    "turnserver": "coturn",
    "kamailio": "kamailio",
    "baresip": "baresip-core",
    "caddy": "caddy",
    "npm": "npm",
}


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it talks to a person


def main() -> None:
    kind = sys.argv[1] if len(sys.argv) > 1 else "demo"
    if kind not in LOCKS:
        sys.exit(f"Unknown: {kind}. Choose one of: {', '.join(LOCKS)}.")
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        sys.exit(
            f"Python 3.11, 3.12 or 3.13 is needed; this is {sys.version.split()[0]}. "
            "Name another one: make PYTHON=python3.11 …"
        )
    if kind == "demo":
        _offer_packages(FOR_DEMO)
    else:
        _require_packages(FOR_TESTS)
    stamp, wanted = VENV / f".installed-{kind}", _fingerprint(kind)
    if PYTHON.exists() and _read(stamp) == wanted:
        return
    started = time.monotonic()
    say(f"Installing the Python packages of {LOCKS[kind]} into .venv …")
    _make_venv()
    _install(kind)
    stamp.write_text(wanted, encoding="ascii")
    if kind == "test":  # its lock holds everything of the other
        (VENV / ".installed-demo").write_text(_fingerprint("demo"), encoding="ascii")
    say(f"  done in {time.monotonic() - started:.0f} s")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _fingerprint(kind: str) -> str:
    """What an installation depends on: the lock, and where the venv stands."""
    seen = hashlib.sha256((ROOT / LOCKS[kind]).read_bytes())
    seen.update(str(VENV).encode())
    return seen.hexdigest()


# -- Python packages -------------------------------------------------------------------


def _make_venv() -> None:
    if (
        PYTHON.exists()
        and _run([str(PYTHON), "-m", "pip", "--version"]).returncode == 0
    ):
        return
    if _run([sys.executable, "-c", "import ensurepip, venv"]).returncode != 0:
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        _require_packages({f"{version}-venv (module ensurepip)": "python3-venv"})
        if _run([sys.executable, "-c", "import ensurepip, venv"]).returncode != 0:
            sys.exit(f"{sys.executable} cannot make a venv; install {version}-venv.")
    shutil.rmtree(VENV, ignore_errors=True)
    made = _run([sys.executable, "-m", "venv", str(VENV)])
    if made.returncode != 0:
        sys.exit(f"The venv cannot be made:\n{made.stdout}")


def _install(kind: str) -> None:
    """Install with uv, several times faster, where pip can get it; else with pip."""
    lock = str(ROOT / LOCKS[kind])
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    checked = ["install", "--require-hashes", "-r"]
    uv = VENV / "bin" / "uv"
    got = _run([*pip, *checked, str(ROOT / INSTALLER_LOCK)])
    if got.returncode == 0 and uv.exists():
        command = [str(uv), "pip", *checked, lock, "--python", str(PYTHON)]
        # Once and in parallel here, or slowly in every process of the first start.
        if _run([*command, "--compile-bytecode", "--quiet"], show=True).returncode == 0:
            return
        say("  uv did not manage; trying pip, which takes longer …")
    if _run([*pip, *checked, lock], show=True).returncode != 0:
        sys.exit("The packages cannot be installed; the lines above say why.")


def _run(
    command: list[str], *, show: bool = False, timeout_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own fixed commands
        command,
        stdin=subprocess.DEVNULL,
        stdout=None if show else subprocess.PIPE,
        stderr=None if show else subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout_s,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
    )


# -- system packages -------------------------------------------------------------------


def _missing(packages: dict[str, str]) -> list[str]:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/games"
    return [
        package
        for program, package in packages.items()
        if shutil.which(program, path=path) is None
    ]


def _offer_packages(packages: dict[str, str]) -> None:
    """Install what makes the demo better, once; go on without it otherwise."""
    missing = _missing(packages)
    refused = ROOT / "var" / ".packages-skipped"
    if not missing or refused.exists():
        return
    names = " ".join(missing)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Installing {names} through apt, for a better voice …")
        if _apt_install(missing):
            return
        say(f"  {names} could not be installed; going on with the built-in voice.")
    else:
        say(f"Going on without {names}: the built-in voice is used. For a better one:")
        say(f"  sudo apt-get install -y {names}")
    refused.parent.mkdir(exist_ok=True)
    refused.touch()


def _require_packages(packages: dict[str, str]) -> None:
    missing = _missing(packages)
    if not missing:
        return
    names = " ".join(missing)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Installing through apt: {names} …")
        if _apt_install(missing):
            return
    sys.exit(f"Missing on this machine: {names}\n  sudo apt-get install -y {names}")


def _apt_install(packages: list[str]) -> bool:
    """Install; the lists of a fresh machine may be missing or old."""
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    try:
        if _run(install, timeout_s=APT_TIMEOUT_S).returncode == 0:
            return True
        _run(["apt-get", "update", "-q"], timeout_s=APT_TIMEOUT_S)
        done = _run(install, timeout_s=APT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        say("  apt-get does not come to an end.")
        return False
    if done.returncode != 0:
        say(done.stdout.strip()[-2000:])
    return done.returncode == 0


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
