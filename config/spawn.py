"""Start a child process that cannot outlive the one that started it.

Each child leads a session of its own, so that a Ctrl-C reaches only its starter and its
whole group can be signalled. On Linux the kernel signals the child when the *thread*
that started it ends, even by SIGKILL: start children from the main thread.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(number: signal.Signals) -> None:
    """Ask the kernel to send `number` to this process when its parent ends."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def _before_exec(parent: int, number: signal.Signals) -> Callable[[], None]:
    def prepare() -> None:
        die_with_parent(number)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os._exit(1)

    return prepare


def spawn(
    command: Sequence[str],
    *,
    death_signal: signal.Signals,
    stdout: int | IO[bytes] | None = None,
    account: pwd.struct_passwd | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` with no stdin, both outputs to `stdout`, as `account`."""
    return subprocess.Popen(  # noqa: S603 - our own fixed commands
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT if stdout is not None else None,
        cwd=cwd,
        env=env,
        start_new_session=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        # Whoever starts children has one thread: Python may run before the exec.
        preexec_fn=_before_exec(os.getpid(), death_signal),
    )


def stop(
    process: subprocess.Popen[bytes], number: signal.Signals, *, within_s: float
) -> None:
    """Signal the process, wait, and kill what is left of its group. Idempotent."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            kill_group(process)
            process.wait()
            return
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever still runs in the session this process leads."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
