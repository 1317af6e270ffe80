"""Tells whether a run has the time for a second attempt before a coming slot would be missed because of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from facts import NOT_CONFIRMED_TIME, PlannedJourney, Run, Status

# The duration of a run changes with the site and the machine, so only the last runs are used as an estimate.
_RECENT = 3
# Between the end of an attempt and a free place there are the record, the kill of all processes, and the spool.
_MARGIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpareTime:
    """Holds the time that a run may take before it would make a later slot miss.

    `left_s` is the number of seconds from the start of the run until then, and `slot` is the slot that would be missed.
    `usual_s` is how long the journey's passed runs took lately, in seconds; None if that is unknown.
    """

    left_s: float
    slot: datetime
    usual_s: float | None = None

    def why_not_confirm(self, *, elapsed_s: float, took_s: float, pause_s: float) -> str | None:
        """Return why a failed first attempt is not confirmed by a second one; None if there is time for it.

        The run has lasted `elapsed_s` seconds, its first attempt took `took_s` of them, and `pause_s` is the pause before the second.
        A second attempt is expected to take as long as the first one, or as a passed run, whichever is longer. As with the
        request budget, first attempts take precedence: a missed slot says nothing about the shop.
        """
        needs = pause_s + max(took_s, self.usual_s or 0.0) + _MARGIN_S
        left = self.left_s - elapsed_s
        if needs <= left:
            return None
        return (
            f"{NOT_CONFIRMED_TIME} ({max(0.0, left):.0f} s are left for the slot of {self.slot:%H:%M:%S} UTC, "
            f"a second attempt takes about {needs:.0f} s)"
        )


@dataclass(frozen=True, slots=True)
class RunTimes:
    """Holds how long each journey's last passed runs took, in seconds, the start of the browser included."""

    seconds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def after(self, run: Run) -> RunTimes:
        """Return the durations with a run added; only a run that passed at its first attempt shows how long an attempt takes."""
        if run.status is not Status.PASSED or len(run.attempts) != 1:
            return self
        took = (run.finished_at - run.started_at).total_seconds()
        return replace(
            self, seconds={**self.seconds, run.journey: (*self.seconds.get(run.journey, ()), took)[-_RECENT:]}
        )

    def usual_s(self, journey: str) -> float | None:
        """Return the longest of a journey's last passed runs in seconds; None before the first."""
        return max(self.seconds.get(journey, ()), default=None)


def spare_time(
    planned: Sequence[PlannedJourney],
    *,
    journey: str,
    slot: datetime,
    now: datetime,
    places: int,
    late_s: Callable[[PlannedJourney], float],
    handled: Callable[[str], datetime | None],
    times: RunTimes,
) -> SpareTime | None:
    """Return the time that a run of a journey's slot has if it starts now; None if the plan does not have the journey.

    A journey never runs twice at once, so its own next slot is missed if the run is still under way. Where the runner has fewer
    `places` than journeys, the others wait for this one's place: they may start up to `late_s` after their slot. `handled` is the
    last slot of a journey that was started or recorded.
    """
    own = next((p for p in planned if p.journey == journey), None)
    if own is None:
        return None
    coming = own.grid.after(slot)
    until = {coming: coming}
    if places < len(planned):
        for other in planned:
            if other.journey != journey:
                # A slot that waits in the queue already is not handled yet.
                waits = other.grid.after(max(handled(other.journey) or now, now - timedelta(seconds=late_s(other))))
                until.setdefault(waits + timedelta(seconds=late_s(other)), waits)
    ends = min(until)
    return SpareTime(left_s=(ends - now).total_seconds(), slot=until[ends], usual_s=times.usual_s(journey))
