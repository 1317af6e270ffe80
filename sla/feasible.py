"""Rules that could never fire, or never be judged, on the schedule there is; each is told with the arithmetic. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config import Complaint
from sla.durations import seconds, words
from sla.history import Schedule
from sla.targets import (
    BlockedRule,
    BurnRule,
    CoverageRule,
    LowStockRule,
    OneLocationRule,
    OversoldRule,
    QuorumRule,
    Rule,
    ServerErrorsRule,
    SilentRule,
    SlowRule,
    SpeedRule,
    Targets,
    ThirdPartyRule,
    VitalsRule,
)
from sla.wording import plural

FILE = "sla.yaml"


def impossible(targets: Targets, schedules: Mapping[str, Schedule]) -> list[Complaint]:
    """A complaint for each rule that the schedule makes impossible."""
    return [
        complaint
        for name, rule in targets.rules().items()
        if rule.enabled
        for complaint in (
            *_impossible(name, rule, schedules),
            *_too_far_back(name, rule, schedules, targets.longest_window.total_seconds()),
        )
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
        yield from _more_than_are_made(name, rule, schedules)
    elif isinstance(rule, SilentRule):
        yield from _silent(name, rule, schedules)
    elif isinstance(rule, CoverageRule):
        for journey, schedule in schedules.items():
            runs = _runs(schedule, rule.s("window"))
            if runs < rule.min_n:
                yield _complaint(f"{name}.min_n", rule.min_n, runs, rule.s("window"), f"a longer window ({journey})")


@dataclass(frozen=True, slots=True)
class Idle:
    """An enabled rule that can never fire here: its id, its title, and the reason as part of a sentence."""

    rule: str
    title: str
    why: str


def idle_rules(targets: Targets, schedules: Mapping[str, Schedule], *, pays: bool, has_inventory: bool) -> list[Idle]:
    """The enabled rules that can never fire with this site and schedule, although their settings are valid.

    `pays`: whether runs pay. `has_inventory`: whether the site is asked for its stock.
    """
    return [
        Idle(name, rule.title, why)
        for name, rule in targets.rules().items()
        if rule.enabled
        for why in _idle(rule, schedules, pays=pays, has_inventory=has_inventory)
    ]


def _idle(rule: Rule, schedules: Mapping[str, Schedule], *, pays: bool, has_inventory: bool) -> Iterator[str]:
    if isinstance(rule, QuorumRule):
        if rule.of_payment and not pays:
            yield "payment is stop_before_payment, so no run pays"
        elif rule.journeys is not None and not set(rule.journeys) & set(schedules):
            yield f"locations.yaml does not schedule {' or '.join(rule.journeys)}"
    elif isinstance(rule, OneLocationRule) and all(len(schedule.grids) < 2 for schedule in schedules.values()):
        yield "it compares locations, and no journey has a second one"
    elif isinstance(rule, BurnRule):
        for journey, schedule in schedules.items():
            if not rule.can_fire(journey, schedule):
                runs, limit = rule.runs_in_window(schedule), rule.limit(journey, schedule)
                yield f"{journey} makes {plural(runs, 'run')} in {words(rule.s('window'))}, and {limit} would have to be bad"
    elif isinstance(rule, (OversoldRule, LowStockRule)) and not has_inventory:
        yield "site.yaml names no cities, so no stock is asked for"


def _burn(name: str, rule: BurnRule, schedules: Mapping[str, Schedule]) -> Iterator[Complaint]:
    for journey, schedule in schedules.items():
        if journey in rule.bad and not rule.can_fire(journey, schedule):
            hint = "a longer window, a smaller number, or more runs"
            limit, runs = rule.bad[journey], rule.runs_in_window(schedule)
            yield _complaint(f"{name}.bad.{journey}", limit, runs, rule.s("window"), hint)
        if journey not in rule.recent_by_journey:
            continue
        recent = seconds(rule.recent_by_journey[journey])
        if recent < schedule.period_s / max(1, len(schedule.grids)):
            what = f"looks back {words(recent)}, and a run comes every {words(schedule.period_s / len(schedule.grids))} only"
            yield Complaint(file=FILE, key=f"{name}.recent_by_journey.{journey}", what=what, hint="look back further")
    yield from _locations(name, rule.locations, schedules, None)


def _more_than_are_made(name: str, rule: Rule, schedules: Mapping[str, Schedule]) -> Iterator[Complaint]:
    """Of a rule that counts runs of all journeys together."""
    if isinstance(rule, ServerErrorsRule):
        most, within = sum(rule.slots * len(schedule.grids) for schedule in schedules.values()), f"{rule.slots} slots"
    elif isinstance(rule, ThirdPartyRule):
        window_s = rule.s("window")
        # A window may begin just before a run: it holds one more than it is long.
        most = sum(_runs(schedule, window_s) + len(schedule.grids) for schedule in schedules.values())
        within = words(window_s)
    else:
        return
    if rule.runs > most:
        what = f"wants {rule.runs} runs in {within}, and the schedule makes {most} at most: it can never fire"
        yield Complaint(file=FILE, key=f"{name}.runs", what=what, hint="a smaller number")


def _silent(name: str, rule: SilentRule, schedules: Mapping[str, Schedule]) -> Iterator[Complaint]:
    periods: dict[str, list[int]] = {}
    for schedule in schedules.values():
        for place in schedule.grids:
            periods.setdefault(place, []).append(schedule.period_s)
    for key, many, margin in (("periods", rule.periods, "margin"), ("all_periods", rule.all_periods, "all_margin")):
        # All locations together speak oftener than each of them; alone, it is the one that speaks for all.
        often = max((len(periods) if key == "all_periods" else 1), 1)
        for period in sorted({min(of_place) for of_place in periods.values()}):
            limit, between = many * period + rule.s(margin), period / often
            if limit <= between:
                what = f"silent after {words(limit)}, and a run comes every {words(between)} only: it would fire between two"
                yield Complaint(file=FILE, key=f"{name}.{key}", what=what, hint=f"more periods, or a longer {margin}")
    for place, of_place in periods.items():
        limit = rule.periods * min(of_place) + rule.s("margin")
        most = sum(int(limit // period) + 1 for period in of_place)
        if rule.recover_runs > most:
            what = f"wants {rule.recover_runs} runs in {words(limit)}, and {place} makes {most} at most: it would never end"
            yield Complaint(file=FILE, key=f"{name}.recover_runs", what=what, hint="a smaller number")
            return


def _too_far_back(name: str, rule: Rule, schedules: Mapping[str, Schedule], looks_back_s: float) -> Iterator[Complaint]:
    """Runs in a row that reach further back than the hub looks: it would wait for them for ever."""
    counts = {
        QuorumRule: ("alone", "recover_passes"),
        OneLocationRule: ("failures", "recover_passes"),
        SlowRule: ("slow",),
    }
    for key in counts.get(type(rule), ()):
        wanted: int = getattr(rule, key)
        for journey, schedule in schedules.items():
            takes_s = (wanted - 1) * schedule.period_s
            if journey in (getattr(rule, "journeys", None) or schedules) and takes_s > looks_back_s:
                what = (
                    f"{wanted} runs of {journey} in a row take {words(takes_s)}, and the longest window of all rules is "
                    f"{words(looks_back_s)}: so many are never seen"
                )
                yield Complaint(file=FILE, key=f"{name}.{key}", what=what, hint="a smaller number, or more runs")


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
