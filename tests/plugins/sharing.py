"""How two processes share the tests: a file is never split, and servers stay together.

A file's tests run in one process, so that what a module starts is started once. What
starts whole processes or a browser runs in one of the two, one after the other: two
demos at a time would measure each other.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

_ROOT = Path(__file__).resolve().parents[2]
_MARKS = ("mark.servers", "mark.browser")


class _ByFile(LoadScopeScheduling):
    """Hands out files, and those that start processes as if they were one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "processes" if _starts_processes(file) else file


@cache
def _starts_processes(file: str) -> bool:
    # The one that hands out tests knows their names and not their marks.
    text = (_ROOT / file).read_text(encoding="utf-8")
    return any(mark in text for mark in _MARKS)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    return _ByFile(config, log)
