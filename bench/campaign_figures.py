"""What was measured of a campaign of so many leads, as figures with their goals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bench.figures import Figure

RATE: Final = 50.0  # leads that come due, and starts of the trunk, a second
FEW: Final = 10_000


@dataclass(frozen=True)
class Measured:
    """All that was measured of so many leads."""

    leads: int
    import_s: float
    copy_s: float
    csv_grown_mb: float
    xlsx_grown_mb: float
    among_few: dict[str, Any]
    among_many: dict[str, Any]
    starts: dict[str, Any]
    recovery: dict[str, Any]


def import_figures(found: Measured) -> list[Figure]:
    ratio = round(found.import_s / found.copy_s, 2)
    flat = "flat: at most 20 MB"
    return [
        Figure(
            f"campaigns: import of {found.leads:,} leads",
            "s",
            round(found.import_s, 1),
            "at most 4 times COPY",
            ratio <= 4,
            limit=round(found.copy_s, 1),
            limit_name="COPY of the same rows and one campaign more",
            ratio_to_limit=ratio,
        ),
        *(
            Figure(
                f"campaigns: memory an import of {kind} grows by",
                "MB",
                mb,
                flat,
                mb <= 20,
            )
            for kind, mb in (("CSV", found.csv_grown_mb), ("XLSX", found.xlsx_grown_mb))
        ),
    ]


def dial_figures(found: Measured) -> list[Figure]:
    few, many, starts = found.among_few, found.among_many, found.starts
    growth = (
        round(many["p95_s"] / few["p95_s"], 2)
        if few["p95_s"] and many["p95_s"]
        else None
    )
    recovery = found.recovery
    return [
        Figure(
            f"campaigns: due to dial, p95, {RATE:.0f} a second among {found.leads:,}",
            "s",
            many["p95_s"],
            f"at most 1.5 times that among {min(FEW, found.leads):,}",
            None if growth is None else growth <= 1.5,
            limit=few["p95_s"],
            limit_name=f"the same among {min(FEW, found.leads):,}",
            ratio_to_limit=growth,
            runs=[few, many],
        ),
        Figure(
            "campaigns: most starts in any second",
            "starts",
            starts["most_1s"],
            f"never above {RATE:.0f}, nor {5 * RATE:.0f} in five",
            starts["most_1s"] <= RATE and starts["most_5s"] <= 5 * RATE,
            limit=RATE,
            limit_name="the trunk's rate",
            ratio_to_limit=round(starts["most_1s"] / RATE, 2),
            runs=[starts],
        ),
        Figure(
            "campaigns: rate used",
            "of the trunk's",
            round(starts["used"], 3),
            "at least 0.95",
            starts["used"] >= 0.95,
        ),
        Figure(
            "campaigns: database statements of a dial",
            "statements",
            many["queries"],
            "told",
            None if many["queries"] is None else True,
        ),
        Figure(
            "campaigns: leads of a killed worker dialled after",
            "s",
            recovery["took_s"],
            "at most 30, each once",
            recovery["took_s"] <= 30
            and recovery["twice"] == 0
            and recovery["calls"] >= recovery["claimed"] > 0,
            runs=[recovery],
        ),
    ]
