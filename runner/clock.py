"""The clock on the wall and what may happen to it: it is set forward or back while the time goes on as it always does."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

STEP_S = 5.0
"""Less than this is a clock that is being kept right, not one that was set."""


def utc_now() -> datetime:
    """The time of the day, in UTC."""
    return datetime.now(UTC)


class ClockSteps:
    """Tells, for each name, by how much the clock has been set forward since the last time it was asked for that name."""

    def __init__(self, clock: Callable[[], datetime] = utc_now, steady: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._steady = clock, steady
        self._last: dict[str, tuple[datetime, float]] = {}

    def since_s(self, name: str) -> float:
        """Seconds; 0 where it went on as it should, or was set back."""
        now, steady = self._clock(), self._steady()
        before = self._last.get(name, (now, steady))
        self._last[name] = now, steady
        jumped = (now - before[0]).total_seconds() - (steady - before[1])
        return jumped if jumped > STEP_S else 0.0
