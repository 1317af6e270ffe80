"""Statistics that metrics and rules use; each is small enough to be checked by hand."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

_Z95 = 1.959963984540054


def wilson(good: int, n: int, z: float = _Z95) -> tuple[float, float]:
    """Wilson's score interval of a rate: the bounds it lies in with 95 %; (0, 1) without samples.

    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference.
    """
    if n == 0:
        return 0.0, 1.0
    p, z2 = good / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def nearest_rank(values: Sequence[float], p: float) -> float:
    """The nearest-rank percentile (`p` of 0 to 100): a value that was really measured. Raises ValueError without values."""
    if not values:
        raise ValueError("a percentile needs values")
    return sorted(values)[max(0, math.ceil(len(values) * p / 100) - 1)]


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)
