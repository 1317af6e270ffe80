"""Renders `/sla`: the last verdict of every target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import Verdict, VerdictStatus
from reports.live.frame import Ago, Frame, ago
from reports.pages import render

WORD_TONES = {
    VerdictStatus.MET: "good",
    VerdictStatus.OFF_TARGET: "warn",
    VerdictStatus.WARNING: "warn",
    VerdictStatus.CRITICAL: "bad",
    VerdictStatus.ERROR: "bad",
}
_ORDER = (
    VerdictStatus.CRITICAL,
    VerdictStatus.ERROR,
    VerdictStatus.WARNING,
    VerdictStatus.NO_DATA,
    VerdictStatus.OFF_TARGET,
    VerdictStatus.UNPROVEN,
    VerdictStatus.MET,
    VerdictStatus.INSUFFICIENT,
    VerdictStatus.OFF,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """Holds one verdict in the form shown on pages."""

    rule: str
    title: str
    word: str
    tone: str
    summary: str
    n: int
    window: str
    interval: str
    age: Ago | None
    guide: str | None
    runbook: str | None


def verdict_row(verdict: Verdict, now: datetime, guide: str | None = None) -> VerdictRow:
    """Return the row of a verdict."""
    low, high = verdict.low, verdict.high
    return VerdictRow(
        rule=verdict.key,
        title=verdict.title,
        word=verdict.verdict.value.replace("_", " "),
        tone=WORD_TONES.get(verdict.verdict, "mute"),
        summary=verdict.summary,
        n=verdict.n,
        window=verdict.window,
        interval=f"{low:.1%} – {high:.1%}" if low is not None and high is not None else "",
        age=ago(verdict.data_at, now),
        guide=guide,
        runbook=verdict.runbook,
    )


def worst_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts, the worst first."""
    return sorted(verdicts, key=lambda v: (_ORDER.index(v.verdict), v.key))


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaPage:
    """Holds the data of the template."""

    frame: Frame
    rows: tuple[VerdictRow, ...]


def sla_page(frame: Frame, verdicts: Sequence[Verdict], guide: Mapping[str, str], now: datetime) -> str:
    """Return the page's HTML; `guide` maps each rule to its line in the guide."""
    rows = tuple(verdict_row(v, now, guide.get(v.rule)) for v in worst_first(verdicts))
    return render("live/sla.html.j2", SlaPage(frame=frame, rows=rows))
