"""Builds the section on a run's attempts: whether the second one agreed with the first, and which one counts."""

from __future__ import annotations

from dataclasses import dataclass

from facts import Attempt, Run, Status
from reports import words
from reports.sections.steps import StepsSection, steps_section


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCard:
    """Holds one attempt. `steps` are given for attempts that do not count; the others' steps are at the top of the page."""

    number: int
    status: str
    tone: str
    counts: bool
    traced: bool
    started: str
    took: str
    sentence: str
    blame: str | None
    where: str | None
    steps: StepsSection | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptsSection:
    """Holds the section; `agreement` says in a sentence whether the attempts agree."""

    agreement: str
    cards: tuple[AttemptCard, ...]


def attempts_section(run: Run) -> AttemptsSection:
    """Return the section of a run, with or without attempts."""
    return AttemptsSection(agreement=_agreement(run), cards=tuple(_card(a, run) for a in run.attempts))


def _agreement(run: Run) -> str:
    if not run.attempts:
        return "No attempt was made."
    first, last = run.attempts[0], run.attempts[-1]
    if first is last:
        return (
            "One attempt, which counts." if last.status is Status.PASSED else "One attempt, not confirmed by a second."
        )
    counts = f"Attempt {run.counts} counts."
    if last.status is Status.ERRORED and first.status is not Status.ERRORED:
        return f"The second attempt failed for a reason of our own and confirms nothing. {counts}"
    if last.status is Status.PASSED:
        return f"The first attempt did not pass, the second did. {counts} Availability takes the first."
    if (first.status, *_group(first)) == (last.status, *_group(last)):
        return f"Confirmed: both attempts ended in the same way. {counts}"
    return f"Not the same twice: both attempts went wrong, each in its own way. {counts}"


def _group(attempt: Attempt) -> tuple[str | None, str | None]:
    return attempt.failed_step, attempt.error_group or attempt.error


def _card(attempt: Attempt, run: Run) -> AttemptCard:
    counts = attempt.number == run.counts
    steps = None if counts or not attempt.steps else steps_section(attempt.steps, ident=f"attempt-{attempt.number}")
    return AttemptCard(
        number=attempt.number,
        status=words.STATUSES[attempt.status],
        tone=words.TONES[attempt.status],
        counts=counts,
        traced=attempt.traced,
        started=words.utc(attempt.started_at),
        took=words.duration(attempt.duration_ms),
        sentence=attempt.error
        or ("Every step passed." if attempt.status is Status.PASSED else "No reason was recorded."),
        blame=attempt.blame.value if attempt.blame else None,
        where=attempt.where,
        steps=steps,
    )
