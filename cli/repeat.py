"""Makes one run or several in a row, with live progress, and sums up the results of several."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cli import ledgers
from cli.output import Part, console, say, say_table
from cli.progress import Progress, print_outcome
from facts import Run, Status
from runner.attempt.job import Job, new_run_id
from runner.attempt.start import OnEvent, make_run
from runner.budget import REFUSED_WITHOUT_A_LIMIT, Budget, was_refused

_MEASURED = (Status.PASSED, Status.FAILED, Status.TIMED_OUT)


@dataclass(slots=True)
class Repetitions:
    """The runs that a command was asked to make: `wanted` of them. `stopped` is why there are fewer, None where nothing
    stopped them."""

    wanted: int
    runs: list[Run] = field(default_factory=list)
    stopped: str | None = None

    @property
    def is_complete(self) -> bool:
        """Return whether every run was made."""
        return len(self.runs) == self.wanted

    @property
    def why_fewer(self) -> str | None:
        """Return why not every run was made; None if every one was."""
        return None if self.is_complete else self.stopped or "the command was interrupted"


def make_runs(job: Job, repetitions: Repetitions, *, make: Callable[[Job, OnEvent], Run] = make_run) -> None:
    """Make the runs of a job one after another with `make`, each undone before the next, and keep them in `repetitions`.

    There are fewer where the request budget does not hold them, or the location has made its purchases.
    """
    screen = console()
    budget = Budget(allowed=job.site.request_budget)
    runs, wanted = repetitions.runs, repetitions.wanted
    for number in range(1, wanted + 1):
        now = datetime.now(UTC)
        run_job = job if number == 1 else replace(job, run_id=new_run_id(job.journey, job.location, now))
        repetitions.stopped = _shortage(budget, run_job, runs, now)
        if repetitions.stopped:
            say((f"stopped after {len(runs)} of {wanted} runs:", "yellow"), f" {repetitions.stopped}")
            break
        if wanted > 1:
            say((f"run {number} of {wanted}", "bold"))
        # No slot of a schedule comes after it, but a second attempt must not end in a 429 and hide the first one's failure.
        run_job = replace(run_job, reserve=budget.reserve((), journey=job.journey, slot=now, now=now))
        with Progress(screen) as progress:
            run = ledgers.undone(make(run_job, progress.on_event), run_job)
        print_outcome(run)
        budget = budget.after(run)
        runs.append(run)
    if wanted > 1:
        print_spread(repetitions)


def _shortage(budget: Budget, job: Job, made: Sequence[Run], now: datetime) -> str | None:
    """Return the reason to stop repeating, such as a used-up request budget; None to continue."""
    if not made:
        return None
    if made[-1].status is Status.ERRORED and was_refused(made[-1]) and not budget.windows(now):
        return f"the request budget: {REFUSED_WITHOUT_A_LIMIT}"
    return budget.certain_block(job.journey, now) or ledgers.refusal(job)


def print_spread(repetitions: Repetitions) -> None:
    """Print median and range of every step over the passed runs, and the share of runs that were not clean.

    There is no share where runs are missing, and runs that measured nothing of the site (errored, blocked) are left out of it.
    """
    runs = repetitions.runs
    passed = [run for run in runs if run.status is Status.PASSED]
    say(("spread", "bold"))
    say(_share(repetitions))
    if passed:
        headers = ("step", "median", "fastest", "slowest", "n")
        say_table(headers, _spread_rows(passed), right=headers[1:])
    for run in runs:
        if run.error:
            say((run.status.value, "red"), f" {run.error}")


def _share(repetitions: Repetitions) -> str:
    runs, wanted = repetitions.runs, repetitions.wanted
    passed = sum(run.status is Status.PASSED for run in runs)
    missing = wanted - len(runs)
    if missing:
        return f"{len(runs)} of {wanted} runs were made, {passed} passed; no rate is given, for {missing} were not made"
    measured = [run for run in runs if run.status in _MEASURED]
    ours = len(runs) - len(measured)
    left_out = (
        f"; {ours} errored or blocked, which measured nothing and {'is' if ours == 1 else 'are'} left out"
        if ours
        else ""
    )
    if not measured:
        return f"{passed} of {wanted} passed; no rate is given, for no run measured the site"
    not_clean = sum(run.status is not Status.PASSED or run.flaky for run in measured)
    return f"{passed} of {wanted} passed; flake rate {not_clean / len(measured):.0%} (failed, or not at the first attempt){left_out}"


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
