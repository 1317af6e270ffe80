"""Builds the section on an attempt's steps: a timeline, and a table with the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from facts import Step, StepStatus
from reports import charts, words
from reports.usual import Usual

_TONES = {
    StepStatus.PASSED: "good",
    StepStatus.FAILED: "bad",
    StepStatus.TIMED_OUT: "bad",
    StepStatus.SKIPPED: "mute",
}
_WORDS = {
    StepStatus.PASSED: "passed",
    StepStatus.FAILED: "failed",
    StepStatus.TIMED_OUT: "timed out",
    StepStatus.SKIPPED: "skipped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """Holds one step as numbers and text. `usual` is its usual duration as text, a dash where it is unknown."""

    number: int
    name: str
    status: str
    tone: str
    started: str
    took: str
    note: str | None
    usual: str = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsSection:
    """Holds the section; `skipped` says once for each reason which steps were skipped.

    `usual_of` says what the usual durations come from; None if they are unknown, and the chart is then a timeline.
    """

    count: str
    chart: Markup
    rows: tuple[StepRow, ...]
    skipped: tuple[str, ...]
    usual_of: str | None = None


def steps_section(
    steps: Sequence[Step], *, ident: str, slow_after_ms: float | None = None, usual: Usual | None = None
) -> StepsSection:
    """Return the section of one attempt; `ident` makes its chart's ids unique on the page.

    With `usual` each step stands beside its usual duration, and without it on the journey's clock.
    """
    return StepsSection(
        count=words.count(len(steps), "step"),
        chart=_beside_usual(steps, usual) if usual else _chart(steps, ident, slow_after_ms),
        rows=tuple(_row(number, step, steps, usual) for number, step in enumerate(steps, start=1)),
        skipped=_skipped(steps),
        usual_of=f"of the last {words.count(usual.runs, 'good run')}, same location" if usual else None,
    )


def step_words(step: Step) -> str:
    """Return the result of a step as short text: its time if it passed, else its status."""
    if step.status is StepStatus.SKIPPED:
        return "skipped"
    took = words.duration(step.duration_ms)
    return took if step.status is StepStatus.PASSED else f"{_WORDS[step.status]} after {took}"


def step_tone(step: Step) -> str:
    """Return the class of a step's colour."""
    return _TONES[step.status]


def _row(number: int, step: Step, steps: Sequence[Step], usual: Usual | None) -> StepRow:
    of_step = usual.steps.get(step.name) if usual else None
    return StepRow(
        number=number,
        name=step.name,
        status=_WORDS[step.status],
        tone=step_tone(step),
        started=words.duration(step.started_ms),
        took=words.duration(step.duration_ms),
        note=_reason(step, steps) if step.status is StepStatus.SKIPPED else step.error,
        usual=f"{words.duration(of_step.median_ms)}, p95 {words.duration(of_step.p95_ms)}" if of_step else "–",
    )


def _chart(steps: Sequence[Step], ident: str, slow_after_ms: float | None) -> Markup:
    if not steps:
        return Markup("")
    bars = [
        charts.Bar(label=s.name, value=step_words(s), start=s.started_ms, length=s.duration_ms, tone=step_tone(s))
        for s in steps
    ]
    mark = charts.Mark(at=slow_after_ms, label=f"slow: {words.limit(slow_after_ms)}") if slow_after_ms else None
    said = "; ".join(f"{step.name} {step_words(step)}" for step in steps)
    return charts.timeline(bars, ident=ident, title="Steps on the journey’s clock", description=said, mark=mark)


def _beside_usual(steps: Sequence[Step], usual: Usual) -> Markup:
    rows = []
    for step in steps:
        known = usual.steps.get(step.name)
        rows.append(
            charts.StepRow(
                name=step.name,
                took=step.duration_ms / 1000 if step.duration_ms is not None else None,
                said=step_words(step).replace("skipped", "not reached"),
                has_failed=step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT),
                usual=(known.p10_ms / 1000, known.median_ms / 1000, known.p95_ms / 1000) if known else None,
            )
        )
    label = "Duration of each step beside its usual 10th to 95th percentile"
    return charts.step_range(rows, form=charts.duration_format, label=label).svg


def _skipped(steps: Sequence[Step]) -> tuple[str, ...]:
    by_reason: dict[str, list[str]] = {}
    for step in steps:
        if step.status is StepStatus.SKIPPED:
            by_reason.setdefault(_reason(step, steps), []).append(step.name)
    return tuple(f"{words.listed(names)}: {reason}" for reason, names in by_reason.items())


def _reason(step: Step, steps: Sequence[Step]) -> str:
    """Return why a step was skipped: its own reason, or that another step stopped the journey."""
    stopped = next((s.name for s in steps if s.status in (StepStatus.FAILED, StepStatus.TIMED_OUT)), None)
    return step.error or (f"never reached, {stopped} stopped the journey" if stopped else "no reason was given")
