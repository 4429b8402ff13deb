"""An event loop whose clock jumps to the next timer whenever nothing is left to do.

Minutes of dialogue run in milliseconds and every run has the same order of events. Code
under test may read `loop.time()`, `time.time()`, `time.monotonic()` or
`time.perf_counter()`: all follow the virtual clock. Executor jobs run inline, so no
thread can race it. A program that waits for something no timer will bring raises
`NothingWillHappen` instead of hanging.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Wall clock of virtual second 0: a fixed date, so that timestamps repeat between runs.
EPOCH_S = 1_800_000_000.0
IO_GRACE_S = 0.2  # real seconds to wait for a socket before calling it a deadlock


class NothingWillHappen(RuntimeError):
    """Every task waits and no timer is set."""


class _JumpingSelector(selectors.BaseSelector):
    """Answer `select(timeout)` by moving the clock instead of waiting."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now_s = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = self._real.select(IO_GRACE_S)
            if not ready:
                raise NothingWillHappen
            return ready
        self.now_s += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> Any:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> Any:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Any:
        return self._real.get_map()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop on virtual time."""

    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s

    def run_in_executor(  # type: ignore[override]  # a future, done before we return
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # handed to whoever awaits the job
            future.set_exception(error)
        return future


@contextmanager
def _clock_follows(loop: VirtualLoop) -> Iterator[None]:
    def now() -> float:
        return loop.time()

    replaced: dict[str, Callable[[], float | int]] = {
        "time": lambda: EPOCH_S + now(),
        "monotonic": now,
        "perf_counter": now,
        "time_ns": lambda: int((EPOCH_S + now()) * 1e9),
        "monotonic_ns": lambda: int(now() * 1e9),
        "perf_counter_ns": _counting(now),
    }
    originals = {name: getattr(time, name) for name in replaced}
    try:
        for name, function in replaced.items():
            setattr(time, name, function)
        yield
    finally:
        for name, function in originals.items():
            setattr(time, name, function)


def _counting(now: Callable[[], float]) -> Callable[[], int]:
    """A nanosecond clock that never says the same number twice, as a real one would."""
    ticks = iter(range(1, 1 << 62))
    return lambda: int(now() * 1e9) + next(ticks)


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on virtual time and return its result."""
    loop = VirtualLoop()
    with _clock_follows(loop), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


def virtual_time(
    test: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, T]:
    """Turn an `async def` test into a plain one that runs on virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_virtually(test(*args, **kwargs))

    return run
