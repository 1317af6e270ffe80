"""How long it takes from the moment the payment breaks, everywhere and for good, to a delivered alert, at the guide's pace.

Each trial breaks the payment at a random moment of an hour and goes through the real judging and the real alerting
(`sla.judge`, `alerts.machine`) on outcomes as three locations make them: slots of ga_purchase every 300 s, staggered by 100 s; a run
fails if it comes to the payment after the break; it is confirmed after 5 s; the hub has it a moment after it ended, ticks every
10 s, and looks every second for messages to send. What is drawn: the moment, the length of runs and of ways, the hub's phase.
Two ways to break: the checkout refuses at once, or never answers (both attempts wait for the step's 15 s).

    .venv/bin/python -P benchmarks/detection.py [--trials 2000] [--seed 1]
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.machine import Standing, advance
from alerts.policy import Policy
from config import read_document
from facts import AlertState, Blame, Grid, Outcome, Severity, Status
from sla.history import History, Schedule
from sla.hours import hours_of
from sla.judge import judge
from sla.targets import Targets, targets_from

LIMIT_S = 300.0
PLACES = ("us-east", "us-west", "eu-west")
PERIOD_S, TICK_S, CONFIRM_S, STEP_S = 300, 10.0, 5.0, 15.0
JOURNEY, FAILING = "ga_purchase", "proceed_to_stripe"
GRIDS = {place: Grid.of(PERIOD_S, index=n, n=len(PLACES)) for n, place in enumerate(PLACES)}
WHOLE_S = (7.0, 14.0)
"""A run's length, from its slot to its record, when all is well."""
TO_PAYMENT = 0.6
"""How much of that is behind it when it comes to the payment."""
ON_THE_WAY_S = (0.1, 1.5)
SENDING_S = (0.1, 1.0)
POLICY = Policy(routes={Severity.CRITICAL: ("pager",), Severity.HIGH: ("pager",)})
EPOCH = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Trial:
    """How it went: seconds from the break to the alert, and the rule that told it."""

    seconds: float
    rule: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    targets = targets_from(read_document(Path(__file__).resolve().parents[1] / "sla.yaml"))
    holds = True
    for name, waits_s in (("refuses at once", 1.0), ("never answers", STEP_S)):
        chance = random.Random(asked.seed)
        trials = [a_trial(chance, targets, waits_s) for _ in range(asked.trials)]
        holds &= report(name, trials)
    sys.exit(0 if holds else 1)


def report(name: str, trials: list[Trial]) -> bool:
    took = sorted(trial.seconds for trial in trials)
    p95 = took[math.ceil(0.95 * len(took)) - 1]
    rules = ", ".join(sorted({trial.rule for trial in trials}))
    print(
        f"the checkout {name}: {len(took)} trials, p50 {statistics.median(took):.0f} s, p95 {p95:.0f} s, "
        f"longest {took[-1]:.0f} s, told by {rules}; limit {LIMIT_S:.0f} s: {'holds' if p95 <= LIMIT_S else 'BROKEN'}"
    )
    return p95 <= LIMIT_S


def a_trial(chance: random.Random, targets: Targets, waits_s: float) -> Trial:
    broke = EPOCH + timedelta(seconds=chance.uniform(0, 3600))
    outcomes = sorted(made(chance, broke, waits_s), key=lambda one: one.received_at)
    first_bad = next(one.received_at for one in outcomes if one.status is Status.FAILED)
    now = broke + timedelta(seconds=chance.uniform(0, TICK_S))
    while now < first_bad:  # until then there is nothing to tell
        now += timedelta(seconds=TICK_S)
    standing, previous = Standing(), now - timedelta(seconds=TICK_S)
    while now < broke + timedelta(hours=1):
        known = sorted((one for one in outcomes if one.received_at <= now), key=lambda one: (one.slot, one.run_id))
        verdicts = judge(targets, history(known), now)
        step = advance(standing, verdicts, POLICY, now, previous=previous)
        told = [message for message in step.notifications if message.severity is Severity.CRITICAL]
        if told:
            sent = max(now, min(message.due_at for message in told)) + timedelta(seconds=chance.uniform(0, 1))
            sent += timedelta(seconds=chance.uniform(*SENDING_S))
            fired = {alert.id: alert.rule for alert in step.alerts if alert.state is AlertState.FIRING}
            return Trial((sent - broke).total_seconds(), fired.get(told[0].alert_id, "?"))
        standing = after(standing, step.alerts)
        previous, now = now, now + timedelta(seconds=TICK_S)
    raise SystemExit("the outage was not told within an hour")


def after(standing: Standing, changed: tuple) -> Standing:  # type: ignore[type-arg]
    by_id = {alert.id: alert for alert in (*standing.alerts, *changed)}
    alive = [alert for alert in by_id.values() if alert.state is not AlertState.RESOLVED]
    episodes = {**standing.episodes, **{alert.key: alert.episode for alert in changed}}
    return replace(standing, alerts=alive, episodes=episodes)


def made(chance: random.Random, broke: datetime, waits_s: float) -> Iterator[Outcome]:
    """What the locations make from an hour before the break to half an hour after it."""
    for place, grid in GRIDS.items():
        for slot in grid.between(broke - timedelta(hours=1), broke + timedelta(minutes=30)):
            whole, on_the_way = chance.uniform(*WHOLE_S), chance.uniform(*ON_THE_WAY_S)
            fails = slot + timedelta(seconds=TO_PAYMENT * whole) >= broke
            lasts = whole if not fails else 2 * (TO_PAYMENT * whole + waits_s) + CONFIRM_S
            finished = slot + timedelta(seconds=lasts)
            status, blame = (Status.FAILED, Blame.SITE) if fails else (Status.PASSED, None)
            yield Outcome(
                run_id=f"{slot:%H%M%S}-{place}",
                journey=JOURNEY,
                location=place,
                slot=slot,
                status=status,
                blame=blame,
                failed_step=FAILING if fails else None,
                error=f"{FAILING}: POST /api/create-checkout-session answered 500" if fails else None,
                first_status=status,
                first_blame=blame,
                first_failed_step=FAILING if fails else None,
                started_at=slot,
                finished_at=finished,
                received_at=finished + timedelta(seconds=on_the_way),
                duration_ms=lasts * 1000,
            )


def history(known: list[Outcome]) -> History:
    received = {one.location: one.received_at for one in sorted(known, key=lambda one: one.received_at)}
    return History(
        hours=hours_of(known),
        schedules={JOURNEY: Schedule(period_s=PERIOD_S, grids=GRIDS)},
        watching_since=EPOCH - timedelta(days=1),
        last_received=received,
    )


if __name__ == "__main__":
    main()
