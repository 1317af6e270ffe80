"""Outcomes and histories with everything filled in: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from facts import Answer, Blame, Graded, Grid, Labels, Outcome, Series, Status, Stock, Verdict, labels
from hub.known_metrics import METRICS
from sla.history import History, Schedule
from sla.hours import hours_of
from sla.judge import judge
from sla.targets import Targets
from tests.builders import A_MOMENT
from tests.shipped import shipped_targets

NOW = A_MOMENT
PLACES = ("us-east", "us-west", "eu-west")
GA, VIP = "ga_purchase", "vip_member_discount"
ROOT = Path(__file__).resolve().parents[2]
_numbers = iter(range(1_000_000))


def the_targets() -> Targets:
    """The shipped file."""
    return shipped_targets()


def the_rule(name: str, targets: Targets | None = None) -> Any:
    """The settings of one rule, of the shipped file where no targets are given; its class is that of its kind."""
    return (targets or the_targets()).rules()[name]


def changed(targets: Targets | None = None, /, **rules: dict[str, Any]) -> Targets:
    """The targets (the shipped ones) with other settings of some rules: `changed(F0={"locations": 3})`."""
    by_name = dict((targets or the_targets()).rules())
    for name, settings in rules.items():
        by_name[name] = replace(by_name[name], **settings)
    return Targets(by_name)


def series_of(stocks: Sequence[Stock]) -> dict[str, list[Series]]:
    """The series of the inventory's metrics that these samples make, oldest first."""
    found: dict[Labels, list[Stock]] = {}
    for stock in stocks:
        found.setdefault(labels(city=stock.city, tier=stock.tier), []).append(stock)
    left, seats = "inventory_remaining_tickets", "inventory_seats"
    return {
        left: [
            Series(metric=left, labels=of, points=tuple((one.at, float(one.remaining)) for one in some))
            for of, some in found.items()
        ],
        seats: [
            Series(metric=seats, labels=of, points=points)
            for of, some in found.items()
            if (points := tuple((one.at, float(one.total)) for one in some if one.total is not None))
        ],
    }


def the_inventory(*stocks: Stock) -> dict[str, Any]:
    """The facts of a history that has these samples of the inventory."""
    return {
        "series": series_of(stocks),
        "metric_sources": {metric.name: metric.source for metric in METRICS.values()},
    }


def schedules(places: Sequence[str] = PLACES) -> dict[str, Schedule]:
    """The guide's schedule."""
    return {
        name: Schedule(
            period_s=period, grids={p: Grid.of(period, index=i, n=len(places)) for i, p in enumerate(places)}
        )
        for name, period in ((GA, 300), (VIP, 900))
    }


def an_outcome(minutes_ago: float = 1, *, journey: str = GA, location: str = "us-east", **facts: Any) -> Outcome:
    """A passed GA run at us-east a minute ago."""
    finished = NOW - timedelta(minutes=minutes_ago)
    status = facts.get("status", Status.PASSED)
    return Outcome(
        **{
            "run_id": f"run-{next(_numbers)}",
            "journey": journey,
            "location": location,
            "slot": finished - timedelta(seconds=20),
            "status": status,
            "first_status": status,
            "started_at": finished - timedelta(seconds=20),
            "finished_at": finished,
            "received_at": finished,
            "duration_ms": 6000.0,
            **facts,
        }
    )


def a_failure(minutes_ago: float = 1, *, step: str = "choose_city", blame: Blame = Blame.SITE, **facts: Any) -> Outcome:
    """A failed run, the site's fault, whose first attempt failed alike."""
    return an_outcome(
        minutes_ago,
        **{
            "status": Status.FAILED,
            "blame": blame,
            "first_blame": blame,
            "failed_step": step,
            "first_failed_step": step,
            "error": f"{step}: GET / answered 500",
            **facts,
        },
    )


def passes(location: str, *minutes_ago: float, journey: str = GA, **facts: Any) -> list[Outcome]:
    """Passed runs at one place."""
    return [an_outcome(m, location=location, journey=journey, **facts) for m in minutes_ago]


def failures(location: str, *minutes_ago: float, journey: str = GA, **facts: Any) -> list[Outcome]:
    """Failed runs at one place."""
    return [a_failure(m, location=location, journey=journey, **facts) for m in minutes_ago]


def an_answer(status: int | None = 200, ms: float = 300.0, **facts: Any) -> Answer:
    """The checkout's answer."""
    return Answer(
        **{
            "endpoint": "/api/create-checkout-session",
            "method": "POST",
            "status": status,
            "duration_ms": ms,
            "party": "first",
            "failed": status is None or status >= 400,
            **facts,
        }
    )


def a_graded(name: str = "LCP", value: float | None = 700.0, **facts: Any) -> Graded:
    """A vital of the pricing page."""
    return Graded(**{"page": "/pricing", "name": name, "value": value, "navigation": "hard", **facts})


def a_history(*groups: Sequence[Outcome] | Outcome, **facts: Any) -> History:
    """A history of outcomes, put into order."""
    outcomes = [o for group in groups for o in ([group] if isinstance(group, Outcome) else group)]
    received = {o.location: o.received_at for o in sorted(outcomes, key=lambda o: o.received_at)}
    return History(
        **{
            "hours": hours_of(sorted(outcomes, key=lambda o: (o.slot or o.started_at, o.run_id))),
            "schedules": schedules(),
            "watching_since": NOW - timedelta(days=40),
            "last_received": received,
            "metric_sources": {metric.name: metric.source for metric in METRICS.values()},
            **facts,
        }
    )


def judged(history: History, key: str, *, targets: Targets | None = None) -> Verdict:
    """The one verdict of that key."""
    found = [v for v in judge(targets or the_targets(), history, NOW) if v.key == key]
    assert len(found) == 1, f"{len(found)} verdicts {key}"
    return found[0]
