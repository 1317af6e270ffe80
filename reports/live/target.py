"""Renders `/sla/{rule}`: a target with its value, its error budget and what spent it, its days and locations, and how it is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup

from facts import Alert, Verdict, VerdictStatus
from reports.charts import Area, Chart, Limit, Line, linear_scale, meter, number_format, percent_format, time_line
from reports.charts.burndown import BudgetPoint, Spent, burndown
from reports.charts.scale import LinearScale
from reports.live.frame import Frame
from reports.live.incident import label_of
from reports.live.incidents import as_csv, iso
from reports.live.range_picker import RangePicker, range_picker
from reports.pages import render
from reports.ranges import TimeRange
from reports.states import STATE_OF_VERDICT
from reports.words import count, exact_span
from store.trials import StoredTrial
from store.verdicts import PastVerdict

DAYS = 30
USUAL_RANGE = "30d"
_PACE_DAYS = 14
_FARTHEST = timedelta(days=20)
"""How far ahead the day is drawn on which the budget is used up."""
_MISSED = (VerdictStatus.OFF_TARGET, VerdictStatus.WARNING, VerdictStatus.CRITICAL)
_WORDS = {
    VerdictStatus.MET: "Met",
    VerdictStatus.OFF_TARGET: "Off target",
    VerdictStatus.WARNING: "Warning",
    VerdictStatus.CRITICAL: "Critical",
    VerdictStatus.UNPROVEN: "Unproven",
    VerdictStatus.INSUFFICIENT: "Too few to say",
    VerdictStatus.NO_DATA: "No data",
    VerdictStatus.ERROR: "Cannot be judged",
    VerdictStatus.OFF: "Off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Holds what spent a part of the budget: an incident, or failures outside of incidents (`incident` is None)."""

    incident: str | None
    title: str
    bad: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Holds how the first attempts of a location went."""

    location: str
    good: int
    bad: int
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The error budget of a target over the last 30 days. `days` are how many first attempts counted and were bad, by local day.

    `minutes_per_bad` is the time that a bad run stands for, `total_minutes` what the target allows.
    """

    target: float
    days: Mapping[date, tuple[int, int]]
    minutes_per_bad: float
    total_minutes: float
    causes: Sequence[Cause] = ()
    places: Sequence[Place] = ()

    @property
    def bad(self) -> int:
        """The number of bad runs."""
        return sum(bad for _, bad in self.days.values())

    @property
    def n(self) -> int:
        """The number of runs that count."""
        return sum(n for n, _ in self.days.values())

    @property
    def left(self) -> float:
        """The share of the budget that is left; below 0 it is overspent."""
        return 1 - self.bad * self.minutes_per_bad / self.total_minutes if self.total_minutes else 0.0

    @property
    def lately(self) -> int:
        """How many runs of the last 14 days were bad."""
        today = max(self.days, default=date.min)
        return sum(bad for day, (_, bad) in self.days.items() if (today - day).days < _PACE_DAYS)

    def exhausted_at(self, now: datetime) -> datetime | None:
        """Return when nothing is left at the pace of the last 14 days; None where nothing is spent, or nothing is left already."""
        pace = self.lately * self.minutes_per_bad / _PACE_DAYS
        left = self.left * self.total_minutes
        if pace <= 0 or left <= 0 or left / pace > 3650:
            return None
        return now + timedelta(days=left / pace)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetData:
    """Holds what the page of a rule is made of. `verdict` is the one that is shown, of `verdicts`, all of the rule.

    `settings` are the rule's own, as text, `judged` how it is judged in words. `history` are the rows of the shown verdict in the range
    `shown`; `query` is that of the address. Days begin in the business's `zone`, and moments are told in the `reader`'s. `tested` are
    the newest test messages, one to each destination.
    """

    rule: str
    title: str
    kind: str
    guide: str
    judged: str
    is_on: bool
    severity: str
    now: datetime
    zone: ZoneInfo
    reader: ZoneInfo
    shown: TimeRange
    query: Mapping[str, str] = field(default_factory=dict)
    tested: Sequence[StoredTrial] = ()
    verdicts: Sequence[Verdict] = ()
    verdict: Verdict | None = None
    history: Sequence[PastVerdict] = ()
    settings: Sequence[tuple[str, str]] = ()
    budget: Budget | None = None
    last_fired: Alert | None = None
    runbook: str | None = None
    areas: Sequence[tuple[str, datetime, datetime]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """Holds a row of what spent the budget."""

    incident: str | None
    title: str
    bad: str
    minutes: str
    share: str
    meter: Markup
    is_left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRow:
    """Holds one of several subjects of a rule."""

    key: str
    state: str
    words: str
    value: str
    is_shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPage:
    """Holds the data of the template."""

    frame: Frame
    rule: str
    title: str
    state: str
    state_words: str
    outlook: str
    outlook_state: str
    heading: str
    sentence: str
    value: str
    delta: str
    chart: Chart | None
    chart_note: tuple[str, ...]
    budget_value: str
    budget_delta: str
    budget_state: str
    budget_chart: Chart | None
    pace: str
    causes: tuple[CauseRow, ...]
    per_bad: str
    places: tuple[tuple[str, str, str, str], ...]
    subjects: tuple[SubjectRow, ...]
    judged: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    last_fired: tuple[str, str] | None
    tested: str
    runbook: str | None
    picker: RangePicker
    by_day: bool
    window: str
    csv: str


def form_of(unit: str, value: float | None) -> str:
    """Return a value with its unit: a share in per cent."""
    if value is None:
        return "–"
    return percent_format(value) if unit == "ratio" else f"{number_format(value)} {unit}".rstrip()


def target_page(frame: Frame, data: TargetData) -> str:
    """Return the page's HTML."""
    return render("live/target.html.j2", page_of(frame, data))


def page_of(frame: Frame, data: TargetData) -> TargetPage:
    """Return the context of the page."""
    verdict, budget = data.verdict, data.budget
    if verdict is not None:
        status = verdict.verdict
    elif data.is_on:
        status = VerdictStatus.NO_DATA
    else:
        status = VerdictStatus.OFF
    outlook, outlook_state = _outlook(budget, data)
    if budget and budget.left <= 0:
        budget_state = "critical"
    elif budget and budget.left < 0.25:
        budget_state = "warning"
    else:
        budget_state = "ok"
    by_day = budget is not None and data.shown.key == USUAL_RANGE
    return TargetPage(
        frame=frame,
        rule=data.rule,
        title=f"{data.title[:1].upper()}{data.title[1:]}",
        state=STATE_OF_VERDICT[status].value,
        state_words=_WORDS[status],
        outlook=outlook,
        outlook_state=outlook_state,
        heading=_heading(data, status),
        sentence=verdict.summary if verdict is not None else "It has not been judged yet.",
        value=_value(verdict, budget if by_day else None),
        delta=f"target {percent_format(budget.target)} · {DAYS} days"
        if by_day and budget and budget.n
        else _delta(verdict),
        chart=_days_chart(budget, data) if budget is not None and by_day else _history_chart(data),
        chart_note=tuple(_chart_notes(data)),
        budget_value=percent_format(round(budget.left, 3)) if budget is not None else "",
        budget_delta=_budget_words(budget) if budget is not None else "",
        budget_state=budget_state,
        budget_chart=_burndown(budget, data) if budget is not None else None,
        pace=_pace(budget, data) if budget is not None else "",
        causes=tuple(_causes(budget)) if budget is not None else (),
        per_bad=f"1 bad run = {budget.minutes_per_bad:.3g} min" if budget is not None else "",
        places=tuple(_places(budget)) if budget is not None else (),
        subjects=tuple(
            SubjectRow(
                key=one.key,
                state=STATE_OF_VERDICT[one.verdict].value,
                words=_WORDS[one.verdict],
                value=form_of(one.unit, one.value),
                is_shown=verdict is not None and one.key == verdict.key,
            )
            for one in data.verdicts
        ),
        judged=tuple(_judged(data, verdict)),
        settings=tuple(data.settings),
        last_fired=_last_fired(data),
        tested=_tested(data),
        runbook=data.runbook,
        picker=range_picker(data.shown, data.query, zone=data.reader, zone_name=frame.zone_name),
        by_day=by_day,
        window=f"{DAYS} days" if by_day else data.shown.label,
        csv=urlencode(data.shown.query(data.reader), safe=":"),
    )


def _heading(data: TargetData, status: VerdictStatus) -> str:
    verdict, budget = data.verdict, data.budget
    title = (verdict.title if verdict is not None else "") or data.title
    title = f"{title[:1].upper()}{title[1:]}"
    if status is VerdictStatus.OFF:
        return f"{title}: switched off."
    if budget is not None and budget.n:
        share = percent_format(round(1 - budget.bad / budget.n, 4))
        return (
            f"{title}: {share} of first attempts passed in {DAYS} days; the target is {percent_format(budget.target)}."
        )
    if verdict is None or verdict.value is None:
        return f"{title}: {_WORDS[status].lower()}."
    limit = f"; the limit is {form_of(verdict.unit, verdict.limit)}" if verdict.limit is not None else ""
    return f"{title}: {form_of(verdict.unit, verdict.value)}{limit}. {_WORDS[status]}."


def _value(verdict: Verdict | None, budget: Budget | None) -> str:
    """Return the figure that the chart below it is about: the share of the days, else the value of the verdict."""
    if budget is not None and budget.n:
        return percent_format(round(1 - budget.bad / budget.n, 4))
    return form_of(verdict.unit, verdict.value) if verdict is not None else "–"


def _delta(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    parts = []
    if verdict.low is not None and verdict.high is not None:
        parts.append(f"likely {form_of(verdict.unit, verdict.low)}–{form_of(verdict.unit, verdict.high)}")
    if verdict.limit is not None:
        parts.append(f"limit {form_of(verdict.unit, verdict.limit)}")
    parts.append(f"n {verdict.n:,}")
    if verdict.window:
        parts.append(verdict.window)
    if verdict.coverage is not None:
        parts.append(f"coverage {percent_format(round(verdict.coverage, 3))}")
    return " · ".join(parts)


def _outlook(budget: Budget | None, data: TargetData) -> tuple[str, str]:
    if budget is None or not budget.n:
        return "", ""
    if budget.left <= 0:
        return "Budget used up", "critical"
    ends = budget.exhausted_at(data.now)
    if ends is None or ends - data.now > timedelta(days=DAYS):
        return "", ""
    return f"Budget runs out {ends.astimezone(data.reader):%-d %b}", "warning"


def _budget_words(budget: Budget) -> str:
    total = timedelta(minutes=budget.total_minutes)
    left = timedelta(minutes=budget.left * budget.total_minutes)
    said = exact_span(left) if left > timedelta() else f"overspent by {exact_span(-left)}"
    return f"{said} of {exact_span(total)} · {budget.bad:,} bad runs of {budget.n:,}"


def _pace(budget: Budget, data: TargetData) -> str:
    ends = budget.exhausted_at(data.now)
    if budget.left <= 0:
        return "nothing is left"
    if ends is None:
        return (
            f"at the pace of the last {_PACE_DAYS} days it lasts for years"
            if budget.lately
            else f"no bad run in the last {_PACE_DAYS} days"
        )
    return f"at the pace of the last {_PACE_DAYS} days it is used up on {ends.astimezone(data.reader):%a %-d %b %Y}"


def _tested(data: TargetData) -> str:
    """Return when the destinations of alerts were last tested, and how many took the message."""
    if not data.tested:
        return "never: sixfb alerts test sends a test message to every destination"
    newest = max(one.at for one in data.tested).astimezone(data.reader)
    return (
        f"{newest:%a %-d %b %Y %H:%M %Z}; {sum(one.ok for one in data.tested)} of "
        f"{count(len(data.tested), 'destination')} took the last test message"
    )


def _points(budget: Budget, data: TargetData) -> list[BudgetPoint]:
    found, spent = [], 0
    for day in sorted(budget.days):
        spent += budget.days[day][1]
        left = 1 - spent * budget.minutes_per_bad / budget.total_minutes if budget.total_minutes else 0.0
        ends = datetime.combine(day + timedelta(days=1), time(), data.zone)
        found.append(BudgetPoint(at=min(ends, data.now), left=left, minutes=left * budget.total_minutes))
    return found


def _burndown(budget: Budget, data: TargetData) -> Chart:
    first = datetime.combine(min(budget.days, default=data.now.date()), time(), data.zone)
    ends = budget.exhausted_at(data.now)
    near = ends if ends is not None and ends - data.now <= _FARTHEST else None
    until = max(data.now + timedelta(days=2), near + timedelta(days=2) if near else data.now)
    points = _points(budget, data)
    largest = sorted((c for c in budget.causes if c.incident and c.at), key=lambda cause: -cause.bad)[:3]
    said = percent_format(round(budget.left, 3))
    label = f"Error budget left over {DAYS} days: {said} today, {_pace(budget, data)}"
    return burndown(
        points,
        since=first,
        now=data.now,
        until=until,
        zone=data.reader,
        label=label,
        exhausted_at=near,
        spent=[
            Spent(at=one.at, label=f"{label_of(one.incident)} −{percent_format(_share(one.bad, budget))}")
            for one in largest
            if one.at is not None and one.incident
        ],
    )


def _share(bad: int, budget: Budget) -> float:
    return round(bad * budget.minutes_per_bad / budget.total_minutes, 3) if budget.total_minutes else 0.0


def _causes(budget: Budget) -> Iterator[CauseRow]:
    for one in sorted(budget.causes, key=lambda cause: (-cause.bad, cause.title)):
        share = _share(one.bad, budget)
        yield CauseRow(
            incident=one.incident,
            title=one.title,
            bad=f"{one.bad:,}",
            minutes=f"{one.bad * budget.minutes_per_bad:,.0f}",
            share=percent_format(share),
            meter=meter(share, label=f"{percent_format(share)} of the budget", series=2),
        )
    left = max(0.0, budget.left)
    yield CauseRow(
        incident=None,
        title="Left",
        bad=f"{int(left * budget.total_minutes / budget.minutes_per_bad):,}" if budget.minutes_per_bad else "–",
        minutes=f"{left * budget.total_minutes:,.0f}",
        share=percent_format(round(budget.left, 3)),
        meter=meter(left, label=f"{percent_format(round(left, 3))} left"),
        is_left=True,
    )


def _places(budget: Budget) -> Iterator[tuple[str, str, str, str]]:
    for one in sorted(budget.places, key=lambda place: (-(place.bad / max(1, place.good + place.bad)), place.location)):
        n = one.good + one.bad
        yield (
            one.location,
            percent_format(round(one.good / n, 4)) if n else "–",
            f"{one.bad:,} of {n:,}",
            one.step or "–",
        )


def _days_chart(budget: Budget, data: TargetData) -> Chart:
    """Draw the share that passed by day against the target; days below it are shaded."""
    noon = {day: datetime.combine(day, time(12), data.zone) for day in budget.days}
    points = [(noon[day], 1 - bad / n) for day, (n, bad) in sorted(budget.days.items()) if n]
    missed = [day for day, (n, bad) in sorted(budget.days.items()) if n and 1 - bad / n < budget.target]
    half = timedelta(hours=12)
    first = min(noon.values(), default=data.now) - half
    return time_line(
        [Line(name="Passed", points=points, step_s=86_400)],
        since=first,
        until=data.now,
        zone=data.zone,
        form=percent_format,
        label=f"First attempts that passed by day, {len(points)} days; {len(missed)} below {percent_format(budget.target)}",
        limits=[Limit(value=budget.target, label=f"target {percent_format(budget.target)}")],
        areas=[Area(since=noon[day] - half, until=noon[day] + half, label="") for day in missed],
        scale=_share_scale([budget.target, *(share for _, share in points)]),
        height=190,
    )


def _history_chart(data: TargetData) -> Chart | None:
    """Draw the value of the verdicts over 30 days against its limit; where the target was missed it is shaded."""
    rows = [row for row in data.history if row.value is not None and row.verdict is not None]
    if not rows:
        return None
    unit = rows[-1].unit
    limits = [row.limit for row in rows if row.limit is not None]
    since = max(data.shown.since, rows[0].at - timedelta(hours=1))
    points = [(row.at, row.value) for row in rows if row.value is not None]
    return time_line(
        [Line(name="Value", points=points, step_s=3700)],
        since=since,
        until=data.shown.until,
        zone=data.reader,
        form=lambda value: form_of(unit, value),
        label=f"{data.title}: its value over {data.shown.label}",
        limits=[Limit(value=limits[-1], label=f"limit {form_of(unit, limits[-1])}", kind="warn")] if limits else (),
        areas=list(_missed_areas(data)),
        scale=_share_scale([*limits, *(value for _, value in points)]) if unit == "ratio" else None,
        height=190,
    )


def _share_scale(shares: Sequence[float]) -> LinearScale:
    """Return the scale for shares: it ends at 100 %, also where only a target is known, and need not begin at 0."""
    return linear_scale([*shares, 1.0], from_zero=False)


def _missed_areas(data: TargetData) -> Iterator[Area]:
    began: datetime | None = None
    for row in data.history:
        missed = row.verdict in _MISSED
        if missed and began is None:
            began = max(row.at, data.shown.since)
        if not missed and began is not None:
            yield Area(since=began, until=row.at, label="")
            began = None
    if began is not None:
        yield Area(since=began, until=data.shown.until, label="")


def _chart_notes(data: TargetData) -> Iterator[str]:
    if data.budget is not None and data.shown.key == USUAL_RANGE:
        yield f"{data.budget.n - data.budget.bad:,} of {data.budget.n:,} first attempts"
        yield "shaded: days below the target"
    else:
        yield "shaded: while the target was missed"
    rows = [row for row in data.history if row.verdict is not None]
    if rows:
        met = sum(row.verdict is VerdictStatus.MET for row in rows)
        yield f"met in {met:,} of {len(rows):,} hourly verdicts"


def _judged(data: TargetData, verdict: Verdict | None) -> Iterator[tuple[str, str]]:
    yield "How", data.judged
    if data.guide:
        yield "Guide", data.guide
    if verdict is not None:
        if verdict.window:
            yield "Window", verdict.window
        if verdict.counted:
            yield "Counted", ", ".join(verdict.counted)
        for one in verdict.left_out:
            yield "Left out", one
    yield "Severity", data.severity
    yield "Rule", f"{data.rule} in sla.yaml, kind {data.kind}"


def _last_fired(data: TargetData) -> tuple[str, str] | None:
    alert = data.last_fired
    if alert is None or alert.fired_at is None:
        return None
    return alert.id, f"{alert.fired_at.astimezone(data.reader):%a %-d %b %Y %H:%M %Z}"


COLUMNS = ("at", "key", "verdict", "severity", "value", "limit", "unit", "low", "high", "n", "coverage")


def history_csv(rows: Sequence[PastVerdict]) -> str:
    """Return the history of verdicts as CSV; times are ISO 8601 in UTC, a verdict that was judged no more is empty."""
    found = []
    for row in rows:
        told = {name: getattr(row, name) for name in ("key", "value", "limit", "unit", "low", "high", "n", "coverage")}
        found.append(
            {
                **{name: "" if value is None else value for name, value in told.items()},
                "at": iso(row.at),
                "verdict": row.verdict.value if row.verdict is not None else "",
                "severity": row.severity.value if row.severity is not None else "",
            }
        )
    return as_csv(COLUMNS, found)
