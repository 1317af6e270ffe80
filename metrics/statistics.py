"""Statistics that metrics and rules use; each is small enough to be checked by hand."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

_Z95 = 1.959963984540054
_PRIOR_SAMPLES = 100


def wilson(good: int, n: int, z: float = _Z95) -> tuple[float, float]:
    """Return Wilson's score interval of a rate, with 95 % confidence; (0, 1) without samples.

    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference.
    """
    if n == 0:
        return 0.0, 1.0
    p, z2 = good / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def lasting_low(good: int, n: int, target: float, *, error: float = 0.05) -> float:
    """Return a lower bound of a rate that holds with 95 % however often it is looked at; 0 without samples.

    A statement that a target is met is made again and again, so an interval for one look would be wrong too often. This is the
    lower end of a beta-binomial mixture's confidence sequence, with a prior of 100 samples at the target: at a target of 99 % a
    history without any failure proves it after 473 samples.

    Robbins, H. (1970), Statistical methods related to the law of the iterated logarithm.
    """
    if n == 0 or good == 0:
        return 0.0
    a, b = _PRIOR_SAMPLES * target, max(_PRIOR_SAMPLES * (1 - target), 1e-6)
    whole = _log_beta(a + good, b + n - good) - _log_beta(a, b)
    bound = math.log(1 / error)

    def is_excluded(p: float) -> bool:
        against = (n - good) * math.log1p(-p) if n > good else 0.0
        return whole - good * math.log(p) - against > bound

    low, high = 1e-12, min(good / n, 1 - 1e-12)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if is_excluded(middle) else (low, middle)
    return low


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def nearest_rank(values: Sequence[float], p: float) -> float:
    """Return the nearest-rank percentile (`p` is 0 to 100), which is always a measured value. Raises ValueError without values."""
    if not values:
        raise ValueError("a percentile needs values")
    return sorted(values)[max(0, math.ceil(len(values) * p / 100) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """Return the median absolute deviation, times 1.4826: the standard deviation of normal values, which outliers hardly change."""
    middle = median(values)
    return 1.4826 * median([abs(value - middle) for value in values])


def chance_of_count(counted: float, usual: Sequence[float], *, at_most: bool) -> float:
    """Return the probability of a count at most (or at least) as large as `counted`, where the `usual` counts are what is normal.

    The mean is the median of the usual counts. Where they vary no more than counts do by themselves this is a Poisson tail, else
    that of the negative binomial distribution with their variance.
    """
    mean = median(usual)
    if mean <= 0:
        return 1.0 if at_most or counted <= 0 else 0.0
    variance = statistics.variance(usual) if len(usual) > 1 else mean
    # A sample variance of a few weeks is far too small or too large by chance: it only counts where it is clearly over the mean.
    size = mean * mean / (variance - mean) if variance > 2 * mean else None
    n = math.floor(counted)
    below = _cumulative(n if at_most else n - 1, mean, size)
    return below if at_most else max(0.0, 1.0 - below)


def _cumulative(n: int, mean: float, size: float | None) -> float:
    """Return the probability of at most `n`: Poisson, or negative binomial of a `size`."""
    if n < 0:
        return 0.0
    if mean > 5_000:  # the sum would be long, and the normal distribution is as good
        deviation = math.sqrt(mean + mean * mean / size if size else mean)
        return 0.5 * math.erfc((mean - n - 0.5) / deviation / math.sqrt(2))
    log_term = -mean if size is None else size * math.log(size / (size + mean))
    total = math.exp(log_term)
    for k in range(1, n + 1):
        step = mean / k if size is None else (k - 1 + size) / k * mean / (size + mean)
        log_term += math.log(step)
        total += math.exp(log_term)
    return min(1.0, total)


def poisson_interval(n: float, z: float = _Z95) -> tuple[float, float]:
    """Return the 95 % interval of the mean of which `n` were counted, by the square root's normal approximation."""
    root = math.sqrt(n + 0.375)
    return max(0.0, (root - z / 2) ** 2 - 0.375), (root + z / 2) ** 2


def chance_of_at_least(n: int, mean: float) -> float:
    """Return the probability that at least `n` come where `mean` come on average (Poisson)."""
    return 1.0 - _cumulative(n - 1, mean, None)
