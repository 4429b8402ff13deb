"""One line a record: message, then the values given in `extra`.

Whatever a person said, dialed or wrote is logged under a key with a `pii.` prefix
(`extra={"pii.text": …}`) and is dropped here unless the operator asked to keep it.
"""

from __future__ import annotations

import logging

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
}


class PlainFormatter(logging.Formatter):
    """Print `time LEVEL logger: message key=value …`."""

    def __init__(self, *, keep_pii: bool = False) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._keep_pii = keep_pii

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        extra = [
            f"{key}={value!r}"
            for key, value in vars(record).items()
            if key not in _STANDARD and (self._keep_pii or not key.startswith("pii."))
        ]
        return f"{line} {' '.join(extra)}" if extra else line
