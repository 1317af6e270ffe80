"""Renders `/jobs`: the hub's named jobs, their last results, and when they run next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import JobOutcome, JobState
from reports.live.frame import Ago, Frame, ago
from reports.pages import render
from reports.words import count, duration, listed, span

_TONES = {
    JobOutcome.SUCCEEDED: "good",
    JobOutcome.FAILED: "bad",
    JobOutcome.TIMED_OUT: "bad",
    JobOutcome.CUT_OFF: "warn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """Holds one job as the page shows it. `next` is a moment in words; `asked` says who wants it run now."""

    name: str
    purpose: str
    schedule: str
    outcome: str
    tone: str
    started: Ago | None
    took: str
    result: str
    by: str | None
    next: Ago | None
    next_words: str
    asked: str | None
    failures: int


def job_row(name: str, purpose: str, schedule: str, state: JobState | None, now: datetime) -> JobRow:
    """Return the row of a job; one that no hub has known of yet has not run."""
    outcome = state.last_outcome if state else None
    next_at = state.next_at if state else None
    if next_at is None:
        next_words = ""
    elif next_at > now:
        next_words = f"in {span(next_at - now)}"
    else:
        next_words = "now"
    return JobRow(
        name=name,
        purpose=purpose,
        schedule=schedule,
        outcome=outcome.value if outcome else "not run yet",
        tone=_TONES.get(outcome, "mute") if outcome else "mute",
        started=ago(state.last_started_at, now) if state else None,
        took=duration(state.last_duration_s * 1000) if state and state.last_duration_s is not None else "",
        result=state.last_result if state else "",
        by=state.last_by if state else None,
        next=ago(next_at, now),
        next_words=next_words,
        asked=(state.requested_by or "somebody") if state and state.requested_at else None,
        failures=state.failures if state else 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsPage:
    """Holds the data of the template."""

    frame: Frame
    heading: str
    rows: tuple[JobRow, ...]


def jobs_page(frame: Frame, rows: Sequence[JobRow]) -> str:
    """Return the page's HTML."""
    failed = [row.name for row in rows if row.failures]
    if failed:
        heading = f"{count(len(failed), 'job')} failed: {listed(failed)}."
    else:
        heading = f"No job fails; {sum(row.started is not None for row in rows)} of {len(rows)} have run."
    ordered = sorted(rows, key=lambda row: not row.failures)
    return render("live/jobs.html.j2", JobsPage(frame=frame, heading=heading, rows=tuple(ordered)))
