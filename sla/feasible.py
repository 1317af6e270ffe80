"""Rules that could never fire, or never be judged, on the schedule there is; each is told with the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config import Complaint
from sla.durations import seconds, words
from sla.history import Schedule
from sla.targets import (
    BlockedRule,
    BurnRule,
    CoverageRule,
    QuorumRule,
    Rule,
    ServerErrorsRule,
    SlowRule,
    SpeedRule,
    Targets,
    ThirdPartyRule,
    VitalsRule,
)

FILE = "sla.yaml"


def impossible(targets: Targets, schedules: Mapping[str, Schedule]) -> list[Complaint]:
    """A complaint for each rule that the schedule makes impossible."""
    return [
        complaint
        for name, rule in targets.rules().items()
        if rule.enabled
        for complaint in _impossible(name, rule, schedules)
    ]


def _impossible(name: str, rule: Rule, schedules: Mapping[str, Schedule]) -> Iterator[Complaint]:
    if isinstance(rule, BurnRule):
        yield from _burn(name, rule, schedules)
    elif isinstance(rule, (SpeedRule, VitalsRule)):
        runs = sum(_runs(schedule, rule.s("window")) for schedule in schedules.values())
        if runs < rule.min_n:
            yield _complaint(f"{name}.min_n", rule.min_n, runs, rule.s("window"), "a longer window or a smaller min_n")
        if isinstance(rule, SpeedRule):
            yield from _locations_of_all(f"{name}.critical_locations", rule.critical_locations, schedules)
    elif isinstance(rule, (QuorumRule, SlowRule)):
        yield from _locations(name, rule.locations, schedules, getattr(rule, "journeys", None))
    elif isinstance(rule, (ServerErrorsRule, ThirdPartyRule, BlockedRule)):
        yield from _locations_of_all(f"{name}.locations", rule.locations, schedules)
    elif isinstance(rule, CoverageRule):
        for journey, schedule in schedules.items():
            runs = _runs(schedule, rule.s("window"))
            if runs < rule.min_n:
                yield _complaint(f"{name}.min_n", rule.min_n, runs, rule.s("window"), f"a longer window ({journey})")


def _burn(name: str, rule: BurnRule, schedules: Mapping[str, Schedule]) -> Iterator[Complaint]:
    for journey, limit in rule.bad.items():
        schedule = schedules.get(journey)
        if schedule is None:
            continue
        runs = _runs(schedule, rule.s("window"))
        if runs < limit:
            hint = "a longer window, a smaller number, or more runs"
            yield _complaint(f"{name}.bad.{journey}", limit, runs, rule.s("window"), hint)
        recent = seconds(rule.recent_by_journey[journey])
        if recent < schedule.period_s / max(1, len(schedule.grids)):
            what = f"looks back {words(recent)}, and a run comes every {words(schedule.period_s / len(schedule.grids))} only"
            yield Complaint(file=FILE, key=f"{name}.recent_by_journey.{journey}", what=what, hint="look back further")
        yield from _locations(name, rule.locations, {journey: schedule}, None)


def _locations(
    name: str, wanted: int, schedules: Mapping[str, Schedule], journeys: list[str] | None
) -> Iterator[Complaint]:
    for journey, schedule in schedules.items():
        # One location alone is a case of its own: consecutive failures stand for the quorum.
        if (journeys is None or journey in journeys) and 1 < len(schedule.grids) < wanted:
            what = f"wants {wanted} locations, and {journey} is bought from {len(schedule.grids)}"
            yield Complaint(file=FILE, key=f"{name}.locations", what=what, hint="fewer, or add a location")


def _locations_of_all(key: str, wanted: int, schedules: Mapping[str, Schedule]) -> Iterator[Complaint]:
    """Of a rule that judges all journeys together."""
    places = {place for schedule in schedules.values() for place in schedule.grids}
    if 1 < len(places) < wanted:
        what = f"wants {wanted} locations, and there are {len(places)}: it can never fire"
        yield Complaint(file=FILE, key=key, what=what, hint="fewer, or add a location")


def _runs(schedule: Schedule, window_s: float) -> int:
    return int(window_s // schedule.period_s) * len(schedule.grids)


def _complaint(key: str, wanted: int, runs: int, window_s: float, hint: str) -> Complaint:
    what = f"wants {wanted} runs in {words(window_s)}, and the schedule makes {runs}: it can never be judged"
    return Complaint(file=FILE, key=key, what=what, hint=hint)
