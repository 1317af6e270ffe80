"""Draws an incident on one time line: deploys, the runs of each location, the alert, who was told, and the escalation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from reports.charts.plot import Chart, Table, at_place, percent, plot, rect, text, time_axis, words

Place = Callable[[datetime], float]
"""Returns where a moment lies, from 0 at the left to 1 at the right."""
_ROW = 30
_MOST_RUNS = 60
_RIGHT = 0.6
"""From this share of the width on, a label stands at the left of its mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMark:
    """Holds a run: when it was started, and whether it is `passed`, `slow`, `failed` or `unknown`."""

    at: datetime
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Holds the runs of a location, oldest first."""

    name: str
    runs: Sequence[RunMark]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Holds a period of an alert in one state: `pending`, `firing` or `acknowledged`."""

    since: datetime
    until: datetime
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """Holds a moment with a label. `kind` is `ok`, `bad`, `next` or `cancelled`; `number` stands in a tier's disc."""

    at: datetime
    label: str
    kind: str = "ok"
    number: str = ""


_STATES = {
    "passed": ("x-ok", 11, -2),
    "slow": ("x-slow", 14, -5),
    "failed": ("x-fail", 18, -9),
    "unknown": ("x-hatch", 11, -2),
}
_WORST = ("failed", "slow", "unknown", "passed")
_STAGES = {"pending": ("fw", "pending"), "firing": ("fc", "firing"), "acknowledged": ("f5", "acknowledged")}


def incident_line(
    *,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    label: str,
    blocked: tuple[datetime, datetime],
    blocked_words: str,
    deploys: Sequence[Dot],
    lanes: Sequence[Lane],
    stages: Sequence[Stage],
    resolved_at: datetime | None,
    told: Sequence[Dot],
    tiers: Sequence[Dot],
    table: Table,
) -> Chart:
    """Draw rows below each other on one time axis; the time in which buyers were stopped is shaded through all of them.

    `table` says the same in words: the list of what happened.
    """
    names = ["Deploys", *(lane.name for lane in lanes), "Alert", "Told", "Escalation"]
    down = 1 / len(names)
    parts = []
    for number, name in enumerate(names):
        y, low = percent((number + 0.5) * down), percent((number + 1) * down)
        parts.append(f'<line class="g" x1="0" x2="100%" y1="{low}" y2="{low}"/>')
        parts.append(text("0", y, words(name, 20), dx=-10, dy=4, anchor="end", kind="lbl"))
    length = max((until - since).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return min(max((at - since).total_seconds() / length, 0.0), 1.0)

    parts.append(time_axis(since, until, zone))
    left, right = x(blocked[0]), x(blocked[1])
    parts.append(rect("miss", left, max(right - left, 0.003), 0, 1))
    parts.append(
        text(percent((left + right) / 2), "0", words(blocked_words), dy=-4, anchor="middle", kind="tx-crit halo")
    )
    for one in deploys:
        parts.append(_deploy(x(one.at), 0.5 * down, one.label))
    for number, lane in enumerate(lanes, start=1):
        parts += _lane(lane.runs, x, (number + 0.5) * down)
    alert, told_y, tier_y = ((len(lanes) + n + 0.5) * down for n in (1, 2, 3))
    parts += [_stage(one, x, alert) for one in stages]
    if resolved_at is not None:
        parts.append(f'<circle class="fo" cx="{percent(x(resolved_at))}" cy="{percent(alert)}" r="5"/>')
        parts.append(text(percent(x(resolved_at)), percent(alert), "resolved", dx=9, dy=4, kind="lbl halo"))
    parts += [_dot(one, x(one.at), told_y) for one in _apart(told, x)]
    parts += [_tier(one, x(one.at), tier_y) for one in tiers]
    svg = plot(parts, height=_ROW * len(names), label=label, kind="lab")
    return Chart(svg=svg, table=table, is_empty=not (stages or any(lane.runs for lane in lanes)))


def _beside(x: float, y: float, label: str, *, dx: int, kind: str = "halo") -> str:
    at_right = x <= _RIGHT
    return text(
        percent(x),
        percent(y),
        words(label),
        dx=dx if at_right else -dx,
        dy=4,
        anchor="start" if at_right else "end",
        kind=kind,
    )


def _deploy(x: float, y: float, label: str) -> str:
    line = f'<line class="dep" x1="{percent(x)}" x2="{percent(x)}" y1="0" y2="100%"/>'
    return (
        line
        + at_place(x, y, '<path class="depf" d="M0 -6 6 0 0 6 -6 0Z"/>')
        + _beside(x, y, label, dx=9, kind="lbl halo")
    )


def _lane(runs: Sequence[RunMark], x: Place, y: float) -> list[str]:
    """Draw the runs of a location; of very many the worst of every few."""
    every = -(-len(runs) // _MOST_RUNS) if runs else 1
    groups = [runs[n : n + every] for n in range(0, len(runs), every)]
    drawn = []
    for group in groups:
        worst = min(group, key=lambda run: _WORST.index(run.state))
        kind, height, up = _STATES[worst.state]
        place = f'x="{percent(x(worst.at))}" y="{percent(y)}"'
        width = 10 if len(groups) <= _MOST_RUNS // 2 else 5
        drawn.append(
            f'<rect class="{kind}" {place} width="{width}" height="{height}" transform="translate({-width // 2} {up})" rx="1.5"/>'
        )
    return drawn


def _stage(one: Stage, x: Place, y: float) -> str:
    kind, said = _STAGES[one.state]
    left, right = x(one.since), x(one.until)
    box = (
        f'<rect class="{kind}" x="{percent(left)}" width="{percent(max(right - left, 0.002))}" y="{percent(y)}" height="16" '
        'transform="translate(0 -8)" rx="2"/>'
    )
    fits = right - left >= 0.02 * len(said)
    return box + (text(percent((left + right) / 2), percent(y), said, dy=4, anchor="middle", kind="hx") if fits else "")


def _apart(dots: Sequence[Dot], x: Place) -> list[Dot]:
    """Return the dots; of those too near to one another only the first keeps its label."""
    found: list[Dot] = []
    last = -1.0
    for one in dots:
        near = x(one.at) - last < 0.14
        found.append(Dot(at=one.at, label="" if near else one.label, kind=one.kind))
        last = last if near else x(one.at)
    return found


def _dot(one: Dot, x: float, y: float) -> str:
    kind = "f1" if one.kind == "ok" else "fk sw"
    mark = f'<circle class="{kind}" cx="{percent(x)}" cy="{percent(y)}" r="4.5"/>'
    return mark + (_beside(x, y, one.label, dx=9) if one.label else "")


def _tier(one: Dot, x: float, y: float) -> str:
    kind, inner = ("fc", "hx") if one.kind == "ok" else ("fk sw dash", "") if one.kind == "next" else ("fk s5 dash", "")
    mark = f'<circle class="{kind}" cx="{percent(x)}" cy="{percent(y)}" r="8"/>'
    number = text(percent(x), percent(y), words(one.number, 4), dy=4, anchor="middle", kind=inner)
    return mark + number + (_beside(x, y, one.label, dx=13) if one.label else "")
