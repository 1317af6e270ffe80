"""Rules that could never fire, or never be judged, on the schedule there is; each is told with the arithmetic. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config import Complaint
from sla.durations import words
from sla.impossible import complaint
from sla.kind import Deployment, Schedules
from sla.kinds.daily_forecast import DailyForecast
from sla.kinds.daily_goal import DailyGoal
from sla.money import amount
from sla.settings import Rule
from sla.targets import Targets, kind_of

FAR_APART = 10
"""Two sums that should be alike and differ so many times are likely in different units."""


def impossible(targets: Targets, schedules: Schedules) -> list[Complaint]:
    """Return a complaint for each setting of a rule that the schedule makes impossible."""
    return [
        told
        for name, rule in targets.rules().items()
        if rule.enabled
        for told in (
            *kind_of(rule).feasible(name, rule, schedules),
            *_too_far_back(name, rule, schedules, targets.longest_window_s),
        )
    ]


@dataclass(frozen=True, slots=True)
class Idle:
    """An enabled rule that can never fire here: its name, its title, and the reason as part of a sentence."""

    rule: str
    title: str
    why: str


def idle_rules(
    targets: Targets, schedules: Schedules, *, pays: bool, missing_metrics: Mapping[str, str] | None = None
) -> list[Idle]:
    """Return the enabled rules that can never fire with this site and schedule, although their settings are valid.

    `pays`: whether runs pay. `missing_metrics` says of metrics that nobody brings here why.
    """
    deployment = Deployment(schedules=schedules, pays=pays, missing_metrics=missing_metrics or {})
    return [
        Idle(name, rule.title, why)
        for name, rule in targets.rules().items()
        if rule.enabled
        for why in kind_of(rule).idle(rule, deployment)
    ]


def powerless(targets: Targets, a_day: Mapping[str, float], missing_metrics: Mapping[str, str]) -> list[Idle]:
    """Return the enabled rules that can hardly ever judge where so many of what a metric counts come in a day.

    `missing_metrics` are those that nobody brings here: their rules are off anyway.
    """
    brought = {metric: n for metric, n in a_day.items() if metric not in missing_metrics}
    return [
        Idle(name, rule.title, why)
        for name, rule in targets.rules().items()
        if rule.enabled and (why := kind_of(rule).powerless(rule, brought)) is not None
    ]


def goals_apart(targets: Targets, missing_metrics: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence where a day's goal and a day's forecast of one currency differ `FAR_APART` times or more.

    The guide says "$50,000+" in one place and `goal: 50000, // $500/day` in another: nobody but the shop knows which it means. Rules
    that are confirmed, or whose metric nobody brings here (`missing_metrics`), are left out.
    """
    on = [(name, rule) for name, rule in targets.rules().items() if rule.enabled]
    goals = [(name, rule) for name, rule in on if isinstance(rule, DailyGoal) and not rule.confirmed]
    forecasts = [(name, rule) for name, rule in on if isinstance(rule, DailyForecast)]
    for name, goal in goals:
        for other, forecast in forecasts:
            factor = max(goal.goal_minor, forecast.target_minor) / min(goal.goal_minor, forecast.target_minor)
            brought = goal.metric not in missing_metrics and forecast.metric not in missing_metrics
            if brought and goal.currency == forecast.currency and factor >= FAR_APART:
                yield (
                    f"{name}.goal_minor ({amount(goal.goal_minor, goal.currency)}) and {other}.target_minor "
                    f"({amount(forecast.target_minor, forecast.currency)}) are both a day's revenue and differ {factor:.0f} times: is "
                    f"one in another unit? Where both are meant, write `{name}: {{confirmed: true}}` in sla.yaml"
                )


def _too_far_back(name: str, rule: Rule, schedules: Schedules, looks_back_s: float) -> Iterator[Complaint]:
    """Yield a complaint for runs in a row that reach further back than the hub looks: it would wait for them for ever."""
    for key, wanted in kind_of(rule).in_a_row(rule).items():
        for journey, schedule in schedules.items():
            takes_s = (wanted - 1) * schedule.period_s
            if journey in (getattr(rule, "journeys", None) or schedules) and takes_s > looks_back_s:
                what = (
                    f"{wanted} runs of {journey} in a row take {words(takes_s)}, and the longest window of all rules is "
                    f"{words(looks_back_s)}: so many are never seen"
                )
                yield complaint(f"{name}.{key}", what, "a smaller number, or more runs")
