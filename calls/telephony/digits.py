"""Keys of a telephone: which there are, and keeping those nobody has listened for yet."""

from __future__ import annotations

from collections import deque
from typing import Final

from calls.telephony.protocol import DigitListener

KEYS: Final = "0123456789*#ABCD"
PAUSE: Final = "w"
MAX_KEPT: Final = 32


class DigitBox:
    """Hands keys to a listener, in order; keeps the last few while there is none."""

    def __init__(self) -> None:
        self._listener: DigitListener | None = None
        self._kept: deque[str] = deque(maxlen=MAX_KEPT)

    def listen(self, listener: DigitListener | None) -> None:
        self._listener = listener
        while listener is not None and self._kept:
            listener(self._kept.popleft())

    def press(self, key: str) -> None:
        if self._listener is None:
            self._kept.append(key)
        else:
            self._listener(key)


def checked_digits(digits: str) -> str:
    """Return what may be sent, in upper case; raise `ValueError` naming what may not."""
    keys = digits.upper().replace(PAUSE.upper(), PAUSE)
    wrong = sorted({key for key in keys if key not in KEYS + PAUSE})
    if wrong or not keys:
        raise ValueError(f"No keys of a telephone: {''.join(wrong) or 'none given'}")
    return keys
