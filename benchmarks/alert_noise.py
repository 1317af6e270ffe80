"""How often random failures page somebody, and how soon an outage does: the shipped rules and schedule on a simulated clock.

A month of both journeys at three locations, in which each attempt fails with the probability `--noise`, as random failures do: how
many critical alerts fire, and how many others. The same once where so many runs fail at both attempts: two locations that do so within
five minutes look like an outage and page, which by chance happens. Then outages of the payment that begin at random moments, total and
partial (each attempt fails with that probability, so that a run may pass when it is confirmed): how long until the first critical
message is delivered. Judging, alert machine, outbox and delivery are the product's (`tests/simulation.py`); runs are made up, and
receivers only note what comes. Rules about anything but whether runs pass have nothing to judge here. Fails where a month pages more
than once, or the 95th percentile of a total outage is over 300 s.

    .venv/bin/python -P benchmarks/alert_noise.py [--months 3] [--noise 0.005] [--trials 200] [--seed 1]
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete

from alerts.policy import Policy
from facts import NotificationKind, Severity
from sla.targets import Targets
from store import Store
from store.tables import metadata
from tests.databases import a_migrated_store
from tests.shipped import shipped_targets
from tests.simulation import Shop, SimulatedHub, play, rules_of_runs, runs_of, sending_s

MONTH = timedelta(days=30)
MOST_PAGES = 1
LIMIT_S = 300.0
OUTAGES = ((1.0, 1.0, timedelta(hours=1)), (0.5, 0.5, timedelta(hours=6)), (0.2, 0.25, timedelta(hours=24)))
"""The share of attempts that fail, which part of the trials is made of it, and after how long it counts as not found."""
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
POLICY = Policy(routes={Severity.CRITICAL: ("pager",), Severity.HIGH: ("ops",), Severity.MEDIUM: ("ops",)})
TABLES = [table for table in reversed(metadata.sorted_tables) if table.name != "alembic_version"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--noise", type=float, default=0.005)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    targets, holds = rules_of_runs(shipped_targets()), True
    with tempfile.TemporaryDirectory() as folder, a_migrated_store(None, Path(folder)) as store:
        for n in range(asked.months):
            holds &= a_month(store, targets, Shop(noise=asked.noise), seed=asked.seed + n) <= MOST_PAGES
        if asked.months:
            a_month(store, targets, Shop(confirmed=asked.noise), seed=asked.seed)
        for share, part, patience in OUTAGES:
            trials = max(1, round(part * asked.trials))
            found = [outage_s(store, targets, share, asked.seed + n, patience=patience) for n in range(trials)]
            holds &= report(share, found, patience)
    sys.exit(0 if holds else 1)


@contextmanager
def a_hub(store: Store, now: datetime) -> Iterator[SimulatedHub]:
    """A hub without any past."""
    with store.write() as connection:
        for table in TABLES:
            connection.execute(delete(table))
    yield SimulatedHub(store=store, policy=POLICY, destinations=("pager", "ops"), now=now)


def a_month(store: Store, targets: Targets, shop: Shop, *, seed: int, length: timedelta = MONTH) -> int:
    """Print what a month of noise fires; return how many critical alerts that were."""
    with a_hub(store, BEGIN) as hub:
        runs = runs_of(shop, random.Random(seed), since=BEGIN, until=BEGIN + length)
        for _ in play(hub, targets, runs, until=BEGIN + length):
            pass
    first = sum(run.first_failed_step is not None for run in runs)
    failed = sum(run.failed_step is not None for run in runs)
    pages = [alert for alert in hub.episodes if alert.severity is Severity.CRITICAL]
    others = Counter(alert.severity.value for alert in hub.episodes if alert.severity is not Severity.CRITICAL)
    rules = ", ".join(sorted({alert.rule for alert in hub.episodes})) or "none"
    told = ", ".join(f"{n} {severity}" for severity, n in sorted(others.items())) or "none"
    limit = f"; limit {MOST_PAGES} page: {'holds' if len(pages) <= MOST_PAGES else 'BROKEN'}" if shop.noise else ""
    what = f"{shop.noise:.1%} of attempts" if shop.noise else f"{shop.confirmed:.1%} of runs at both attempts"
    print(
        f"{length.days} days, {what} fail, seed {seed}: of {len(runs):,} runs {first} failed at first and {failed} when confirmed; "
        f"{len(pages)} pages, other alerts: {told} (rules: {rules}){limit}",
        flush=True,
    )
    return len(pages)


def outage_s(store: Store, targets: Targets, share: float, seed: int, *, patience: timedelta) -> float | None:
    """Return the seconds from the beginning of an outage to its first critical message; None where none came in time."""
    chance = random.Random(seed)
    broke = BEGIN + timedelta(seconds=chance.uniform(0, 900))
    runs = runs_of(Shop(broken_at=broke, broken=share), chance, since=broke, until=broke + patience)
    with a_hub(store, broke + timedelta(seconds=chance.uniform(0, 10))) as hub:
        for _ in play(hub, targets, runs, until=broke + patience, over=_has_paged):
            pass
        first = next((one.at for one in hub.got if one.destination == "pager"), None)
    return (first - broke).total_seconds() + sending_s(chance) if first is not None else None


def _has_paged(hub: SimulatedHub) -> bool:
    return any(one.destination == "pager" and one.message.kind is NotificationKind.FIRING for one in hub.got)


def report(share: float, found: list[float | None], patience: timedelta) -> bool:
    """Print how long outages took to be told; return whether a total one is told in time."""
    took = sorted(seconds if seconds is not None else math.inf for seconds in found)
    p95 = took[math.ceil(0.95 * len(took)) - 1]
    missed = sum(math.isinf(seconds) for seconds in took)
    what = "total outage" if share == 1 else f"outage of {share:.0%} of attempts"
    limit = f"; limit {LIMIT_S:.0f} s: {'holds' if p95 <= LIMIT_S else 'BROKEN'}" if share == 1 else ""
    print(
        f"{what}: {len(took)} trials, p50 {_length(statistics.median(took))}, p95 {_length(p95)}, longest {_length(took[-1])}, "
        f"{missed} not told within {patience.total_seconds() / 3600:.0f} h{limit}",
        flush=True,
    )
    return share != 1 or p95 <= LIMIT_S


def _length(seconds: float) -> str:
    return "never" if math.isinf(seconds) else f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    main()
