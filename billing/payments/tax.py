"""A fixed rate of tax on a net price, in whole cents; no rows, no floats."""

from __future__ import annotations


def tax_on(net_cents: int, basis_points: int) -> int:
    """Return the tax on a net price, half a cent rounded up.

    >>> tax_on(10_000, 2_100), tax_on(1, 2_100), tax_on(5, 1_000)
    (2100, 0, 1)
    """
    return (net_cents * basis_points + 5_000) // 10_000
