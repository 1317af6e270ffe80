"""Renders `/sla`: the last verdict of every target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import Verdict, VerdictStatus
from reports.live.frame import Ago, Frame, ago
from reports.live.target import form_of
from reports.pages import render
from reports.states import STATE_OF_VERDICT
from reports.words import count

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


_MISSED = (VerdictStatus.CRITICAL, VerdictStatus.WARNING, VerdictStatus.OFF_TARGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """Holds one verdict in the form shown on pages."""

    rule: str
    of_rule: str
    state: str
    value: str
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
        of_rule=verdict.rule,
        state=STATE_OF_VERDICT[verdict.verdict].value,
        value=form_of(verdict.unit, verdict.value),
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
    heading: str
    sentence: str
    rows: tuple[VerdictRow, ...]


def sla_page(frame: Frame, verdicts: Sequence[Verdict], guide: Mapping[str, str], now: datetime) -> str:
    """Return the page's HTML; `guide` maps each rule to its line in the guide."""
    rows = tuple(verdict_row(v, now, guide.get(v.rule)) for v in worst_first(verdicts))
    missed = [v for v in verdicts if v.verdict in _MISSED]
    met = sum(v.verdict is VerdictStatus.MET for v in verdicts)
    if not verdicts:
        heading = "Nothing has been judged yet."
    elif missed:
        heading = f"{count(len(missed), 'target')} {'is' if len(missed) == 1 else 'are'} not met."
    else:
        heading = "No target is missed."
    unknown = len(verdicts) - met - len(missed)
    sentence = (
        f"{met} met, {unknown} not proven, without data or off. Grey is not green: it says that too little is known."
    )
    return render("live/sla.html.j2", SlaPage(frame=frame, heading=heading, sentence=sentence, rows=rows))
