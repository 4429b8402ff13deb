"""How two processes share the tests: a file is never split, and servers stay together.

A file's tests run in one process, so that what a module starts is started once. What
starts whole processes or a browser runs in one of the two, one after the other: two
demos at a time would measure each other.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PROCESSES = ("servers", "browser")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    together = {
        item.path
        for item in items
        if any(item.get_closest_marker(name) for name in _PROCESSES)
    }
    for item in items:
        group = (
            "processes"
            if item.path in together
            else item.path.relative_to(_ROOT).as_posix()
        )
        item.add_marker(pytest.mark.xdist_group(group))
