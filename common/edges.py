"""The one place that catches everything: edges that a fault must not cross.

    with contained(logger, "event lost", call_id=str(call_id)):  # why it must not
        …

For a loop, a process or a call whose neighbours must outlive what breaks in it. What a
block is known to raise is named inside of it; what is left is logged with its traceback.
Being cancelled, and the end of a process, pass through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self


class contained:
    """Log whatever the block raises, and go on after it; `error` is what it was.

    `may_log` is asked before each line, where somebody else decides how often it breaks.
    """

    __slots__ = ("_extra", "_level", "_logger", "_may_log", "_message", "error")

    def __init__(
        self,
        logger: logging.Logger,
        message: str,
        *,
        level: int = logging.ERROR,
        may_log: Callable[[], bool] | None = None,
        **extra: object,
    ) -> None:
        self.error: Exception | None = None
        self._logger, self._message, self._level = logger, message, level
        self._may_log, self._extra = may_log, extra

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.error = error
        if self._may_log is None or self._may_log():
            self._logger.log(
                self._level, self._message, exc_info=error, extra=self._extra
            )
        return True
