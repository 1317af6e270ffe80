"""Builds the section on where, when and with what a run was made, and how it counts."""

from __future__ import annotations

from facts import Blame, Run, Status
from reports import words
from reports.sections.detail import Detail


def environment(run: Run) -> tuple[Detail, ...]:
    """Return the details of how the run was made."""
    waited = sum(attempt.waited_ms for attempt in run.attempts)
    wall = (run.finished_at - run.started_at).total_seconds() * 1000
    found = [
        Detail(name="Run", value=run.id, kind="code"),
        Detail(name="Journey", value=run.journey, kind="code"),
        Detail(name="Location", value=run.location, kind="code"),
        Detail(name="Site", value=run.site, kind="url"),
        Detail(name="Browser", value=run.browser),
        Detail(name="Plan", value=run.plan, kind="code", note="hash of the configuration it was made with"),
        Detail(name="Slot", value=words.utc(run.slot) if run.slot else "none, ad hoc"),
        Detail(name="Started", value=words.utc(run.started_at)),
        Detail(name="Finished", value=words.utc(run.finished_at), note=f"{words.duration(wall)} from start to end"),
        Detail(
            name="Journey’s clock",
            value=words.duration(run.duration_ms),
            note=f"slow from {words.limit(run.slow_after_ms)}" if run.slow_after_ms else None,
        ),
        Detail(
            name="Waited for evidence", value=words.duration(waited), note="all attempts; not in the journey’s clock"
        ),
        *_budget(run),
        Detail(name="Counts as", value=_counts(run)),
    ]
    return tuple(found)


def cut_notes(run: Run) -> tuple[str, ...]:
    """Return sentences on what was left out to keep the record small."""
    return tuple(f"Left out of the record to keep it small: {n:,} {kind}." for kind, n in sorted(run.cut.items()) if n)


def _budget(run: Run) -> tuple[Detail, ...]:
    """Return how much of the site's request limit the run used, and what the site reported as left."""
    counted = [attempt.requests_counted for attempt in run.attempts if attempt.requests_counted is not None]
    told = [attempt for attempt in run.attempts if attempt.requests_left is not None]
    parts = [f"{sum(counted)} counted"] if counted else []
    if told:
        of = "" if told[-1].requests_limit is None else f" of {told[-1].requests_limit}"
        parts.append(f"{told[-1].requests_left}{of} left")
    note = "the site limits requests per address" if told else "the site told no limit"
    return (Detail(name="Request budget", value=", ".join(parts), note=note),) if parts else ()


def _counts(run: Run) -> str:
    if run.slot is None:
        return "nothing: ad-hoc runs are left out of every target"
    if run.status is Status.PASSED:
        return "good"
    if run.status is Status.SKIPPED:
        return "nothing: maintenance leaves the denominator"
    if run.status not in (Status.FAILED, Status.TIMED_OUT):
        return "nothing, but it lowers coverage"
    return "bad, once a second location agrees" if run.blame is Blame.NETWORK else "bad"
