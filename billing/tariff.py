"""What seconds cost under one price: pure arithmetic, no rows.

A price is per minute, billed by the second after a minimum, with a fee for setting the
call up. While a call goes on, what its models will cost is put aside too, at an estimate
per minute; settling replaces the estimate with what was used.

The database does the same sums (`billing_cost`, `billing_seconds_for`); a test holds
the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from common.money import SECONDS_PER_MINUTE


@dataclass(frozen=True)
class Tariff:
    """The price of one call for one payer, in microcredits.

    `model_cost_percent` is the part of the models' cost the payer bears: 100 at cost,
    0 when the minute includes it. `price_id` names the version it came from.
    """

    microcredits_per_minute: int
    setup_microcredits: int = 0
    minimum_seconds: int = 0
    model_cost_percent: int = 100
    model_microcredits_per_minute: int = 0
    price_id: str = ""

    def __post_init__(self) -> None:
        amounts = (
            self.microcredits_per_minute,
            self.setup_microcredits,
            self.minimum_seconds,
            self.model_cost_percent,
            self.model_microcredits_per_minute,
        )
        if min(amounts) < 0:
            raise ValueError("No part of a price is below zero.")

    def time_cost(self, seconds: int) -> int:
        """Return what `seconds` cost without the models; nothing for no second."""
        return self._cost(seconds, 0)

    def held_for(self, seconds: int) -> int:
        """Return what is put aside for `seconds`, the models' estimate included."""
        return self._cost(seconds, self.model_microcredits_per_minute)

    def _cost(self, seconds: int, model_price: int) -> int:
        if seconds < 0:
            raise ValueError("A call does not last less than nothing.")
        if seconds == 0:
            return 0
        billed = max(seconds, self.minimum_seconds) * self.microcredits_per_minute
        return self.setup_microcredits - (
            -(billed + seconds * model_price) // SECONDS_PER_MINUTE
        )

    def seconds_for(self, microcredits: int, wanted: int) -> int:
        """Return how many of the `wanted` seconds a sum pays for."""
        left = microcredits - self.setup_microcredits
        per_minute = self.microcredits_per_minute + self.model_microcredits_per_minute
        if left < 0:
            return 0
        if per_minute == 0:
            return wanted
        seconds = left * SECONDS_PER_MINUTE // per_minute
        if seconds < self.minimum_seconds:
            if self.model_microcredits_per_minute == 0:
                return 0
            rest = (
                left * SECONDS_PER_MINUTE
                - self.minimum_seconds * self.microcredits_per_minute
            )
            seconds = max(0, rest) // self.model_microcredits_per_minute
        return min(wanted, seconds)

    def model_cost(self, microcredits: int) -> int:
        """Return the payer's part of what the models cost, rounded up."""
        return -(-microcredits * self.model_cost_percent // 100)

    def with_models(self, microcredits_per_minute: int) -> Tariff:
        """Return the same price, with the models expected to cost this a minute."""
        estimate = self.model_cost(microcredits_per_minute)
        return replace(self, model_microcredits_per_minute=estimate)


@dataclass(frozen=True)
class CallPrice:
    """The prices of one call. An agency's own call has one price, twice."""

    client: Tariff
    pool: Tariff

    @property
    def client_microcredits_per_minute(self) -> int:
        return self.client.microcredits_per_minute

    @property
    def pool_microcredits_per_minute(self) -> int:
        return self.pool.microcredits_per_minute

    def with_models(self, *, client: int, pool: int) -> CallPrice:
        """Return the prices with what the models are expected to cost each payer a minute."""
        return CallPrice(self.client.with_models(client), self.pool.with_models(pool))
