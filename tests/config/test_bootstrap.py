"""What runs before anything is installed: scripts that need the standard library only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import audit

ROOT = Path(__file__).resolve().parents[2]


def test_the_installer_starts_on_a_bare_python() -> None:
    # Without site: nothing is loaded that would hide a clash with a module of ours.
    done = subprocess.run(
        [sys.executable, "-S", "-E", "config/bootstrap.py", "nonsense"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "Unknown: nonsense. Choose one of: demo, test.",
    )


FINE: dict[str, Any] = {"name": "django", "version": "5.2.19", "vulns": []}
UNASKED = {"name": "own", "skip_reason": "not found"}
WEAK = {
    "name": "jinja2",
    "version": "2.4",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.5"]}],
}


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ([FINE, FINE], "Audited 2 packages: no known weakness."),
        ([FINE, UNASKED], "Audited 1 packages; NOT AUDITED: 1."),
        ([UNASKED], "NOT AUDITED: the service"),
        (None, "NOT AUDITED: the service"),
    ],
)
def test_an_audit_says_what_it_asked(
    packages: list[Any] | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = None if packages is None else {"dependencies": packages}
    monkeypatch.setattr(audit, "ask", lambda: answer)
    audit.main()
    assert said in capsys.readouterr().out


def test_a_known_weakness_fails_the_audit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "ask", lambda: {"dependencies": [FINE, WEAK]})
    with pytest.raises(SystemExit) as ended:
        audit.main()
    assert ended.value.code == 1
    assert "jinja2 2.4: PYSEC-1; mended in 2.5" in capsys.readouterr().out
