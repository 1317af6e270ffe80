"""One run or several in a row, with live progress, and what several of them show together."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cli import books
from cli.output import Part, console, say, say_table
from cli.progress import Progress, print_outcome
from facts import Run, Status
from runner.budget import Budget
from runner.job import Job, new_run_id
from runner.start import make_run


def make_runs(job: Job, count: int) -> list[Run]:
    """Make `count` runs of a job one after another, fewer where the site's request budget would not hold them, or the
    location has made its purchases; each is undone before the next."""
    screen = console()
    budget = Budget(allowed=job.site.request_budget)
    runs: list[Run] = []
    for number in range(1, count + 1):
        run_job = job if number == 1 else replace(job, run_id=new_run_id(job.journey, job.location, datetime.now(UTC)))
        shortage = budget.certain_block(job.journey, datetime.now(UTC)) or (
            books.refusal(run_job) if number > 1 else None
        )
        if shortage:
            say((f"stopped after {len(runs)} of {count} runs:", "yellow"), f" {shortage}")
            break
        if count > 1:
            say((f"run {number} of {count}", "bold"))
        with Progress(screen) as progress:
            run = books.undone(make_run(run_job, progress.on_event), run_job)
        print_outcome(run)
        budget = budget.after(run)
        runs.append(run)
    if count > 1 and runs:
        print_spread(runs)
    return runs


def print_spread(runs: Sequence[Run]) -> None:
    """Median and range of every step over the passed runs, and the share of runs that were not clean."""
    passed = [run for run in runs if run.status is Status.PASSED]
    not_clean = sum(run.status is not Status.PASSED or run.flaky for run in runs)
    say(("spread", "bold"))
    say(
        f"{len(passed)} of {len(runs)} passed; flake rate {not_clean / len(runs):.0%} (failed, or not at the first attempt)"
    )
    if passed:
        headers = ("step", "median", "fastest", "slowest", "n")
        say_table(headers, _spread_rows(passed), right=headers[1:])
    for run in runs:
        if run.error:
            say((run.status.value, "red"), f" {run.error}")


def _spread_rows(passed: Sequence[Run]) -> list[Sequence[Part]]:
    took = {
        step.name: [
            s.duration_ms for run in passed for s in run.steps if s.name == step.name and s.duration_ms is not None
        ]
        for step in passed[0].steps
    }
    took["total"] = [run.duration_ms for run in passed]
    return [
        (
            name,
            *(f"{value / 1000:.2f} s" for value in (statistics.median(times), min(times), max(times))),
            str(len(times)),
        )
        for name, times in took.items()
        if times
    ]
