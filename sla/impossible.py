"""The complaints that several kinds have about a schedule, with the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

from config import Complaint
from sla.durations import words
from sla.history import Schedule
from sla.kind import Schedules

FILE = "sla.yaml"


def complaint(key: str, what: str, hint: str) -> Complaint:
    """Return a complaint about a setting of a rule; the caller knows the file and the line."""
    return Complaint(file=FILE, key=key, what=what, hint=hint)


def runs_made(schedule: Schedule, window_s: float) -> int:
    """Return how many runs a schedule makes in so many seconds, at all locations together."""
    return int(window_s // schedule.period_s) * len(schedule.grids)


def too_few_runs(key: str, wanted: int, runs: int, window_s: float, hint: str) -> Complaint:
    """Return the complaint that a window holds fewer runs than are wanted."""
    what = f"wants {wanted} runs in {words(window_s)}, and the schedule makes {runs}: it can never be judged"
    return complaint(key, what, hint)


def too_many_locations(
    name: str, wanted: int, schedules: Schedules, journeys: list[str] | None = None
) -> Iterator[Complaint]:
    """Yield a complaint for each journey that is bought from fewer locations than a rule wants."""
    for journey, schedule in schedules.items():
        # One location alone is a case of its own: consecutive failures stand for the quorum.
        if (journeys is None or journey in journeys) and 1 < len(schedule.grids) < wanted:
            what = f"wants {wanted} locations, and {journey} is bought from {len(schedule.grids)}"
            yield complaint(f"{name}.locations", what, "fewer, or add a location")


def too_many_locations_of_all(key: str, wanted: int, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint where a rule that judges all journeys together wants more locations than there are."""
    places = {place for schedule in schedules.values() for place in schedule.grids}
    if 1 < len(places) < wanted:
        what = f"wants {wanted} locations, and there are {len(places)}: it can never fire"
        yield complaint(key, what, "fewer, or add a location")


def more_runs_than_are_made(name: str, wanted: int, most: int, within: str) -> Iterator[Complaint]:
    """Yield a complaint where a rule over all journeys wants more runs than are made."""
    if wanted > most:
        what = f"wants {wanted} runs in {within}, and the schedule makes {most} at most: it can never fire"
        yield complaint(f"{name}.runs", what, "a smaller number")
