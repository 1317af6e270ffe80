"""Computes how long the steps of a journey usually take, from the last good runs at the same location."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FEWEST = 5
"""The fewest good runs that tell what is usual; of fewer, nothing is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUsual:
    """Holds the usual duration of one step in ms: its 10th, 50th and 95th percentile."""

    p10_ms: float
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Holds the usual durations of a journey's steps by name, and the number of good runs that they come from."""

    runs: int
    steps: Mapping[str, StepUsual]


def usual_steps(durations: Sequence[Mapping[str, float]]) -> Usual | None:
    """Return the usual durations of the steps of good runs, each given as ms by step; None for fewer than five runs.

    A step that fewer than five of them reached has no usual duration.
    """
    if len(durations) < FEWEST:
        return None
    by_step: dict[str, list[float]] = {}
    for steps in durations:
        for name, ms in steps.items():
            if math.isfinite(ms):
                by_step.setdefault(name, []).append(ms)
    found = {name: _usual(sorted(values)) for name, values in by_step.items() if len(values) >= FEWEST}
    return Usual(runs=len(durations), steps=found)


def _usual(values: Sequence[float]) -> StepUsual:
    return StepUsual(p10_ms=_nearest(values, 0.1), median_ms=_nearest(values, 0.5), p95_ms=_nearest(values, 0.95))


def _nearest(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of sorted values: always a duration that was measured."""
    return values[max(0, math.ceil(share * len(values)) - 1)]
