"""The hub's own clock, as the runners' clocks judge it."""

from __future__ import annotations

from dataclasses import dataclass

WAITS_FROM_S = 300.0
"""From this far on results are not taken while the hub's clock is wrong: their slots would be none of the hub's present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubClock:
    """`behind_s` is by how many seconds it is behind (negative: ahead), as those say that `by` names; None where nobody is off, or
    somebody agrees with it. `is_wrong`: most of the `voices` say the same. With `behind_s` and not wrong nobody can tell which
    of two clocks it is.
    """

    voices: int = 0
    behind_s: float | None = None
    by: tuple[str, ...] = ()
    is_wrong: bool = False

    @property
    def is_undecided(self) -> bool:
        """Whether nobody can tell whose clock is wrong."""
        return self.behind_s is not None and not self.is_wrong

    @property
    def holds_results(self) -> bool:
        """Whether it is so wrong that no result is taken until it is right."""
        return self.is_wrong and self.behind_s is not None and abs(self.behind_s) > WAITS_FROM_S
