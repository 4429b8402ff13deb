"""How a listener would rate a call: the E-model of ITU-T G.107, as far as packets tell.

Only what the network does is in it (delay, loss, codec), not what anybody says. 4.4 is
as good as a telephone gets, below 3.6 many are annoyed.
"""

from __future__ import annotations

from typing import Final

_BEST: Final = 93.2
# Equipment impairment, and how robust against loss (G.113, with concealment).
_CODECS: Final = {"PCMU": (0.0, 25.1), "PCMA": (0.0, 25.1), "opus": (0.0, 30.0)}
_OWN_DELAY_MS: Final = 40.0  # a frame to fill and one to play


def mos(
    codec: str, *, lost_percent: float, round_trip_ms: float, jitter_ms: float
) -> float:
    """Return the estimate, 1.0 to 4.5."""
    impairment, robustness = _CODECS.get(codec, (10.0, 10.0))
    loss = min(100.0, max(0.0, lost_percent))
    delay_ms = _OWN_DELAY_MS + round_trip_ms / 2 + 2 * jitter_ms
    by_delay = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
    by_loss = impairment + (95 - impairment) * loss / (loss + robustness)
    rating = min(100.0, max(0.0, _BEST - by_delay - by_loss))
    score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return round(min(4.5, max(1.0, score)), 2)
