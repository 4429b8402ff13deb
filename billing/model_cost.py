"""What models cost: used units times list prices in euros, as microcredits.

Pure: who has which price comes from the caller, who reads the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

# How many of what we count make one of what the vendor's price is for.
UNITS: Final[dict[str, int]] = {
    "per_1m_input_tokens": 1_000_000,
    "per_1m_cached_input_tokens": 1_000_000,
    "per_1m_output_tokens": 1_000_000,
    "per_1m_audio_input_tokens": 1_000_000,
    "per_1m_cached_audio_input_tokens": 1_000_000,
    "per_1m_audio_output_tokens": 1_000_000,
    "per_minute_streaming": 60_000,
    "per_minute_batch": 60_000,
    "per_minute": 60_000,
    "per_hour": 3_600_000,
    "per_1k_chars": 1_000,
    "per_1m_chars": 1_000_000,
}


@dataclass(frozen=True)
class StageCost:
    """One step of the pipeline: who does it, on whose key, and what it cost."""

    stage: str
    provider: str
    model: str
    payer: str  # organization, agency, platform, or nobody: it needs no key
    microcredits: int
    quantities: Mapping[str, int] = field(default_factory=dict)
    prices: Mapping[str, str] = field(default_factory=dict)

    def as_details(self) -> dict[str, Any]:
        """Return what the ledger keeps of it: enough to compute it again."""
        return {
            "stage": self.stage,
            "provider": self.provider,
            "model": self.model,
            "payer": self.payer,
            "quantities": dict(self.quantities),
            "eur": dict(self.prices),
            "microcredits": self.microcredits,
        }


def microcredits_of(
    quantities: Mapping[str, int],
    prices: Mapping[str, Decimal],
    *,
    credit_eur_millis: int,
) -> int:
    """Return what the quantities cost, rounded up once at the end.

    A unit without a price costs nothing: a vendor has prices for what it bills.
    """
    euros = sum(
        (
            prices[unit] * quantity / UNITS[unit]
            for unit, quantity in quantities.items()
            if unit in prices
        ),
        Decimal(0),
    )
    microcredits = euros * 1_000_000_000 / credit_eur_millis
    return int(microcredits.to_integral_value(ROUND_CEILING))


def paid_by(costs: list[StageCost], *payers: str) -> int:
    """Return what the stages on these payers' keys cost."""
    return sum(cost.microcredits for cost in costs if cost.payer in payers)
