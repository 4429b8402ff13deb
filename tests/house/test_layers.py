"""The layers of the house, and the tools that keep its style, as tests."""

import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_imports_point_downwards_only():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_module_is_named_for_its_kind():
    banned = {"utils.py", "helpers.py", "constants.py", "mixins.py", "misc.py"}
    found = [
        path.relative_to(TREE)
        for room in ("config", "common", "portal", "assistants", "billing", "calls")
        for path in (TREE / room).rglob("*.py")
        if path.name in banned
    ]
    assert found == []
