"""Measures the time of a visit; the clock is paused while the monitor, not the buyer, is waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """The time of a journey and of its step, in seconds, and how long either may take.

    `ticks` is the monotonic clock that never stands still; requests are timed by it. `tell_waited` is told how many
    milliseconds were left out each time that the clock goes on.
    """

    def __init__(
        self, ticks: Callable[[], float], *, step_s: float, deadline_s: float, tell_waited: Callable[[float], None]
    ) -> None:
        self.ticks = ticks
        self._step_s, self._deadline_s = step_s, deadline_s
        self._tell_waited = tell_waited
        self._waited_s = 0.0
        self._waiting = 0
        self._began: float | None = None
        self._ended: float | None = None
        self._step_began = 0.0

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Pause the clock inside the `with` block."""
        began = self.ticks()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                spent = self.ticks() - began
                self._waited_s += spent
                self._tell_waited(spent * 1000)

    def begin_step(self) -> None:
        """Start the time of a step; the first step also starts the journey's."""
        now = self._now()
        self._began = now if self._began is None else self._began
        self._step_began = now
        self._ended = None

    def end_step(self) -> float:
        """End the step, which may be the journey's last; return how many milliseconds it took."""
        self._ended = self._now()
        return (self._ended - self._step_began) * 1000

    @property
    def step_started_ms(self) -> float:
        """Return when the step began, in milliseconds on the journey's clock."""
        return 0.0 if self._began is None else (self._step_began - self._began) * 1000

    @property
    def since_step_ms(self) -> float:
        """Return how many milliseconds ago the step began."""
        return (self._now() - self._step_began) * 1000

    @property
    def duration_ms(self) -> float:
        """The milliseconds from the start of the first step to the end of the last."""
        return 0.0 if self._began is None else ((self._ended or self._now()) - self._began) * 1000

    @property
    def waited_ms(self) -> float:
        """The milliseconds during which the clock was paused."""
        return self._waited_s * 1000

    def time_left_ms(self) -> float:
        """Return the milliseconds left of the step's and the journey's time, at least 1, because 0 means no limit to Playwright."""
        now = self._now()
        began = self._began if self._began is not None else now
        left = min(self._step_began + self._step_s, began + self._deadline_s) - now
        return max(1.0, left * 1000)

    @property
    def out_of_time(self) -> bool:
        """Return whether the step's or the journey's time has run out."""
        return self.time_left_ms() <= 1.0

    @property
    def is_late(self) -> bool:
        """Return whether the journey's own time has run out."""
        return self._began is not None and self._now() - self._began >= self._deadline_s

    def _now(self) -> float:
        return self.ticks() - self._waited_s
