"""Defines the judgement of the hub's own clock by the runners' clocks."""

from __future__ import annotations

from dataclasses import dataclass

WAITS_FROM_S = 300.0
"""The clock error in seconds above which no results are accepted: their slots would be in no current window of the hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubClock:
    """Holds the judgement of the hub's clock.

    `readings` is the number of votes. `behind_s` is by how many seconds it is behind (negative: ahead), according to the
    votes named in `by`; None if no vote disagrees, or some vote agrees with it. `is_wrong` means that more than half of
    the votes agree on that. If `behind_s` is set and `is_wrong` is false, it is undecided which clock is wrong.
    """

    readings: int = 0
    behind_s: float | None = None
    by: tuple[str, ...] = ()
    is_wrong: bool = False

    @property
    def is_undecided(self) -> bool:
        """Whether it is undecided whose clock is wrong."""
        return self.behind_s is not None and not self.is_wrong

    @property
    def holds_results(self) -> bool:
        """Whether the clock is so wrong that no result is accepted until it is right."""
        return self.is_wrong and self.behind_s is not None and abs(self.behind_s) > WAITS_FROM_S
