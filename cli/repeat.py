"""One run or several in a row, with live progress, and what several of them show together."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli import books
from cli.progress import Progress, print_outcome
from facts import Run, Status
from runner.budget import Budget
from runner.job import Job, new_run_id
from runner.start import make_run


def make_runs(job: Job, count: int) -> list[Run]:
    """Make `count` runs of a job one after another, fewer where the site's request budget would not hold them, or the
    location has made its purchases; each is undone before the next."""
    console = Console()
    budget = Budget(allowed=job.site.request_budget)
    runs: list[Run] = []
    for number in range(1, count + 1):
        run_job = job if number == 1 else replace(job, run_id=new_run_id(job.journey, job.location, datetime.now(UTC)))
        shortage = budget.certain_block(job.journey, datetime.now(UTC)) or (
            books.refusal(run_job) if number > 1 else None
        )
        if shortage:
            console.print(f"[yellow]stopped after {len(runs)} of {count} runs:[/] {shortage}", highlight=False)
            break
        if count > 1:
            console.rule(f"run {number} of {count}", align="left")
        with Progress(console) as progress:
            run = books.undone(make_run(run_job, progress.on_event), run_job)
        print_outcome(console, run)
        budget = budget.after(run)
        runs.append(run)
    if count > 1 and runs:
        print_spread(console, runs)
    return runs


def print_spread(console: Console, runs: Sequence[Run]) -> None:
    """Median and range of every step over the passed runs, and the share of runs that were not clean."""
    passed = [run for run in runs if run.status is Status.PASSED]
    not_clean = sum(run.status is not Status.PASSED or run.flaky for run in runs)
    console.rule("spread", align="left")
    console.print(
        f"{len(passed)} of {len(runs)} passed; flake rate {not_clean / len(runs):.0%} (failed, or not at the first attempt)"
    )
    if passed:
        console.print(_spread_table(passed))
    for run in runs:
        if run.error:
            console.print(f"[red]{run.status}[/] {escape(run.error)}", highlight=False, soft_wrap=True)


def _spread_table(passed: Sequence[Run]) -> Table:
    table = Table("step", "median", "fastest", "slowest", "n")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in [step.name for step in passed[0].steps]:
        took = [s.duration_ms for run in passed for s in run.steps if s.name == name and s.duration_ms is not None]
        _add_row(table, name, took)
    _add_row(table, "total", [run.duration_ms for run in passed])
    return table


def _add_row(table: Table, name: str, took: Sequence[float]) -> None:
    if took:
        values = (statistics.median(took), min(took), max(took))
        table.add_row(name, *(f"{value / 1000:.2f} s" for value in values), str(len(took)))
