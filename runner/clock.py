"""Reads the wall clock and detects when it was set forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

STEP_S = 5.0
"""The smallest jump, in seconds, that counts as a clock that was set; smaller ones are normal corrections by NTP."""


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class ClockSteps:
    """Measures, for each name, how far the clock was set forward since the last call for that name."""

    def __init__(self, clock: Callable[[], datetime] = utc_now, steady: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._steady = clock, steady
        self._last: dict[str, tuple[datetime, float]] = {}

    def since_s(self, name: str) -> float:
        """Return the jump in seconds since the last call for `name`; 0 if the clock ran normally or was set back."""
        now, steady = self._clock(), self._steady()
        before = self._last.get(name, (now, steady))
        self._last[name] = now, steady
        jumped = (now - before[0]).total_seconds() - (steady - before[1])
        return jumped if jumped > STEP_S else 0.0
