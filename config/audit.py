#!/usr/bin/env python3
"""Ask a public service for known weaknesses of what requirements.txt locks.

    .venv/bin/python config/audit.py

Ends with 1 when a locked version has one. Where the service cannot be asked (a build
machine without a way out), that is said loudly and is no fault of the change at hand.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
AUDIT = Path(sys.executable).with_name("pip-audit")
TIMEOUT_S = 300


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it talks to a person


def ask() -> dict[str, Any] | None:
    """Return the service's answer, or `None` when there is none."""
    command = [str(AUDIT), "--disable-pip", "--require-hashes", "--format", "json"]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, "-r", str(ROOT / "requirements.txt")],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return answer


def main() -> None:
    answer = ask()
    packages = answer["dependencies"] if answer else []
    asked = [one for one in packages if "skip_reason" not in one]
    weak = [one for one in asked if one["vulns"]]
    for one in weak:
        for weakness in one["vulns"]:
            mended = ", ".join(weakness["fix_versions"]) or "no version"
            say(f"{one['name']} {one['version']}: {weakness['id']}; mended in {mended}")
    if weak:
        sys.exit(1)
    unasked = len(packages) - len(asked)
    if not asked:
        say("NOT AUDITED: the service that knows of weaknesses cannot be reached.")
    elif unasked:
        say(f"Audited {len(asked)} packages; NOT AUDITED: {unasked}.")
    else:
        say(f"Audited {len(asked)} packages: no known weakness.")


if __name__ == "__main__":
    main()
