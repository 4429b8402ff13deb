"""A worker that is killed at a line of ours; run by `test_killed_worker`.

Reads orders from its input, one a line: `<line number> <task> <keyword=value>…`. For
each it forks a child that runs the task and, about to execute that many lines of ours,
kills itself with SIGKILL: nothing is closed, flushed or rolled back by us. Answers
`killed` or `finished`. The parent never opens a connection, so a child inherits none.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import django

django.setup()

from campaigns import tasks  # noqa: E402 - after setup

HOUSE = Path(__file__).resolve().parents[2]
WATCHED = tuple(str(HOUSE / folder) for folder in ("campaigns", "calls", "billing"))


def kill_at(line_count: int) -> None:
    """Kill this process when that many lines of ours have been begun."""
    left = line_count

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(WATCHED):
            return None
        if event == "line":
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def main() -> None:
    for order in sys.stdin:
        count, name, *pairs = order.split()
        child = os.fork()
        if child == 0:
            kill_at(int(count))
            getattr(tasks, name)(**dict(pair.split("=") for pair in pairs))
            sys.settrace(None)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            answer = "killed"
        else:
            answer = "finished" if status == 0 else f"failed {status}"
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


main()
